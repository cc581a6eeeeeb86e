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
from typing import Protocol

POLL_SECONDS = 0.05
# CI systems kill a job about ten seconds after they asked it to stop: Terraform needs its share.
LONGEST_WAIT_SECONDS = 7.0
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True, slots=True)
class Completed:
    """How a process ended. `interrupted` is the first signal that arrived meanwhile, if any."""

    exit_code: int
    stdout: Path
    stderr: Path
    interrupted: signal.Signals | None


class Child(Protocol):
    """What runs one command of Terraform's."""

    @property
    def pid(self) -> int:
        """Its process."""

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""

    def send_signal(self, sig: int, /) -> None:
        """Pass a signal on to it."""


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
    may_interrupt: Callable[[], bool] = lambda: True,
) -> Completed:
    """Run Terraform to its end in a process of its own, as `follow` has it.

    Output goes to the files `stdout` and `stderr` (both 0600).
    """
    with private(stdout) as out, private(stderr) as err:

        def start() -> subprocess.Popen[bytes]:
            return spawn(argv, out, err, directory=directory, environment=environment)

        return follow(
            start,
            stdout,
            stderr,
            on_line=on_line,
            on_interrupt=on_interrupt,
            may_interrupt=may_interrupt,
        )


def spawn(
    argv: Sequence[str],
    stdout: int,
    stderr: int,
    *,
    environment: Mapping[str, str],
    directory: Path | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own."""
    return subprocess.Popen(
        list(argv),
        cwd=directory,
        env=dict(environment),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        process_group=0,
    )


@contextmanager
def stopped_with_us(pid: int) -> Iterator[Callable[[], None]]:
    """Within the block, the process `pid` gets one SIGINT if this one ends, however it ends.

    What is yielded calls that off. A shell waits for that at the end of a pipe that only we hold.
    The kernel's own way, PR_SET_PDEATHSIG, sends the signal once for each of our threads, and a
    second SIGINT makes Terraform drop the state and the lock.
    """
    watch = subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _ || kill -INT "$1"', "sh", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield watch.kill
    finally:
        watch.kill()
        watch.communicate()


def follow(
    start: Callable[[], Child],
    stdout: Path,
    stderr: Path,
    *,
    on_line: Callable[[str], None],
    on_interrupt: Callable[[int], None],
    may_interrupt: Callable[[], bool],
) -> Completed:
    """Start Terraform and wait for its end, handing each line of `stdout` to `on_line` at once.

    SIGINT, SIGTERM and SIGHUP are passed on as one SIGINT, which makes Terraform stop in order,
    save the state and release the lock: as soon as `may_interrupt` says so, or a second signal
    comes, or seven seconds have passed. `on_interrupt` is called with the number of each signal.
    """
    with signals_held() as received:
        child = start()
        with stopped_with_us(child.pid) as call_off, stdout.open("rb") as reader:
            lines = _Lines(reader.read)

            def interrupt() -> None:
                call_off()  # or a nexusctl that is killed now would mean a second interrupt
                child.send_signal(signal.SIGINT)

            interrupts = _Interrupts(interrupt, received, on_interrupt, may_interrupt)
            exit_code = None
            try:
                while exit_code is None:
                    interrupts.pass_on()
                    time.sleep(POLL_SECONDS)
                    exit_code = child.poll()
                    for line in lines.complete(last=exit_code is not None):
                        on_line(line)
            except BaseException:
                if exit_code is None:
                    interrupts.send()  # whatever it is, Terraform does not go on without us
                while exit_code is None:
                    time.sleep(POLL_SECONDS)
                    exit_code = child.poll()
                raise
    # Also one that came too late to be passed on.
    return Completed(exit_code, stdout, stderr, received[0] if received else None)


@dataclass(slots=True)
class _Interrupts:
    """Passes on what has been received, once and at a good moment."""

    interrupt: Callable[[], None]
    received: Sequence[signal.Signals]
    on_interrupt: Callable[[int], None]
    may_interrupt: Callable[[], bool]
    announced: int = 0
    latest: float = 0.0
    sent: bool = False

    def pass_on(self) -> None:
        while self.announced < len(self.received):
            if self.announced == 0:
                self.latest = time.monotonic() + LONGEST_WAIT_SECONDS
            self.announced += 1
            self.on_interrupt(self.announced)
        if not self.announced or self.sent:
            return
        if self.announced > 1 or time.monotonic() > self.latest or self.may_interrupt():
            self.send()

    def send(self) -> None:
        if not self.sent:
            self.sent = True
            self.interrupt()


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
def private(path: Path) -> Iterator[int]:
    """A new file that only its owner reads, open for writing."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def signals_held() -> Iterator[list[signal.Signals]]:
    """Collect the signals that would end nexusctl, until the block is left.

    One that the caller lets it ignore, as `nohup` does, stays ignored.
    """
    received: list[signal.Signals] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number))

    heeded = [each for each in FORWARDED if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def stop_with_parent() -> None:
    """Let this process have a SIGINT when its parent ends."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
