"""Whether the holder of a state lock lives, told from the processes of a machine."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nexusctl.terraform import running
from nexusctl.terraform.causes import StateLock
from nexusctl.terraform.running import holder

BOOT = datetime(2026, 1, 1, tzinfo=UTC)
TAKEN = BOOT + timedelta(hours=3)
LOCK = StateLock(
    "7", f"root@{socket.gethostname()}", "OperationTypeApply", f"{TAKEN:%F %T}.25 +0000 UTC"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return rendered(tmp_path / "root", "prod")


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that started at `BOOT`, as the kernel shows it."""
    place = tmp_path / "proc"
    (place / "self").mkdir(parents=True)
    (place / "self/stat").write_text("1 (x) R\n")
    (place / "stat").write_text(f"cpu 1 2 3\nbtime {int(BOOT.timestamp())}\n")
    monkeypatch.setattr(running, "PROC", place)
    return place


def rendered(directory: Path, key: str) -> Path:
    directory.mkdir()
    (directory / "versions.tf").write_text(f'backend "s3" {{ key = "{key}" }}\n')
    return directory


def process(
    proc: Path, pid: int, command: str, cwd: Path, started: datetime, *, state: str = "S"
) -> None:
    place = proc / str(pid)
    place.mkdir()
    ticks = int((started - BOOT).total_seconds() * os.sysconf("SC_CLK_TCK"))
    (place / "cmdline").write_bytes("\0".join([*command.split(), ""]).encode())
    (place / "stat").write_text(f"{pid} (terra) form) {state} {'0 ' * 18}{ticks} 0 0\n")
    (place / "cwd").symlink_to(cwd)


BEFORE = TAKEN - timedelta(seconds=5)


def test_one_that_works_in_our_directory_lives(proc: Path, root: Path) -> None:
    process(proc, 41, "/usr/bin/terraform apply -json plan", root, BEFORE)
    found = holder(LOCK, root)
    assert found.lives is True
    assert "pid 41" in found.said


def test_so_does_the_embedded_one(proc: Path, root: Path) -> None:
    process(proc, 42, "python -m nexusctl.terraform.embedded apply", root, BEFORE)
    assert holder(LOCK, root).lives is True


@pytest.mark.parametrize(
    ("command", "started", "state"),
    [
        ("terraform apply", TAKEN + timedelta(seconds=30), "S"),  # it began after the lock
        ("terraform apply", BEFORE, "Z"),
        ("terraform-provider-aws", BEFORE, "S"),
        ("terraform-ls serve", BEFORE, "S"),
        ("vim terraform", BEFORE, "S"),
    ],
)
def test_what_cannot_hold_it_does_not(
    proc: Path, root: Path, command: str, started: datetime, state: str
) -> None:
    process(proc, 43, command, root, started, state=state)
    found = holder(LOCK, root)
    assert found.lives is False
    assert "it has ended" in found.said


def test_one_on_another_state_is_none_of_it(proc: Path, root: Path, tmp_path: Path) -> None:
    process(proc, 44, "terraform apply", rendered(tmp_path / "staging", "staging"), BEFORE)
    process(proc, 45, "terraform apply", tmp_path, BEFORE)
    assert holder(LOCK, root).lives is False


def test_another_checkout_may_hold_it(proc: Path, root: Path, tmp_path: Path) -> None:
    elsewhere = rendered(tmp_path / "elsewhere", "prod")
    process(proc, 46, "tofu apply", elsewhere, BEFORE)
    found = holder(LOCK, root)
    assert found.lives is None
    assert f"pid 46 in {elsewhere}" in found.said


def test_of_another_machine_nothing_is_known(proc: Path, root: Path) -> None:
    found = holder(StateLock("7", "ci@runner-7", "OperationTypeApply", LOCK.created), root)
    assert found.lives is None
    assert "another machine (runner-7)" in found.said


def test_without_proc_or_a_time_nothing_is_known(
    proc: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holder(StateLock("7", LOCK.who, "OperationTypeApply", "unknown"), root).lives is None
    monkeypatch.setattr(running, "PROC", tmp_path / "none")
    assert holder(LOCK, root).lives is None
