"""Where the state is kept, as rendered files and as Terraform's own directory say it."""

import json
from pathlib import Path
from typing import Any

import pytest

from nexusctl.environment.load import load
from nexusctl.render.render import render
from nexusctl.render.rendered import Rendered
from nexusctl.terraform.backend import Backend
from nexusctl.workspace import shipped_assets

ROOT = Path("/project")
S3 = {"bucket": "states", "key": "a/b.tfstate", "region": "eu-central-1"}


def initialised(directory: Path, kind: str, config: Any) -> Backend | None:
    document = {"version": 3, "backend": {"type": kind, "config": config, "hash": 1}}
    (directory / "terraform.tfstate").write_text(json.dumps(document))
    return Backend.initialised(directory)


def test_what_terraform_was_initialised_with_is_where_the_files_have_it(
    project: Path, tmp_path: Path
) -> None:
    environment = load("dev", project / "environments")
    written = Backend.written(render(environment, shipped_assets()))
    config = {
        "bucket": "keystone-nexus-dev-tfstate",
        "key": "keystone-nexus/dev/terraform.tfstate",
        "region": "eu-central-1",
        "encrypt": True,
        "use_lockfile": True,
        "profile": None,
    }
    before = initialised(tmp_path, "s3", config)
    assert written
    assert before
    assert before == written
    assert before.place(ROOT) == written.place(ROOT)
    assert written.place(ROOT) == (
        "s3://keystone-nexus-dev-tfstate/keystone-nexus/dev/terraform.tfstate in eu-central-1"
    )


@pytest.mark.parametrize("other", [{"bucket": "x"}, {"key": "x"}, {"region": "eu-west-1"}])
def test_another_bucket_key_or_region_is_another_place(other: dict[str, str]) -> None:
    assert Backend("s3", S3).place(ROOT) != Backend("s3", S3 | other).place(ROOT)


def test_another_profile_is_the_same_place() -> None:
    assert Backend("s3", S3).place(ROOT) == Backend("s3", S3 | {"profile": "x"}).place(ROOT)


def test_a_local_state_lies_in_the_directory_that_terraform_works_in() -> None:
    local = Backend("local", {"path": "terraform.tfstate"})
    assert local.place(ROOT) == "/project/terraform.tfstate"
    assert Backend.written(local.alone(ROOT)) == Backend(
        "local", {"path": "/project/terraform.tfstate"}
    )


def test_a_root_of_the_backend_alone_is_the_same_backend() -> None:
    backend = Backend("s3", S3 | {"encrypt": True, "assume_role": {"role_arn": "arn:aws:iam::1:x"}})
    alone = backend.alone(ROOT)
    assert list(alone.files) == ["versions.tf"]
    assert Backend.written(alone) == backend


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"backend": null}'])
def test_where_nothing_was_initialised_there_is_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "terraform.tfstate").write_text(content)
    assert Backend.initialised(tmp_path) is None
    assert Backend.written(Rendered({}, {})) is None
