"""A directory of environment files, written from text."""

from collections.abc import Callable
from pathlib import Path

import pytest

COMPLETE = """\
tier: development
aws:
  region: eu-central-1
  account_id: "012345678901"
state:
  backend: s3
  bucket: some-bucket
network:
  cidr_block: 10.0.0.0/16
  availability_zones: [eu-central-1a, eu-central-1b]
database:
  engine_version: "16.4"
  instance_class: db.t4g.medium
  allocated_storage_gib: 20
  multi_az: false
  backup_retention: 1d
  deletion_protection: false
proxy:
  connection_pool:
    max_connections_percent: 70
    max_idle_connections_percent: 35
    connection_borrow_timeout: 30s
users:
  app:
    username: app_user
workers:
  instance_type: c7g.large
  min_size: 1
  max_size: 2
  processes_per_instance: 1
  connections_per_process: 1
  command: run
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files by name (without .yaml) and gives their directory; `whole` is complete."""

    def write(**files: str) -> Path:
        for name, text in {"whole": COMPLETE, **files}.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return write
