"""The result of rendering: Terraform files, and where each printed value came from."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

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

    def blame(self, file: str, line: int, variables: Iterable[str]) -> tuple[Origin, ...]:
        """The environment values behind a place that Terraform complains of.

        In the root these are the values printed on the line. In a module they are those that the
        root passes into the variables (`var.cidr_block`) that the place uses.
        """
        module = re.match(r"modules/([^/]+)/", file)
        if module is None:
            return self.origins(file, line)
        blamed: dict[Origin, None] = {}
        for number in self._argument_lines(module[1], variables):
            blamed.update(dict.fromkeys(self.origins("main.tf", number)))
        return tuple(blamed)

    def _argument_lines(self, module: str, variables: Iterable[str]) -> Iterator[int]:
        names = {v.split(".")[1].split("[")[0] for v in variables if v.startswith("var.")}
        inside = False
        for number, text in enumerate(self.files.get("main.tf", "").splitlines(), start=1):
            if text.startswith("module "):
                inside = text.startswith(f'module "{module}"')
            argument = re.match(r"  (\w+)\s+=", text)
            if inside and argument and argument[1] in names:
                yield number
