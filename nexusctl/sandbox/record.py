"""What the sandbox's server and its clients share: the files of its directory, and its record."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

TOKEN_HEADER = "X-Nexusctl-Token"  # noqa: S105 - the name of a header, not a token
PRIVATE_PATH = "/_nexusctl/"
ACCESS_KEY_PREFIX = "NEXUSBOX"


def access_key_id(account_id: str) -> str:
    """The throw-away access key id that leads to `account_id` on the sandbox.

    Twenty capitals and digits, as AWS's are, and of a shape that AWS never issues.
    """
    return ACCESS_KEY_PREFIX + account_id


@dataclass(frozen=True, slots=True)
class Record:
    """A server that listens. `started_at` is UTC in ISO 8601."""

    pid: int
    port: int
    started_at: str
    token: str


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a sandbox's directory."""

    directory: Path

    @property
    def alive(self) -> Path:
        """Locked by the server for as long as it lives: the kernel lets go when it dies."""
        return self.directory / "server.lock"

    @property
    def starting(self) -> Path:
        """Locked by a command while it starts, stops or looks for the server."""
        return self.directory / "command.lock"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.directory / "server.log"

    @property
    def _record(self) -> Path:
        return self.directory / "server.json"

    def read_record(self) -> Record | None:
        """The record of the server that listens here, or of one that was killed."""
        try:
            return Record(**json.loads(self._record.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_record(self, record: Record) -> None:
        """Let clients find the server. Atomic."""
        replace_private(self._record, json.dumps(asdict(record)))

    def remove_record(self) -> None:
        """Let clients forget the server."""
        self._record.unlink(missing_ok=True)


def replace_private(path: Path, text: str) -> None:
    """Give `path` a new text, readable by its owner alone, in one step."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
        file.write(text)
    beside.replace(path)


def open_private(path: Path, flags: int) -> int:
    """A file descriptor of `path`, which is made readable by its owner alone."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, operation: int) -> bool:
    """Take a lock of `fcntl.flock` unless somebody holds it."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Whether somebody holds the exclusive lock of `path`."""
    try:
        descriptor = open_private(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of `path`, waiting for it as long as it takes."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
