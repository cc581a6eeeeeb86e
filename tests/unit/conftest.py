"""Unit tests start no processes: a test that does belongs into tests/integration."""

import subprocess

import pytest


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args, **kwargs):
        raise AssertionError(f"a unit test started a process: {args}")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
