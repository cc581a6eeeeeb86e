"""The other end of an embedded Terraform that serves: one process for many commands.

Terraform reads the process environment once, and keeps the schema of a provider by its name for as
long as its process lives. So a process is used again only where environment and dependency lock
file are the same: what is reached with the same credentials shares one, one after the other.
"""

import atexit
import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import PIPE, TimeoutExpired

from nexusctl.terraform import process
from nexusctl.terraform.process import Completed

LOCK_FILE = ".terraform.lock.hcl"
PATIENCE_AT_THE_END_SECONDS = 5.0
_ANSWER_BYTES = 16


def run(
    argv: Sequence[str],
    arguments: Sequence[str],
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
    """Run one command of Terraform's as `process.run` does, in a server that `argv` starts.

    The one that was used last serves again where it can. What in `environment` is a path beside
    `directory` is handed on relative to it, so that it is the same for every work directory.
    """
    variables = {name: _relative(value, directory) for name, value in environment.items()}
    request = {
        "arguments": list(arguments),
        "directory": str(directory),
        "stdout": str(stdout),
        "stderr": str(stderr),
    }
    with process.private(stdout), process.private(stderr) as log:
        server = _server(argv, variables, directory / LOCK_FILE, log)

        def start() -> Server:
            server.ask(request)
            return server

        return process.follow(
            start,
            stdout,
            stderr,
            on_line=on_line,
            on_interrupt=on_interrupt,
            may_interrupt=may_interrupt,
            heeds=heeds,
        )


class Server:
    """A process that runs one command of Terraform's at a time. `log` is a descriptor."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], log: int) -> None:
        self._process = process.spawn(
            [*argv, "--serve"], PIPE, log, environment=environment, stdin=PIPE
        )
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None  # noqa: S101 - it was opened as a pipe
        assert answers is not None  # noqa: S101 - it was opened as a pipe
        os.set_blocking(answers.fileno(), False)
        self._requests, self._answers = requests, answers
        self._busy = False

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def idle(self) -> bool:
        """Whether it lives and waits for a command."""
        return not self._busy and self._process.poll() is None

    def ask(self, request: Mapping[str, object]) -> None:
        """Let it begin with a command. Should it have died, `poll` tells."""
        self._busy = True
        with contextlib.suppress(BrokenPipeError):
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()

    def poll(self) -> int | None:
        """The exit code of the command; None while it runs."""
        try:
            answer = os.read(self._answers.fileno(), _ANSWER_BYTES)
        except BlockingIOError:
            return None
        if not answer:  # it ended without an answer
            return self._process.wait() or 1
        self._busy = False
        return int(answer)

    def send_signal(self, sig: int, /) -> None:
        """Pass a signal on to the command."""
        self._process.send_signal(sig)

    def close(self) -> None:
        """Let it end; one that still has a command ends with that."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        with contextlib.suppress(TimeoutExpired):
            self._process.wait(PATIENCE_AT_THE_END_SECONDS)
        self._answers.close()


_kept: list[tuple[tuple[object, ...], Server]] = []  # one at most


def _server(
    argv: Sequence[str], environment: Mapping[str, str], lock_file: Path, log: int
) -> Server:
    """The server that was used last, or a new one in its place."""
    locked = lock_file.read_bytes() if lock_file.is_file() else b""
    key = (*argv, locked, *sorted(environment.items()))
    for used_for, server in _kept:
        if used_for == key and server.idle:
            return server
    close()
    server = Server(argv, environment, log)
    _kept.append((key, server))
    return server


@atexit.register
def close() -> None:
    """Let the server end, if there is one."""
    while _kept:
        _kept.pop()[1].close()


def _relative(value: str, directory: Path) -> str:
    beside = value.startswith(f"{directory.parent}{os.sep}")
    return os.path.relpath(value, directory) if beside else value
