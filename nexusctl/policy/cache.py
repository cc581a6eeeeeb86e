"""Documents kept for as long as nothing they rest on changes."""

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nexusctl.policy.catalogue import policy_files
from nexusctl.workspace import PACKAGE

_KEPT = 512


@dataclass(frozen=True, slots=True)
class Cache:
    """A directory (0700) with one file a document. A file that is not what it should be is nothing.

    A key names all that a document rests on: digests of the inputs, of the policies and of what
    judged them. None of the documents holds a secret: what was found is told by place and length.
    """

    directory: Path

    def get(self, key: str) -> Any | None:
        """The document kept under `key`, if there is one and it is whole."""
        try:
            entry = json.loads(self._file(key).read_bytes())
            intact = entry["key"] == key and entry["digest"] == _digest(key, entry["document"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return entry["document"] if intact else None

    def put(self, key: str, document: Any) -> None:
        """Keep a document. A full disk or the like only means that it is made again."""
        entry = {"key": key, "digest": _digest(key, document), "document": document}
        with contextlib.suppress(OSError):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.directory.chmod(0o700)
            descriptor, name = tempfile.mkstemp(dir=self.directory)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(entry, file)
            Path(name).replace(self._file(key))
            self._forget_old()

    def _file(self, key: str) -> Path:
        return self.directory / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _forget_old(self) -> None:
        with os.scandir(self.directory) as entries:
            files = [(entry.stat().st_mtime_ns, entry.path) for entry in entries]
        if len(files) > _KEPT:
            for _, file in sorted(files)[: len(files) - _KEPT // 2]:
                Path(file).unlink(missing_ok=True)


def policies_digest(policies: Path) -> str:
    """The digest of all that judges: the policies, nexusctl's own code and checkov's version.

    Raises:
        ToolUnfit: there are no policies.
    """
    total = hashlib.sha256(f"checkov {version('checkov')}\0".encode())
    policy_files(policies)
    for directory, pattern in ((policies, "*.py"), (PACKAGE, "*.py"), (PACKAGE, "*.json")):
        for file in sorted(directory.rglob(pattern)):
            content = file.read_bytes()
            name = file.relative_to(directory).as_posix()
            total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def _digest(key: str, document: Any) -> str:
    text = json.dumps(document, sort_keys=True)
    return hashlib.sha256(f"{key}\0{text}".encode()).hexdigest()
