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
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nexusctl.interrupts import held

POLL_SECONDS = 0.05
# CI systems kill a job about ten seconds after they asked it to stop: Terraform needs its share.
LONGEST_WAIT_SECONDS = 7.0
# What makes a second signal of one key press: a wrapper passes on what the terminal sent as well.
SAME_SECONDS = 0.5
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
    may_interrupt: Callable[[float], bool] = lambda _waited: True,
    heeds: str = "",
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
            heeds=heeds,
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


# Reads a PID and waits for the end of the pipe, then until FILE tells that PID heeds an interrupt.
WATCH = """
read -r pid || exit
read -r _ && exit
until [ -z "$2" ] || grep -qF -e "$2" "$1" || ! kill -0 "$pid"; do sleep 0.1; done
kill -INT "$pid"
"""


class _Watch:
    """Sends a process one SIGINT if this one ends, however it ends.

    It does so as soon as a line with `heeds` stands in `stdout`. A shell waits for that at the end
    of a pipe that only we hold. The kernel's own way, PR_SET_PDEATHSIG, sends the signal once for
    each of our threads, and a second SIGINT makes Terraform drop the state and the lock.
    """

    def __init__(self, stdout: Path, heeds: str) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "sh", str(stdout), heeds],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )

    def watch(self, pid: int) -> None:
        """Let it know the process. It was started before, so that none is without it."""
        pipe = self._shell.stdin
        assert pipe is not None  # noqa: S101 - it was opened as one
        with suppress(BrokenPipeError):
            pipe.write(f"{pid}\n".encode())
            pipe.flush()

    def call_off(self) -> None:
        """Send nothing any more."""
        self._shell.kill()

    def close(self) -> None:
        """Send nothing, and end."""
        self.call_off()
        with suppress(BrokenPipeError):
            self._shell.communicate()


def follow(
    start: Callable[[], Child],
    stdout: Path,
    stderr: Path,
    *,
    on_line: Callable[[str], None],
    on_interrupt: Callable[[int], None],
    may_interrupt: Callable[[float], bool],
    heeds: str,
) -> Completed:
    """Start Terraform and wait for its end, handing each line of `stdout` to `on_line` at once.

    SIGINT, SIGTERM and SIGHUP are passed on as one SIGINT, which makes Terraform stop in order,
    save the state and release the lock. It is passed on once a line with `heeds` was heard, because
    before that Terraform may lose it: as soon as `may_interrupt` says so of the seconds that it has
    waited since, or another signal comes, or seven seconds have passed. `on_interrupt` is called
    with the number of each signal.
    """
    with held() as received:
        if received:  # nothing is begun any more
            return Completed(-signal.SIGINT, stdout, stderr, received[0])
        with closing(_Watch(stdout, heeds)) as watch, stdout.open("rb") as reader:
            child = start()
            watch.watch(child.pid)
            lines = _Lines(reader.read, heeds)

            def interrupt() -> None:
                watch.call_off()  # or a nexusctl that is killed now would mean a second interrupt
                child.send_signal(signal.SIGINT)

            interrupts = _Interrupts(interrupt, received, on_interrupt, may_interrupt)
            exit_code = None
            try:
                while exit_code is None:
                    interrupts.pass_on(heeded=lines.heeded)
                    time.sleep(POLL_SECONDS)
                    exit_code = child.poll()
                    for line in lines.complete(last=exit_code is not None):
                        on_line(line)
            except BaseException:
                while exit_code is None:  # whatever it is, Terraform does not go on without us
                    for _ in lines.complete():
                        pass
                    if lines.heeded:
                        interrupts.send()
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
    may_interrupt: Callable[[float], bool]
    seen: int = 0
    announced: int = 0
    first: float = 0.0
    waiting: float = 0.0  # since Terraform heeds an interrupt
    again: bool = False
    sent: bool = False

    def pass_on(self, *, heeded: bool) -> None:
        if not self.received:
            return
        now = time.monotonic()
        self.first = self.first or now
        if len(self.received) > self.seen and (not self.seen or now - self.first > SAME_SECONDS):
            self.announced += 1
            self.again = heeded and self.announced > 1
            self.on_interrupt(self.announced)
        self.seen = len(self.received)
        if not heeded:
            return
        self.waiting = self.waiting or now
        waited = now - self.waiting
        if self.again or waited > LONGEST_WAIT_SECONDS or self.may_interrupt(waited):
            self.send()

    def send(self) -> None:
        if not self.sent:
            self.sent = True
            self.interrupt()


class _Lines:
    """Whole lines out of a file that is still being written.

    `heeded` is whether `heeds` stood in one of them, or is empty.
    """

    def __init__(self, read: Callable[[], bytes], heeds: str) -> None:
        self._read = read
        self._rest = b""
        self._heeds = heeds.encode()
        self.heeded = not heeds

    def complete(self, *, last: bool = False) -> Iterator[str]:
        *whole, self._rest = (self._rest + self._read()).split(b"\n")
        if last and self._rest:
            whole.append(self._rest)
        self.heeded = self.heeded or any(self._heeds in line for line in whole)
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


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def stop_with_parent() -> None:
    """Let this process have a SIGINT when its parent ends."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
