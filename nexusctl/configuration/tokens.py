"""Splits HCL text into tokens. A template is one token that holds its pieces."""

import re
import unicodedata
from typing import Any, NamedTuple

# Deep enough for anybody's file, and far from Python's own limit.
MAX_NESTING = 40

_TOKEN = re.compile(
    r"""(?P<space>[ \t]+)
    |(?P<newline>\r?\n)
    |(?P<name>[^\W\d][\w-]*)
    |(?P<string>"[^"\\$%\r\n]*")
    |(?P<number>[0-9](?:(?:[0-9.]|[eE][+-]?[0-9])*(?:[0-9]|[eE][+-]?[0-9]))?)
    |(?P<line_comment>(?:\#|//)[^\n]*)
    |(?P<comment>/\*)
    |(?P<quote>")
    |(?P<heredoc><<(?P<dedent>-?)(?P<mark>[^\W\d][\w-]*)\r?\n)
    |(?P<strip>~\})
    |(?P<symbol>\.\.\.|&&|\|\||==|!=|<=|>=|=>|::|[-+*/%<>!?:=.,()\[\]{}])""",
    re.VERBOSE,
)
_QUOTED = re.compile(
    r"""(?P<text>[^"\\$%\r\n]+)
    |(?P<escape>\\(?:[nrt"\\]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))
    |(?P<literal>\$\$\{|%%\{)
    |(?P<begin>[$%]\{~?)
    |(?P<end>")
    |(?P<lone>[$%])""",
    re.VERBOSE,
)
# One line at most: strip markers and the dedenting of heredocs go by lines.
_BARE = re.compile(
    r"(?P<text>[^$%\n]*\n|[^$%\n]+)|(?P<literal>\$\$\{|%%\{)|(?P<begin>[$%]\{~?)|(?P<lone>[$%])"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
# Unicode's White_Space, which is Go's unicode.IsSpace. str.strip() would take more.
SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class Malformed(Exception):
    """A text that is not HCL."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


class Token(NamedTuple):
    """`kind` is name, number, string, template, newline, end, or the symbol itself."""

    kind: str
    value: Any
    line: int


class Sequence(NamedTuple):
    """What stands in `${...}` or, when `control`, in `%{...}`."""

    tokens: list[Token]
    control: bool
    line: int


class Pieces(NamedTuple):
    """The value of a template token. `raw` is a heredoc's text as it stands in the file."""

    pieces: list[str | Sequence]
    raw: str | None


def normal(text: str) -> str:
    """`text` in Unicode's normal form C, as Terraform holds every string."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def tokens(source: str) -> list[Token]:
    """The tokens of a file, without comments, ended by one of kind `end`.

    Raises:
        Malformed: a token is none of HCL's, or is not closed.
    """
    return _Lexer(source).run()


def template_pieces(source: str, line: int) -> Pieces:
    """The pieces of a text that is a template as a whole, which begins in this line.

    Raises:
        Malformed: a sequence in it is not HCL, or is not closed.
    """
    return _Lexer(source, line).bare()


class _Lexer:
    """Each character is looked at once; nesting costs a Python frame and is bounded."""

    def __init__(self, source: str, line: int = 1) -> None:
        self.source = source
        self.position = 1 if source.startswith("\ufeff") else 0
        self.line = line
        self.depth = 0

    def run(self) -> list[Token]:
        found = self._main(inside=False)
        found.append(Token("end", "", self.line))
        return found

    def bare(self) -> Pieces:
        self.position = 0
        pieces: list[str | Sequence] = []
        strip = False
        while match := _BARE.match(self.source, self.position):
            strip = self._piece(match, pieces, strip=strip)
        return Pieces(pieces, None)

    def _main(self, *, inside: bool) -> list[Token]:
        """Tokens up to the end or, `inside` a template, to the brace that closes the sequence."""
        source, found, braces = self.source, list[Token](), 0
        while self.position < len(source):
            match = _TOKEN.match(source, self.position)
            if match is None:
                raise Malformed(self.line, f"unreadable: {source[self.position]!r}")
            self.position = match.end()
            kind, text = match.lastgroup or "", match[0]
            if kind == "strip" or (text == "}" and inside and not braces):
                if not inside or braces:
                    raise Malformed(self.line, "~} closes nothing")
                found.append(Token("end", text, self.line))
                return found
            if kind == "symbol":
                braces += (text == "{") - (text == "}")
                found.append(Token(text, text, self.line))
            elif kind == "comment":
                self._comment()
            elif kind not in {"space", "line_comment"}:
                found.append(self._valued(kind, match))
        if inside:
            raise Malformed(self.line, "an interpolation is not closed")
        return found

    def _valued(self, kind: str, match: re.Match[str]) -> Token:
        line = self.line
        if kind == "newline":
            self.line += 1
            return Token("newline", "\n", line)
        if kind == "string":
            return Token("string", normal(match[0][1:-1]), line)
        if kind == "quote":
            pieces = self._quoted()
            if not any(isinstance(piece, Sequence) for piece in pieces):
                return Token("string", normal("".join(map(str, pieces))), line)
            return Token("template", Pieces(pieces, None), line)
        # `dedent` and `mark` are groups inside of `heredoc`, which comes out as the last one.
        if kind == "heredoc":
            return self._heredoc(match["mark"], dedent=bool(match["dedent"]))
        return Token(kind, match[0], line)

    def _comment(self) -> None:
        end = self.source.find("*/", self.position)
        if end < 0:
            raise Malformed(self.line, "a comment is not closed")
        self.line += self.source.count("\n", self.position, end)
        self.position = end + 2

    def _quoted(self) -> list[str | Sequence]:
        pieces: list[str | Sequence] = []
        start, strip = self.line, False
        while match := _QUOTED.match(self.source, self.position):
            if match.lastgroup == "end":
                self.position = match.end()
                return pieces
            strip = self._piece(match, pieces, strip=strip, lines=False)
        raise Malformed(start, "a string is not closed, or has an escape that HCL has not")

    def _piece(
        self,
        match: re.Match[str],
        pieces: list[str | Sequence],
        *,
        strip: bool,
        lines: bool = True,
    ) -> bool:
        """Adds a piece; whether the next one is to be stripped at its left.

        Outside of quotes a piece ends with its line, and strip markers go no further.
        """
        self.position = match.end()
        text = match[0]
        if match.lastgroup == "begin":
            if text.endswith("~") and pieces and isinstance(before := pieces[-1], str):
                pieces[-1] = before.rstrip(SPACES)
            sequence = self._sequence(control=text[0] == "%")
            pieces.append(sequence)
            return bool(sequence.tokens[-1].value == "~}")
        if match.lastgroup == "escape":
            text = self._escape(text)
        elif match.lastgroup == "literal":
            text = text[1:]
        else:
            self.line += text.count("\n")
        if strip:
            text = text.lstrip(SPACES)
            pieces.append(text)
            return not text and not (lines and match[0].endswith("\n"))
        last = pieces[-1] if pieces else ""
        if isinstance(last, str) and last and not (lines and last.endswith("\n")):
            pieces[-1] = last + text
        else:
            pieces.append(text)
        return False

    def _sequence(self, *, control: bool) -> Sequence:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise Malformed(self.line, "nested too deeply")
        line = self.line
        found = self._main(inside=True)
        self.depth -= 1
        return Sequence(found, control, line)

    def _escape(self, text: str) -> str:
        if text[1] not in "uU":
            return _ESCAPES[text[1]]
        try:
            return bytes.fromhex(text[2:].rjust(8, "0")).decode("utf-32-be")
        except UnicodeDecodeError:
            raise Malformed(self.line, f"no character has the number {text[2:]}") from None

    def _heredoc(self, mark: str, *, dedent: bool) -> Token:
        line, source = self.line, self.source
        self.line += 1
        start = self.position
        pieces: list[str | Sequence] = []
        strip, fresh = False, True
        while True:
            if fresh:
                end = source.find("\n", self.position)
                if end < 0:
                    raise Malformed(line, f"the heredoc {mark} is not closed")
                if source[self.position : end].strip(SPACES) == mark:
                    break
            match = _BARE.match(source, self.position)
            if match is None:
                raise Malformed(line, f"the heredoc {mark} is not closed")
            strip = self._piece(match, pieces, strip=strip)
            fresh = match[0].endswith("\n")
        raw = source[start : self.position]
        # The newline after the mark ends the line that the heredoc began in.
        self.position = end - 1 if source[end - 1 : end] == "\r" else end
        return Token("template", Pieces(_dedented(pieces) if dedent else pieces, raw), line)


def _dedented(pieces: list[str | Sequence]) -> list[str | Sequence]:
    """Without the indentation that all lines share; lines of nothing but spaces do not count."""
    indented: dict[int, int] = {}
    shared: list[int] = []
    fresh = True
    for index, piece in enumerate(pieces):
        if isinstance(piece, Sequence):
            if fresh:
                shared.append(0)
            fresh = False
            continue
        if fresh:
            rest = piece.lstrip(SPACES)
            if rest or not piece.endswith("\n"):
                indented[index] = len(piece) - len(rest)
                shared.append(indented[index])
        fresh = piece.endswith("\n")
    width = min(shared, default=0)
    return [
        piece[width:] if index in indented and isinstance(piece, str) else piece
        for index, piece in enumerate(pieces)
    ]
