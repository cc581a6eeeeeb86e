"""Unit tests start no processes: a test that does belongs into tests/integration."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nexusctl.workspace import PACKAGE


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **_options: object) -> None:
        raise AssertionError(f"a unit test started a process: {args}")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the shipped environments, to be changed at will."""
    root = tmp_path / "project"
    shutil.copytree(PACKAGE.parent / "environments", root / "environments")
    return root
