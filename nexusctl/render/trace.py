"""Values that remember where they came from while a template prints them.

A printed value is wrapped in two marks that carry its index; `untangle` takes them out again and
turns them into the source map. The marks are private-use characters, which the HCL encoder never
leaves bare in a string.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jinja2 import Undefined, UndefinedError
from pydantic import BaseModel

from nexusctl.environment.origin import Origin
from nexusctl.render import hcl

Path = tuple[str | int, ...]

OPEN, CLOSE = "\ue000", "\ue001"
MARK = re.compile(f"{OPEN}(\\d+){CLOSE}|{CLOSE}{OPEN}|\n")


class Traced:
    """A value of the environment and its path, for use in a template.

    Attributes of a model and elements of a map or list are again traced, one step deeper; an
    attribute of anything else (`duration.seconds`) belongs to the value itself. It has no text:
    only `Tracer.finalize` gets at the value.
    """

    __slots__ = ("_path", "_value")

    def __init__(self, value: object, path: Path) -> None:
        self._value = value
        self._path = path

    def __getattr__(self, name: str) -> "Traced":
        if not isinstance(self._value, BaseModel):
            return Traced(getattr(self._value, name), self._path)
        path = (*self._path, name)
        if name not in type(self._value).model_fields:
            raise UndefinedError(f"there is no setting {_dotted(path)}")
        return Traced(getattr(self._value, name), path)

    def items(self) -> Iterator[tuple["Traced", "Traced"]]:
        """The keys and values of a map, both traced to the element."""
        if not isinstance(self._value, Mapping):
            raise TypeError(f"{_dotted(self._path)} is not a map")
        for name, element in self._value.items():
            path = (*self._path, name)
            yield Traced(name, path), Traced(element, path)

    def __iter__(self) -> Iterator["Traced"]:
        if not isinstance(self._value, (list, tuple)):
            raise TypeError(f"{_dotted(self._path)} is not a list")
        for index, element in enumerate(self._value):
            yield Traced(element, (*self._path, index))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return self._value == (other._value if isinstance(other, Traced) else other)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        # Also what str(), format() and % come to. Text made of it would be printed as template.
        name = _dotted(self._path)
        raise TypeError(f"{name} cannot become part of a text: print it alone, {{{{ {name} }}}}")


@dataclass(slots=True)
class Tracer:
    """Encodes what one template prints, and notes which value it was."""

    printed: list[Path] = field(default_factory=list)

    def finalize(self, value: object) -> str:
        """Jinja's finalize: every printed expression passes here and becomes an HCL literal."""
        if isinstance(value, Undefined):
            return str(value)  # which raises, and names what is undefined
        if isinstance(value, str) and OPEN in value:
            raise TypeError(
                "what a macro, a call or a set block has printed cannot be printed again"
            )
        if not isinstance(value, Traced):
            return hcl.literal(value)
        path = value._path  # noqa: SLF001
        text = hcl.literal(
            value._value,  # noqa: SLF001
            mark=lambda key, element: self._mark((*path, key), element),
        )
        return self._mark(path, text)

    def _mark(self, path: Path, text: str) -> str:
        self.printed.append(path)
        return f"{OPEN}{len(self.printed) - 1}{CLOSE}{text}{CLOSE}{OPEN}"

    def untangle(self, marked: str) -> tuple[str, dict[int, list[Path]]]:
        """The text without marks, and the paths printed on each line, the most specific first.

        Further lines of a value are indented as the line it starts on.
        """
        pieces: list[str] = []
        lines: dict[int, list[Path]] = {}
        opened: list[int] = []
        line, indents, done = 1, [""], 0
        line_start = 0
        for found in MARK.finditer(marked):
            pieces.append(marked[done : found.start()])
            done = found.end()
            if found.group() == "\n":
                line += 1
                line_start = found.end()
                pieces.append("\n" + indents[-1])
                self._note(lines, line, opened)
            elif found.group(1) is not None:
                opened.append(int(found.group(1)))
                self._note(lines, line, opened[-1:])
                head = marked[line_start : found.start()]
                indents.append(indents[-1] + head[: len(head) - len(head.lstrip(" "))])
            else:
                opened.pop()
                indents.pop()
        pieces.append(marked[done:])
        return "".join(pieces), lines

    def _note(self, lines: dict[int, list[Path]], line: int, indexes: list[int]) -> None:
        for index in indexes:
            path = self.printed[index]
            known = lines.setdefault(line, [])
            if path not in known:
                known.append(path)
                known.sort(key=len, reverse=True)


def _dotted(path: Path) -> str:
    return Origin(path, None).dotted
