"""The sandbox as commands see it: start, find, ask and stop its server."""

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from subprocess import DEVNULL, run
from typing import Any

from nexusctl.errors import ToolUnfit
from nexusctl.sandbox.prerequisites import Prerequisites
from nexusctl.sandbox.record import (
    PRIVATE_PATH,
    TOKEN_HEADER,
    Files,
    Record,
    access_key_id,
    is_locked,
    locked,
    open_private,
    replace_private,
)

START_PATIENCE = 30.0  # seconds
STOP_PATIENCE = 10.0
ANSWER_PATIENCE = 10.0
POLL = 0.02
SECRET_ACCESS_KEY = "the-sandbox-asks-for-none"  # noqa: S105 - any text will do


@dataclass(frozen=True, slots=True)
class Stopped:
    """No server runs."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A server ended without being stopped, and what it held is gone."""

    pid: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Running:
    """A server runs.

    `fresh` is set when this call started it, so that it is empty; `lost` then names the server
    that ended unexpectedly before, if one did.
    """

    endpoint: str
    pid: int
    started_at: datetime
    fresh: bool = False
    lost: Lost | None = None


class Sandbox:
    """The embedded AWS of one project, kept in `directory` (`Workspace.sandbox`)."""

    def __init__(self, directory: Path) -> None:
        self._files = Files(directory)

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._files.log

    def status(self) -> Running | Stopped | Lost:
        """What is known of the server, without asking it."""
        alive = is_locked(self._files.alive)
        record = self._files.read_record()
        if record is None:
            return Stopped()
        started_at = datetime.fromisoformat(record.started_at)
        if not alive:
            return Lost(record.pid, started_at)
        return Running(f"http://127.0.0.1:{record.port}", record.pid, started_at)

    def ensure_running(self) -> Running:
        """The server, started if there is none. Commands that start at once share one.

        Raises:
            ToolUnfit: it does not start, or does not answer.
        """
        self._files.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._files.starting):
            before = self.status()
            if isinstance(before, Running):
                self._ask("identity")
                return before
            self._files.remove_record()
            self._start()
            now = self.status()
            if not isinstance(now, Running):
                raise self._unfit("ended as soon as it had started")
            self._ask("identity")
            lost = before if isinstance(before, Lost) else None
            return Running(now.endpoint, now.pid, now.started_at, fresh=True, lost=lost)

    def _start(self) -> None:
        """Start the server and wait until it has written its record."""
        output = open_private(self._files.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            # This returns at once: the server holds its lock and goes on in a process of its own,
            # in "/" and with -P, so that no file of the project can be taken for a module.
            code = run(
                [
                    *(sys.executable, "-P", "-m", "nexusctl.sandbox.server"),
                    *("--directory", str(self._files.directory.resolve())),
                ],
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                check=False,
            ).returncode
        finally:
            os.close(output)
        if code:
            raise self._unfit(f"ended with exit code {code}")
        deadline = time.monotonic() + START_PATIENCE
        while self._files.read_record() is None:
            if not is_locked(self._files.alive):
                raise self._unfit("ended before it listened")
            if time.monotonic() > deadline:
                raise self._unfit(f"did not listen after {START_PATIENCE:.0f} s")
            time.sleep(POLL)

    def stop(self) -> Running | Stopped | Lost:
        """End the server; what it held is gone.

        Returns:
            What was there before.

        Raises:
            ToolUnfit: it does not answer (so that its process cannot be known for sure), or does
                not end.
        """
        if not self._files.directory.is_dir():
            return Stopped()
        with locked(self._files.starting):
            before = self.status()
            if isinstance(before, Running):
                self._ask("identity")
                os.kill(before.pid, signal.SIGTERM)
                deadline = time.monotonic() + STOP_PATIENCE
                while is_locked(self._files.alive):
                    if time.monotonic() > deadline:
                        raise self._unfit(f"(pid {before.pid}) did not end on SIGTERM")
                    time.sleep(POLL)
            self._files.remove_record()
            return before

    def reset(self) -> None:
        """Empty the running server.

        Raises:
            ToolUnfit: it does not run, or does not answer.
        """
        self._ask("reset")

    def prepare(self, prerequisites: Prerequisites) -> None:
        """Make what an environment presumes exist in the running server. Idempotent.

        Raises:
            ToolUnfit: it does not run, does not answer, or cannot.
        """
        self._ask("prepare", asdict(prerequisites))

    def environment_variables(
        self,
        running: Running,
        inherited: Mapping[str, str],
        *,
        account_id: str,
        region: str,
        profile: str | None = None,
    ) -> dict[str, str]:
        """The process environment in which AWS's tools reach the sandbox and nothing else.

        Every `AWS_` variable of `inherited` is dropped: real credentials, profiles and endpoints
        have no way in. With `profile`, a profile of that name exists, with the same credentials.
        """
        kept = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
        key_id = access_key_id(account_id)
        names = ["default", *([profile] if profile and profile != "default" else [])]
        credentials = f"aws_access_key_id = {key_id}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n"
        # Named by content: commands for other environments may be running.
        stem = "-".join(("aws", account_id, region, *([profile] if profile else ())))
        shared = self._files.directory / f"{quote(stem)}.credentials"
        config = self._files.directory / f"{quote(stem)}.config"
        replace_private(shared, "".join(f"[{name}]\n{credentials}" for name in names))
        replace_private(
            config,
            "".join(
                f"[{name if name == 'default' else f'profile {name}'}]\nregion = {region}\n"
                for name in names
            ),
        )
        no_proxy = ",".join(filter(None, [kept.get("NO_PROXY"), kept.get("no_proxy"), "127.0.0.1"]))
        return kept | {
            "AWS_ENDPOINT_URL": running.endpoint,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": str(shared.resolve()),
            "AWS_CONFIG_FILE": str(config.resolve()),
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }

    def _ask(self, command: str, body: dict[str, Any] | None = None) -> None:
        """Send one of nexusctl's own requests, and make sure that it is our server that answers."""
        record = self._files.read_record()
        if record is None or not is_locked(self._files.alive):
            raise ToolUnfit("the sandbox does not run", hint="start it: nexusctl sandbox start")
        pid = self._post(record, command, body).get("pid")
        if pid != record.pid:
            raise self._unfit(f"(pid {record.pid}) is not what answers on port {record.port}")

    def _post(self, record: Record, command: str, body: dict[str, Any] | None) -> dict[str, Any]:
        # http.client knows no proxies, whatever the environment says.
        connection = HTTPConnection("127.0.0.1", record.port, timeout=ANSWER_PATIENCE)
        headers = {TOKEN_HEADER: record.token, "Content-Type": "application/json"}
        try:
            connection.request("POST", PRIVATE_PATH + command, json.dumps(body or {}), headers)
            response = connection.getresponse()
            answer = response.read().decode(errors="replace")
            if response.status != HTTPStatus.OK:
                raise self._unfit(f"refused {command!r}: {response.status} {answer}")
            return dict(json.loads(answer))
        except (OSError, HTTPException, ValueError) as error:
            raise self._unfit(f"(pid {record.pid}) does not answer: {error}") from error
        finally:
            connection.close()

    def _unfit(self, what: str) -> ToolUnfit:
        return ToolUnfit(f"the sandbox's server {what}", hint=f"its log may say why: {self.log}")


def quote(name: str) -> str:
    """A profile's name as a part of a file's name."""
    return "".join(c if c.isalnum() or c in "-_." else f"%{ord(c):x}" for c in name)
