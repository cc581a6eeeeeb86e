"""Reads HCL far enough to know its blocks and its literals, and on which line each of them is.

A second opinion beside checkov's parser: what must have been judged is counted here, so a file or
a block that checkov lost is noticed. It also sees quotes, which checkov removes, so it can tell
`password = "var.x"` from `password = var.x`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<heredoc><<-?(?P<mark>[\w-]+)\n)
    |(?P<name>[A-Za-z_][\w-]*(?:\.[\w*-]+)*)
    |(?P<quote>")
    |(?P<other>=>|==|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Text:
    """A string or heredoc: where it is and its text, each interpolation as `${}`."""

    path: tuple[str, ...]
    line: int
    text: str
    heredoc: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """A block at the top of a file. `repeated` tells `count` or `for_each`."""

    type: str
    labels: tuple[str, ...]
    line: int
    source: str | None
    repeated: bool


@dataclass(frozen=True, slots=True)
class Declared:
    """A resource or module call of a root, with the address it has when it is not repeated."""

    address: str
    type: str
    file: str
    line: int
    repeated: bool


class Malformed(Exception):
    """A text that is not HCL: an open string, heredoc or bracket."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def texts(source: str) -> list[Text]:
    """Every string in an HCL file, with the path of blocks and keys that leads to it.

    Raises:
        Malformed: the file is not HCL.
    """
    return _read(source).texts


def headers(source: str) -> list[Header]:
    """Every block at the top of an HCL file.

    Raises:
        Malformed: the file is not HCL.
    """
    return _read(source).headers


def declared(files: Mapping[str, str]) -> list[Declared]:
    """Every managed resource of a rendered root and of the local modules it calls.

    Raises:
        Malformed: a file is not HCL, or a module is called that is not among the files.
    """
    by_directory: dict[PurePosixPath, list[tuple[str, Header]]] = {}
    for name, text in files.items():
        if name.endswith(".tf"):
            try:
                found = [(name, header) for header in headers(text)]
            except Malformed as error:
                raise Malformed(f"{name}: {error}") from None
            by_directory.setdefault(PurePosixPath(name).parent, []).extend(found)
    return list(_walk(by_directory, PurePosixPath("."), "", repeated=False, depth=0))


def _walk(
    directories: Mapping[PurePosixPath, list[tuple[str, Header]]],
    directory: PurePosixPath,
    prefix: str,
    *,
    repeated: bool,
    depth: int,
) -> Iterator[Declared]:
    if directory not in directories or depth > len(directories):
        raise Malformed(f"the module in {directory} has no files here, or calls itself")
    for file, header in directories[directory]:
        again = repeated or header.repeated
        if header.type == "resource":
            address = prefix + ".".join(header.labels)
            yield Declared(address, header.labels[0], file, header.line, again)
        elif header.type == "module":
            inner = _resolve(directory, header.source or "")
            call = f"{prefix}module.{header.labels[0]}."
            yield from _walk(directories, inner, call, repeated=again, depth=depth + 1)


def _resolve(directory: PurePosixPath, source: str) -> PurePosixPath:
    if not source.startswith(("./", "../")):
        raise Malformed(f"a module's source is not a local directory: {source or 'none'}")
    parts: list[str] = list(directory.parts)
    for part in PurePosixPath(source).parts:
        if part == "..":
            if not parts:
                raise Malformed(f"a module's source is outside the root: {source}")
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)


class _Reader:
    """One pass over a file. Brackets make a stack of names; a string's path is that stack."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.texts: list[Text] = []
        self.headers: list[Header] = []
        self._stack: list[tuple[str, tuple[str, ...]]] = []
        self._words: list[_Token] = []  # what may become a block's header, or an argument's name
        self._key: tuple[str, ...] = ()
        self._top: tuple[_Token, ...] = ()  # of the block at the top: its words and two arguments
        self._source: str | None = None
        self._repeated = False
        self._read()

    def _read(self) -> None:
        for token in self._tokens():
            if token.kind in {"string", "heredoc"}:
                self._text(token)
            if token.kind in {"name", "string"}:
                self._words.append(token)
            elif token.kind == "newline":
                # Inside a list or a call, what began goes on in the next line.
                self._forget(key=self._inside == "{")
            elif token.text in {"=", ":"} and self._words:
                self._assign(token)
            elif token.text in {"{", "[", "("}:
                self._open(token)
            elif token.text in {"}", "]", ")"}:
                self._close(token)
            else:
                self._forget(key=token.text == "," and self._inside == "{")
        if self._stack:
            raise Malformed("a bracket is not closed")

    @property
    def _inside(self) -> str:
        return self._stack[-1][0] if self._stack else "{"

    def _forget(self, *, key: bool) -> None:
        self._words = []
        if key:
            self._key = ()

    def _text(self, token: _Token) -> None:
        path = (*self._path(), *self._key)
        self.texts.append(Text(path, token.line, token.text, token.kind == "heredoc"))
        if len(self._stack) == 1 and self._key == ("source",):
            self._source = token.text

    def _assign(self, token: _Token) -> None:
        self._key = (self._words[-1].text,)
        if len(self._stack) == 1 and token.text == "=":
            self._repeated |= self._key[0] in {"count", "for_each"}
        self._words = []

    def _open(self, token: _Token) -> None:
        if token.text == "{" and not self._stack:
            self._top, self._source, self._repeated = tuple(self._words), None, False
        # `key = {` nests by the key, `block "label" {` by its words.
        words = tuple(word.text for word in self._words) if token.text == "{" else ()
        self._stack.append((token.text, self._key or words))
        self._forget(key=True)

    def _close(self, token: _Token) -> None:
        if not self._stack or self._stack.pop()[0] + token.text not in {"{}", "[]", "()"}:
            raise Malformed(f"line {token.line}: {token.text} closes nothing")
        if not self._stack and self._top:
            kind, *labels = self._top
            named = tuple(label.text for label in labels)
            self.headers.append(Header(kind.text, named, kind.line, self._source, self._repeated))
            self._top = ()
        self._forget(key=True)

    def _path(self) -> tuple[str, ...]:
        return tuple(name for _, names in self._stack for name in names)

    def _tokens(self) -> Iterator[_Token]:
        position, line = 0, 1
        while position < len(self.source):
            match = _TOKEN.match(self.source, position)
            if match is None:
                raise Malformed(f"line {line}: unreadable")
            start, position = position, match.end()
            if match["quote"]:
                text, position = self._string(position)
                yield _Token("string", text, line)
            elif match["heredoc"]:
                text, position = self._heredoc(position, match["mark"])
                yield _Token("heredoc", text, line)
            elif match["skip"]:
                if "\n" in match[0] or match[0].startswith(("#", "//")):
                    yield _Token("newline", "", line)
            else:
                yield _Token("name" if match["name"] else "other", match[0], line)
            line += self.source.count("\n", start, position)

    def _string(self, position: int) -> tuple[str, int]:
        text = ""
        while position < len(self.source):
            character = self.source[position]
            if character == '"':
                return text, position + 1
            if character == "\n":
                break
            if character == "\\":
                text += self.source[position + 1 : position + 2]
                position += 2
            elif self.source.startswith(("$${", "%%{"), position):
                text += character + "{"
                position += 3
            elif self.source.startswith(("${", "%{"), position):
                position = self._interpolation(position + 2)
                text += "${}"
            else:
                text += character
                position += 1
        raise Malformed("a string is not closed")

    def _interpolation(self, position: int) -> int:
        depth = 1
        while position < len(self.source):
            character = self.source[position]
            position += 1
            if character == '"':
                start = self.source.count("\n", 0, position) + 1
                text, position = self._string(position)
                self.texts.append(Text(self._path(), start, text))
            elif character == "{":
                depth += 1
            elif character == "}":
                depth -= 1
                if depth == 0:
                    return position
        raise Malformed("an interpolation is not closed")

    def _heredoc(self, position: int, mark: str) -> tuple[str, int]:
        end = re.compile(rf"^[ \t]*{re.escape(mark)}[ \t]*$", re.MULTILINE).search(
            self.source, position
        )
        if end is None:
            raise Malformed(f"the heredoc {mark} is not closed")
        return self.source[position : end.start()], end.end()


# The same files are read for their headers and their texts, and again beside the plan.
_read = lru_cache(maxsize=128)(_Reader)
