"""The other end of the worker's pipe."""

import contextlib
import json
import os
import pickle
import selectors
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any

from nexusctl.configuration.configuration import Instance
from nexusctl.workspace import PACKAGE

_PATIENCE_AT_THE_END_SECONDS = 2.0


class WorkerLost(Exception):
    """The worker gave no answer."""


class Worker:
    """One worker process. It has its own session, so Ctrl-C in the terminal does not reach it."""

    def __init__(self, policies: Path, log: Path) -> None:
        self._number = 0
        self._rest = b""
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            self._process = Popen(
                [sys.executable, "-P", "-m", "nexusctl.policy.worker", str(policies.resolve())],
                stdin=PIPE,
                stdout=PIPE,
                stderr=descriptor,
                env=_environment(),
                start_new_session=True,
            )
        finally:
            os.close(descriptor)

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def ask(
        self, instances: Sequence[Instance], tier: str, *, patience_seconds: float
    ) -> Mapping[str, Any]:
        """What the policies of a tier say of resources.

        Raises:
            WorkerLost: it ended, did not answer in time, or answered something else.
        """
        self._number += 1
        question = {"number": self._number, "tier": tier, "instances": tuple(instances)}
        try:
            line = self._exchange(pickle.dumps(question), time.monotonic() + patience_seconds)
            answer = json.loads(line)
        except OSError:
            raise WorkerLost(self._end()) from None
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.get("number") != self._number:
            raise WorkerLost("it answered something else")
        return answer

    def close(self) -> None:
        """End the process at once: it has nothing to finish, and may still be importing checkov."""
        if self.alive:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _exchange(self, question: bytes, deadline: float) -> bytes:
        """Send the question while the worker takes it, then wait for its line."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - it was opened as a pipe
        assert stdout is not None  # noqa: S101 - it was opened as a pipe
        os.set_blocking(stdin.fileno(), False)
        rest = memoryview(question)
        with selectors.DefaultSelector() as selector:
            selector.register(stdin, selectors.EVENT_WRITE)
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise WorkerLost("it did not answer in time")
                for key, _ in ready:
                    if key.fileobj is stdin:
                        rest = rest[os.write(stdin.fileno(), rest) :]
                        if not rest:
                            selector.unregister(stdin)
                    else:
                        data = os.read(stdout.fileno(), 1 << 16)
                        if not data:
                            raise WorkerLost(self._end())
                        self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _end(self) -> str:
        with contextlib.suppress(TimeoutExpired):
            self._process.wait(_PATIENCE_AT_THE_END_SECONDS)
        return f"it ended with code {self._process.poll()}"


def _environment() -> dict[str, str]:
    """Nothing that steers checkov or Terraform, no credentials, and nexusctl where it is now."""
    kept = ("HOME", "LANG", "LC_ALL", "PATH", "SYSTEMROOT", "TMPDIR", "TZ", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return environment | {
        "PYTHONPATH": str(PACKAGE.parent),
        "PYTHONUTF8": "1",
        # Neither warning nor error: checkov would log what a check raised, values and all.
        "CHECKOV_CHECK_FAIL_LEVEL": "OFF",
    }
