"""YAML text → a tree of values with the place of each.

The scalars are those of YAML 1.2's core schema, so that `no`, `on` and `1:30` are text. Of YAML,
what surprises or endangers is refused: tags, merge keys, numbers with leading zeros, keys that are
not text, duplicate keys, several documents, control characters. PyYAML provides the parser's events
(libyaml's where it was built with it); everything above them happens here.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import yaml

from nexusctl.environment import credentials
from nexusctl.environment.problem import EnvironmentProblems, Problem, Source, quoted
from nexusctl.environment.tree import Node, Scalar, Span, ValuePath
from nexusctl.errors import Location

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 10_000  # with aliases expanded
_MAX_DIGITS = 32

_EMPTY_HINT = "an environment is a map, as in: extends: base"
_SYNTAX_HINT = "check the indentation, colons and quotes here and in the line above"

# libyaml's parser where PyYAML has it; without it the same, about ten times slower.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# Everything that YAML does not allow in a file, and what is a line break to some YAML parsers only.
_UNFIT = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Document:
    """One environment file. `problems` are those that left the rest of it readable."""

    root: Node
    source: Source
    problems: tuple[Problem, ...]


def parse(data: bytes, file: Path) -> Document:
    """The document in `data`, which was read from `file`.

    Raises:
        EnvironmentProblems: it is not one YAML map within the limits of this module.
    """
    text = _decoded(data, file)
    lines = _LINE_BREAK.split(text)
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return _Composer(text, Source(file, tuple(lines))).document()


def _decoded(data: bytes, file: Path) -> str:
    if len(data) > MAX_BYTES:
        _refuse(file, f"the file is larger than {MAX_BYTES >> 20} MiB", "is it an environment?")
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        _refuse(file, "the file starts with a byte order mark", "save it as UTF-8 without BOM")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        _refuse(file, f"byte 0x{byte:02x} is not UTF-8 text", "save the file as UTF-8", line)
    unfit = _UNFIT.search(text)
    if unfit:
        line = len(_LINE_BREAK.findall(text, 0, unfit.start())) + 1
        message = f"the character U+{ord(unfit[0]):04X} is not allowed in a file"
        _refuse(file, message, "remove the invisible character", line)
    return text


def _refuse(file: Path, message: str, hint: str, line: int = 1) -> NoReturn:
    raise EnvironmentProblems([Problem(Location(file, line), message, hint)])


class _RefusedScalarError(Exception):
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def _resolved(text: str) -> Scalar:
    """What a plain scalar means in YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise _RefusedScalarError(
            f"{text} is not a number here", f'if it is text, quote it: "{text}"'
        )
    integer = _INTEGER.fullmatch(text)
    if not integer and not _FLOAT.fullmatch(text):
        return text
    if _LEADING_ZERO.match(text):
        raise _RefusedScalarError(
            f"{quoted(text)} starts with a zero: YAML would read a number, and versions of YAML "
            "differ in which",
            f'if it is text, quote it: "{quoted(text)}"; if it is a number, drop the zeros',
        )
    if len(text) <= _MAX_DIGITS:
        number = int(text, 0) if integer else float(text)
        if math.isfinite(number):
            return number
    raise _RefusedScalarError(
        f"the number {quoted(text)} is too large", f'if it is text, quote it: "{quoted(text)}"'
    )


def _span(start: Any, end: Any) -> Span:
    return (start.line + 1, start.column + 1), (end.line + 1, end.column + 1)


class _Composer:
    """Builds the tree from the parser's events, and collects problems on the way."""

    def __init__(self, text: str, source: Source) -> None:
        self._text = text
        self._source = source
        self._events = self._parsed()
        self._problems: list[Problem] = []
        self._hidden: list[Span] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0
        self._silenced = 0

    def document(self) -> Document:
        next(self._events)  # the start of the stream
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            self._give_up(Location(self._source.file, 1), "the file is empty", _EMPTY_HINT)
        root = self._node(next(self._events), ())
        next(self._events)  # the end of the document
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            message = "a second YAML document starts"
            self._give_up(self._place(event.start_mark), message, "keep one environment per file")
        if root.value is None:
            self._give_up(root.location, "the file is empty", _EMPTY_HINT)
        if not isinstance(root.value, dict):
            self._give_up(root.location, "the file is not a map of keys to values", _EMPTY_HINT)
        source = replace(self._source, hidden=tuple(self._hidden))
        return Document(root, source, tuple(map(source.illustrate, self._problems)))

    def _parsed(self) -> Iterator[Any]:
        # PyYAML lets a ValueError of its own through for some malformed escapes and directives.
        try:
            yield from yaml.parse(self._text, Loader=_LOADER)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            place = self._place(mark) if mark else Location(self._source.file, 1)
            what = getattr(error, "problem", None) or "malformed text"
            has_tab = "\t" in self._source.lines[place.line - 1][: place.column]
            hint = "indent with spaces, not with tabs" if has_tab else _SYNTAX_HINT
            self._give_up(place, f"not valid YAML: {quoted(what)}", hint)

    def _node(self, event: Any, path: ValuePath, key: Location | None = None) -> Node:
        if len(path) > MAX_DEPTH:
            self._give_up(self._place(event.start_mark), f"more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path, key)
        self._count_values(1, event)
        if event.tag is not None:
            self._complain(
                self._place(event.start_mark),
                f"the YAML tag {quoted(event.tag)} is not allowed",
                "remove it; quote the value if it is text",
            )
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, key)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(event, path, key)
        else:
            node = self._map(event, path, key)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, path: ValuePath, key: Location | None) -> Node:
        place = self._place(event.start_mark)
        node = self._anchors.get(event.anchor)
        if node is None:
            self._give_up(
                place,
                f"the alias *{quoted(event.anchor)} has no anchor",
                f"write &{quoted(event.anchor)} before the value it repeats, further up",
            )
        paths = [inner for inner, _ in node.walk(path)]
        self._count_values(len(paths), event)
        if max(map(len, paths)) > MAX_DEPTH:
            self._give_up(place, f"more than {MAX_DEPTH} levels deep, with aliases expanded")
        is_scalar = not isinstance(node.value, (dict, tuple))
        return replace(node, location=place if is_scalar else key or place, key=key)

    def _scalar(self, event: yaml.ScalarEvent, key: Location | None) -> Node:
        text: str = event.value
        place = self._place(event.start_mark)
        value: Scalar = text
        if not event.style and event.tag is None:
            if not text:
                # Nothing was written: the parser's mark is wherever it noticed.
                place = key or place
            try:
                value = _resolved(text)
            except _RefusedScalarError as refused:
                self._complain(place, refused.message, refused.hint)
        unfit = _UNFIT.search(text)
        if unfit:
            code = f"U+{ord(unfit[0]):04X}"
            self._complain(place, f"the character {code} is not allowed in a value", "remove it")
        span = _span(event.start_mark, event.end_mark)
        credential = credentials.credential_in(text)
        if credential:
            self._hidden.append(span)
            message = f"this text holds a credential: {quoted(credential)}"
            self._complain(place, message, credentials.HINT)
        if credential or self._silenced:
            value = text = credentials.MASK  # so that nothing later can show it
        return Node(value, place, span, key, text)

    def _list(self, start: Any, path: ValuePath, key: Location | None) -> Node:
        items: list[Node] = []
        event = next(self._events)
        while not isinstance(event, yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
            event = next(self._events)
        place = key or self._place(start.start_mark)
        return Node(tuple(items), place, _span(start.start_mark, event.end_mark), key)

    def _map(self, start: Any, path: ValuePath, key: Location | None) -> Node:
        entries: dict[str, Node] = {}
        event = next(self._events)
        while not isinstance(event, yaml.MappingEndEvent):
            name, place = self._key(event, path)
            if name in entries:
                line = (entries[name].key or entries[name].location).line
                message = f"{quoted(name)} is written twice, first in line {line}"
                self._complain(place, message, "keep one of them")
            event = next(self._events)
            # A user may be called `token_service`; its value is a map without credentials.
            is_user = path == ("users",) and isinstance(event, yaml.MappingStartEvent)
            if credentials.names_credential(name) and not is_user:
                child = self._credential(name, event, (*path, name), place)
            else:
                child = self._node(event, (*path, name), place)
            entries.setdefault(name, child)
            event = next(self._events)
        place = key or self._place(start.start_mark)
        return Node(entries, place, _span(start.start_mark, event.end_mark), key)

    def _key(self, event: Any, path: ValuePath) -> tuple[str, Location]:
        place = self._place(event.start_mark)
        node = self._node(event, (*path, ""), place)
        plain = isinstance(event, yaml.ScalarEvent) and not event.style
        if plain and node.text == "<<":
            message = "merge keys (<<) are not allowed"
            self._complain(place, message, "to build on another environment: extends: NAME")
        elif not isinstance(event, yaml.ScalarEvent):
            self._complain(place, "a key must be plain text", "write the key itself")
        elif not isinstance(node.value, str):
            hint = f'quote it if it is meant as text: "{quoted(node.text)}"'
            self._complain(place, f"the key {quoted(node.text) or '(none)'} is not text", hint)
        return node.text, place

    def _credential(self, name: str, event: Any, path: ValuePath, key: Location) -> Node:
        """The value of a credential. Nothing else is said of it: a message could quote it."""
        message = f"{quoted(name)} is a credential: none may be written in an environment"
        self._complain(key, message, credentials.HINT)
        self._silenced += 1
        node = self._node(event, path, key)
        self._silenced -= 1
        self._hidden.append(node.span)
        return replace(node, location=key)

    def _place(self, mark: Any) -> Location:
        """The place of a mark; a mark behind the end of the text moves to the end."""
        lines = self._source.lines
        if mark.line >= len(lines):
            return Location(self._source.file, len(lines), len(lines[-1]) + 1)
        column = min(mark.column, len(lines[mark.line]))
        return Location(self._source.file, mark.line + 1, column + 1)

    def _count_values(self, more: int, event: Any) -> None:
        self._count += more
        if self._count > MAX_VALUES:
            message = f"more than {MAX_VALUES} values, with aliases expanded"
            self._give_up(self._place(event.start_mark), message, "is it an environment?")

    def _complain(self, place: Location, message: str, hint: str) -> None:
        if not self._silenced:
            self._problems.append(Problem(place, message, hint))

    def _give_up(self, place: Location, message: str, hint: str | None = None) -> NoReturn:
        """Refuse the whole file. What the unread rest means is unknown, so it may be a credential:
        in doubt no source is shown."""
        source = replace(self._source, hidden=tuple(self._hidden))
        problem = Problem(place, message, hint)
        if not any(
            credentials.names_credential(word) for word in re.findall(r"[\w-]+", self._text)
        ):
            problem = source.illustrate(problem)
        raise EnvironmentProblems([*map(source.illustrate, self._problems), problem])
