"""The answers of the worker, kept for as long as nothing they rest on changes."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nexusctl.policy.catalogue import policy_files

_KEPT = 64


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """A directory (0700) with one file an answer. A file that is not what it should be is nothing.

    Only what checkov saw is kept. Findings, and the search for passwords in the environment, are
    made anew each time, so they name the lines that hold the values now.
    """

    directory: Path

    def key(self, subject: str, digest: str, policies: Path) -> str:
        """The digest of all that an answer rests on: the root or plan, the policies, the engine."""
        total = hashlib.sha256(f"{subject}\0{digest}\0{version('checkov')}\0".encode())
        package = Path(__file__).parent
        ours = sorted(file for file in package.iterdir() if file.is_file())
        every = sorted(file for file in policies.rglob("*.py") if file.is_file())
        for file in (*ours, *every, *policy_files(policies)):
            content = file.read_bytes()
            total.update(f"{file.name}\0{len(content)}\0".encode() + content)
        return total.hexdigest()

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The answer kept under `key`, if there is one and it is whole."""
        try:
            entry = json.loads(self._file(key).read_bytes())
            intact = entry["key"] == key and entry["digest"] == _digest(key, entry["answer"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return entry["answer"] if intact else None

    def put(self, key: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer. A full disk or the like only means that it is asked for again."""
        entry = {"key": key, "digest": _digest(key, answer), "answer": answer}
        with contextlib.suppress(OSError):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.directory.chmod(0o700)
            descriptor, name = tempfile.mkstemp(dir=self.directory)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(entry, file)
            Path(name).replace(self._file(key))
            self._forget_old()

    def _file(self, key: str) -> Path:
        return self.directory / f"{key}.json"

    def _forget_old(self) -> None:
        kept = sorted(self.directory.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in kept[:-_KEPT]:
            file.unlink(missing_ok=True)


def _digest(key: str, answer: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{key}\0{json.dumps(answer, sort_keys=True)}".encode()).hexdigest()
