"""The result of rendering: Terraform files, and where each printed value came from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nexusctl.environment.origin import Origin


@dataclass(frozen=True, slots=True)
class Rendered:
    """A complete Terraform root module.

    `files` maps a path relative to the root (`main.tf`, `modules/proxy/main.tf`) to its text.
    `source_map` maps a file and a line (from 1) to the values printed on that line.
    """

    files: Mapping[str, str]
    source_map: Mapping[str, Mapping[int, tuple[Origin, ...]]]

    @property
    def digest(self) -> str:
        """SHA-256 over all file names and texts, in hexadecimal."""
        total = hashlib.sha256()
        for name in sorted(self.files):
            text = self.files[name].encode()
            total.update(f"{name}\0{len(text)}\0".encode() + text)
        return total.hexdigest()

    def origins(self, file: str, line: int) -> tuple[Origin, ...]:
        """The environment values printed on a line, none if it is all template."""
        return self.source_map.get(file, {}).get(line, ())
