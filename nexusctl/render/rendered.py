"""The result of rendering: Terraform files, and where each printed value came from."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nexusctl.environment.origin import Origin

LOCK_FILE = ".terraform.lock.hcl"


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

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file, in hexadecimal, by its path."""
        return {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in self.files.items()
        }

    def origins(self, file: str, line: int) -> tuple[Origin, ...]:
        """The environment values printed on a line, none if it is all template."""
        return self.source_map.get(file, {}).get(line, ())

    def blame(
        self, file: str | None, line: int, variables: Iterable[str], said: str = ""
    ) -> tuple[Origin, ...]:
        """The environment values behind an error of Terraform's.

        In the root these are the values printed on the line. In a module they are those that the
        root passes into the variables (`var.cidr_block`) that the place uses, or else those of the
        module's arguments that the error quotes. Without a place they are the quoted values of the
        backend and the provider.

        Args:
            file: the place in the rendered root, if Terraform names one, with its `line`.
            line: see `file`.
            variables: the expressions that Terraform shows the values of.
            said: the text of the error, for the values it quotes.
        """
        if file is None:
            settings = ((name, self._lines(name)) for name in ("versions.tf", "providers.tf"))
            return _unique(self._quoted(name, lines, said) for name, lines in settings)
        module = re.match(r"modules/([^/]+)/", file)
        if module is None:
            return self.origins(file, line)
        arguments = list(self._arguments(module[1]))
        names = {v.split(".")[1].split("[")[0] for v in variables if v.startswith("var.")}
        used = [number for argument, number, _ in arguments if argument in names]
        lines = [(number, text) for _, number, text in arguments]
        return _unique(self.origins("main.tf", number) for number in used) or _unique(
            [self._quoted("main.tf", lines, said)]
        )

    def _lines(self, file: str) -> list[tuple[int, str]]:
        return list(enumerate(self.files.get(file, "").splitlines(), start=1))

    def _arguments(self, module: str) -> Iterator[tuple[str, int, str]]:
        """The lines of a module's call, each with the argument that it belongs to."""
        inside, argument = False, ""
        for number, text in self._lines("main.tf"):
            if text and not text.startswith(" "):
                inside = text.startswith(f'module "{module}"')
            elif named := re.match(r"  (\w+)", text):
                argument = named[1]
            if inside:
                yield argument, number, text

    def _quoted(self, file: str, lines: Iterable[tuple[int, str]], said: str) -> Iterator[Origin]:
        """The values printed on `lines` that an error quotes."""
        for number, text in lines:
            literals = re.findall(r'"((?:[^"\\]|\\.)+)"', text)
            for origin in self.origins(file, number):
                last = origin.path[-1]
                index = last if isinstance(last, int) else 0
                if index < len(literals) and literals[index] in said:
                    yield origin


def _unique(origins: Iterable[Iterable[Origin]]) -> tuple[Origin, ...]:
    return tuple(dict.fromkeys(each for some in origins for each in some))
