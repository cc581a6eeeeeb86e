"""Which Terraforms run on this machine, and whether the holder of a state lock is one of them."""

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nexusctl.terraform.causes import StateLock

PROC = Path("/proc")
STARTED = 21  # in /proc/PID/stat, counted from 0: clock ticks since the machine started
CLOCK = timedelta(seconds=2)  # what is lost by rounding in the clocks that are compared
BACKEND_FILE = "versions.tf"  # of a rendered root: it names where the state is
TERRAFORM = re.compile(r"(terraform|tofu)(?!-)")


@dataclass(frozen=True, slots=True)
class Running:
    """A Terraform that runs on this machine. `directory` is None if that may not be known."""

    pid: int
    started: datetime
    directory: Path | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Whether the process that holds a lock lives, None if that cannot be known; and why."""

    lives: bool | None
    said: str


def holder(lock: StateLock, directory: Path) -> Holder:
    """What is known here of the process that holds `lock`.

    Args:
        lock: it names its host, as Terraform does: by the host's own name.
        directory: the rendered root of this environment in this project.
    """
    host = lock.who.rpartition("@")[2]
    if host != socket.gethostname():
        return Holder(None, f"on another machine ({host}): whether it lives cannot be known here")
    taken = lock.created_at
    if taken is None or not (PROC / "self/stat").is_file():
        return Holder(None, "on this machine; whether it lives cannot be known")
    before = [each for each in terraforms() if each.started <= taken + CLOCK]
    for each in before:
        if each.directory == directory.resolve():
            return Holder(True, f"on this machine, and it lives: Terraform, pid {each.pid}")
    others = [each for each in before if _same_state(each.directory, directory)]
    if others:
        places = ", ".join(f"pid {each.pid} in {each.directory or '?'}" for each in others)
        return Holder(
            None, f"on this machine; it may be a Terraform that still runs elsewhere ({places})"
        )
    return Holder(
        False, "on this machine, and it has ended: no Terraform on this state is left from then"
    )


def _same_state(other: Path | None, ours: Path) -> bool:
    """Whether a Terraform that works in `other` may hold the state of `ours`."""
    if other is None:
        return True
    try:
        return (other / BACKEND_FILE).read_bytes() == (ours / BACKEND_FILE).read_bytes()
    except OSError:
        return False  # it is none of nexusctl's


def terraforms() -> Iterator[Running]:
    """Every Terraform that runs on this machine; none where there is no /proc."""
    for process in PROC.glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if not _is_terraform(words):
                continue
            # The second field is the command in brackets, and may hold anything.
            fields = (process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                started = _machine_started() + int(fields[STARTED - 2]) / os.sysconf("SC_CLK_TCK")
                directory = _directory(process)
                yield Running(int(process.name), datetime.fromtimestamp(started, UTC), directory)
        except OSError:
            continue  # it has ended meanwhile


def _is_terraform(words: list[bytes]) -> bool:
    name = os.fsdecode(words[0]).rpartition("/")[2]
    return bool(TERRAFORM.match(name)) or b"nexusctl.terraform.embedded" in words


def _directory(process: Path) -> Path | None:
    try:
        return (process / "cwd").readlink()
    except PermissionError:
        return None


def _machine_started() -> float:
    """Seconds since the epoch."""
    lines = (PROC / "stat").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("btime ")))
