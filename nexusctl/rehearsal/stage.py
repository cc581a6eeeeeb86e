"""Where a rehearsal takes place: a directory, an unprivileged user, and a keeper to end it all."""

import os
import pwd
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import trustme

from nexusctl.errors import ToolUnfit

HOST = "127.0.0.1"
UNPRIVILEGED = "nobody"
MODULE = (sys.executable, "-P", "-m")


@dataclass(frozen=True)
class Stage:
    """The directory of one rehearsal (0700, gone afterwards) and what all its processes share.

    `user` is whom the servers run as: the caller, or nobody if the caller is root.
    `password` is made for the run; it is the one of each database role.
    """

    directory: Path
    user: pwd.struct_passwd
    group: int
    password: str

    @classmethod
    @contextmanager
    def set_up(cls) -> Iterator["Stage"]:
        """A stage that is gone when the block is left or nexusctl ends, killed or not."""
        user = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        directory = Path(tempfile.mkdtemp(prefix="nexusctl-rehearsal-"))
        os.chown(directory, user.pw_uid, user.pw_gid)
        keeper = subprocess.Popen(
            [*MODULE, "nexusctl.rehearsal.keeper", str(directory)],
            stdin=subprocess.PIPE,
            process_group=0,
        )
        try:
            yield cls(directory, user, keeper.pid, secrets.token_urlsafe())
        finally:
            assert keeper.stdin is not None  # noqa: S101 - it is a pipe, see above
            keeper.stdin.close()
            keeper.wait()

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file that only the unprivileged user can read (0600)."""
        path = self.directory / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchown(descriptor, self.user.pw_uid, self.user.pw_gid)
            file.write(text.encode() if isinstance(text, str) else text)
        return path

    def run(self, argv: Sequence[str | Path]) -> None:
        """Run a tool of PostgreSQL's to its end, as the unprivileged user.

        Raises:
            ToolUnfit: it failed.
        """
        done = subprocess.run(
            list(map(str, argv)),
            **self._as_user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ToolUnfit(
                f"{argv[0]} failed: {done.stderr.strip()}", hint="does its installation work?"
            )

    def start(self, argv: Sequence[str | Path]) -> "subprocess.Popen[bytes]":
        """Start a server as the unprivileged user; what it says goes to a log named after it."""
        name = Path(argv[0]).name
        with (self.directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                list(map(str, argv)),
                **self._as_user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self, name: str) -> str:
        """The end of what a server has said."""
        try:
            return (self.directory / f"{name}.log").read_text("utf-8", "replace")[-2000:].strip()
        except FileNotFoundError:
            return ""

    @property
    def _as_user(self) -> Mapping[str, Any]:
        options: dict[str, Any] = {"cwd": self.directory, "process_group": self.group}
        options["env"] = {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", "LC_ALL": "C"}
        if os.geteuid() == 0:
            options |= {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        return options

    @cached_property
    def certificate(self) -> "Certificate":
        """A certificate for 127.0.0.1 by an authority that is forgotten at once."""
        authority = trustme.CA()
        issued = authority.issue_cert(HOST)
        return Certificate(
            self.write("authority.pem", authority.cert_pem.bytes()),
            self.write("server.pem", b"".join(pem.bytes() for pem in issued.cert_chain_pems)),
            self.write("server.key", issued.private_key_pem.bytes()),
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate, its key, and the authority that clients check it against."""

    authority: Path
    chain: Path
    key: Path


def free_port() -> int:
    """A TCP port on the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
