"""Runs Terraform as a process, so that nothing surprises it.

Terraform writes into a log file, not a pipe: if nexusctl is killed, a broken pipe does not kill
Terraform in the middle of an apply. It runs in its own process group, so that Ctrl-C reaches it
once, through us, and is asked to stop when its parent dies.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

POLL_SECONDS = 0.05
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True, slots=True)
class Completed:
    """How a process ended. `interrupted` is the first signal that arrived meanwhile, if any."""

    exit_code: int
    stdout: Path
    stderr: Path
    interrupted: signal.Signals | None


def capture(argv: Sequence[str], *, environment: Mapping[str, str], seconds: float) -> str | None:
    """The standard output of a short question to a tool; None if it failed or took too long."""
    try:
        completed = subprocess.run(
            list(argv),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return completed.stdout if completed.returncode == 0 else None


def run(
    argv: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    stdout: Path,
    stderr: Path,
    on_line: Callable[[str], None] = lambda _line: None,
    on_interrupt: Callable[[int], None] = lambda _count: None,
) -> Completed:
    """Run Terraform to its end, handing each line it prints to `on_line` as it comes.

    Output goes to the files `stdout` and `stderr` (both 0600). The first SIGINT,
    SIGTERM or SIGHUP is passed on as one SIGINT, which makes Terraform finish what is in flight,
    save the state and release the lock; later ones only call `on_interrupt` with their number.
    """
    with _private(stdout) as out, _private(stderr) as err, _signals_held() as received:
        process = subprocess.Popen(
            list(argv),
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            process_group=0,
            preexec_fn=_stop_with_parent,  # noqa: PLW1509 - it only calls prctl(2)
        )
        announced = 0
        with stdout.open("rb") as reader:
            lines = _Lines(reader.read)
            while True:
                exit_code = process.poll()
                for line in lines.complete():
                    on_line(line)
                if exit_code is not None:
                    break
                if len(received) > announced:
                    if announced == 0:
                        process.send_signal(signal.SIGINT)
                    announced = len(received)
                    on_interrupt(announced)
                time.sleep(POLL_SECONDS)
            for line in lines.complete(last=True):
                on_line(line)
    # Also one that came too late to be passed on.
    return Completed(exit_code, stdout, stderr, received[0] if received else None)


class _Lines:
    """Whole lines out of a file that is still being written."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._rest = b""

    def complete(self, *, last: bool = False) -> Iterator[str]:
        *whole, self._rest = (self._rest + self._read()).split(b"\n")
        if last and self._rest:
            whole.append(self._rest)
        for line in whole:
            yield line.decode("utf-8", "replace")


@contextmanager
def _private(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _signals_held() -> Iterator[list[signal.Signals]]:
    """Collect the signals that would end nexusctl, until the block is left."""
    received: list[signal.Signals] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number))

    before = {number: signal.signal(number, note) for number in FORWARDED}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _stop_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
