"""Parses the expressions of HCL, and the templates in them."""

from collections.abc import Callable

from nexusctl.configuration.tokens import MAX_NESTING, Malformed, Pieces, Sequence, Token, normal
from nexusctl.configuration.tree import (
    Attr,
    Call,
    Conditional,
    Expression,
    For,
    Index,
    Key,
    Literal,
    Name,
    Number,
    Object,
    Operation,
    Splat,
    Step,
    Template,
    TemplateFor,
    TemplateIf,
    Traversal,
    Tuple,
    Unary,
)

_PRECEDENCE = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("==", "!="), 3),
    **dict.fromkeys((">", ">=", "<", "<="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "%"), 6),
}
_CONSTANTS = {"true": True, "false": False, "null": None}


class ExpressionParser:
    """Recursive descent. `newlines` tells whether a newline ends what is being read."""

    def __init__(self, found: list[Token], depth: int, *, newlines: bool = True) -> None:
        self.tokens = found
        self.index = 0
        self.newlines = newlines
        self.depth = depth

    def peek(self) -> Token:
        """The next token; newlines are stepped over where they mean nothing."""
        token = self.tokens[self.index]
        if not self.newlines:
            while token.kind == "newline":
                self.index += 1
                token = self.tokens[self.index]
        return token

    def take(self) -> Token:
        """The next token, which is then behind."""
        token = self.peek()
        if token.kind != "end":
            self.index += 1
        return token

    def expect(self, kind: str) -> Token:
        """The next token, which has to be of this kind."""
        token = self.take()
        if token.kind != kind:
            raise unexpected(token, f"{kind} expected")
        return token

    def accept(self, kind: str) -> bool:
        """Steps over the next token if it is of this kind."""
        if self.peek().kind == kind:
            self.index += 1
            return True
        return False

    # Expressions.

    def expression(self) -> Expression:
        """An expression."""
        self.deeper()
        condition = self._binary(1)
        if self.peek().kind == "?":
            line = self.take().line
            then = self.expression()
            self.expect(":")
            condition = Conditional(condition, then, self.expression(), line)
        self.depth -= 1
        return condition

    def deeper(self) -> None:
        """Counts a level of nesting."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise Malformed(self.peek().line, "nested too deeply")

    def _binary(self, minimum: int) -> Expression:
        left = self._unary()
        while (level := _PRECEDENCE.get(self.peek().kind, 0)) >= minimum:
            line, rest = self.peek().line, []
            while _PRECEDENCE.get(self.peek().kind) == level:
                operator = self.take().kind
                rest.append((operator, self._binary(level + 1)))
            left = Operation(left, tuple(rest), line)
        return left

    def _unary(self) -> Expression:
        token = self.peek()
        if token.kind not in {"-", "!"}:
            return self._traversal()
        self.take()
        self.deeper()
        operand = self._unary()
        self.depth -= 1
        return Unary(token.kind, operand, token.line)

    def _traversal(self) -> Expression:
        root = self._primary()
        if self.peek().kind not in {".", "["}:
            return root
        return Traversal(root, self._steps(), root.line)

    def _steps(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        while (token := self.peek()).kind in {".", "["}:
            self.take()
            if token.kind == "[":
                step = self._bracket(token.line)
                steps.append(step)
                if isinstance(step, Splat):
                    break
            elif self.accept("*"):
                each = []
                while self.peek().kind == "." and self.tokens[self.index + 1].kind != "*":
                    each.append(self._dot(self.take().line))
                steps.append(Splat(tuple(each), token.line))
            else:
                steps.append(self._dot(token.line))
        return tuple(steps)

    def _dot(self, line: int) -> Attr | Index:
        token = self.take()
        if token.kind == "name":
            return Attr(normal(token.value), line)
        if token.kind == "number" and token.value.isdigit():
            return Index(Literal(Number(token.value), line), line)
        raise unexpected(token, "a name or a number expected after the dot")

    def _bracket(self, line: int) -> Index | Splat:
        """The rest of `[key]`, or of `[*]` with all that follows it."""
        outer, self.newlines = self.newlines, False
        if self.accept("*"):
            self.expect("]")
            self.newlines = outer
            self.deeper()
            splat = Splat(self._steps(), line)
            self.depth -= 1
            return splat
        key = self.expression()
        self.expect("]")
        self.newlines = outer
        return Index(key, line)

    def _primary(self) -> Expression:
        token = self.take()
        kind, value, line = token
        if kind == "name":
            return self._named(value, line)
        if kind == "string":
            return Literal(value, line)
        if kind == "number":
            return _number(value, line)
        if kind == "template":
            return template_of(value, line, self.depth)
        if kind in {"(", "[", "{"}:
            outer = self.newlines
            self.newlines = False
            found = {"(": self._parentheses, "[": self._tuple, "{": self._object}[kind](line)
            self.newlines = outer
            return found
        raise unexpected(token, "an expression expected")

    def _named(self, name: str, line: int) -> Expression:
        if self.peek().kind == "::":
            while self.accept("::"):
                name += f"::{self.expect('name').value}"
            if self.peek().kind != "(":
                raise Malformed(line, f"{name} is not called")
        if self.peek().kind == "(":
            return self._call(name, line)
        if name in _CONSTANTS:
            return Literal(_CONSTANTS[name], line)
        return Name(normal(name), line)

    def _call(self, name: str, line: int) -> Call:
        self.take()
        outer, self.newlines = self.newlines, False
        arguments, expand = [], False
        while not self.accept(")"):
            arguments.append(self.expression())
            expand = self.accept("...")
            if expand or not self.accept(","):
                self.expect(")")
                break
        self.newlines = outer
        return Call(name, tuple(arguments), expand, line)

    def _parentheses(self, _line: int) -> Expression:
        found = self.expression()
        self.expect(")")
        return found

    def _tuple(self, line: int) -> Expression:
        if self._at_for():
            return self._for(line, "]")
        items = []
        while not self.accept("]"):
            items.append(self.expression())
            if not self.accept(","):
                self.expect("]")
                break
        return Tuple(tuple(items), line)

    def _object(self, line: int) -> Expression:
        if self._at_for():
            return self._for(line, "}")
        items: list[tuple[Expression, Expression]] = []
        while True:
            self.newlines = False
            if self.accept("}"):
                return Object(tuple(items), line)
            self.newlines = True
            key = self._key()
            if not self.accept(":"):
                self.expect("=")
            items.append((key, self.expression()))
            if self.accept("}"):
                return Object(tuple(items), line)
            if not self.accept(","):
                self.expect("newline")

    def _key(self) -> Expression:
        start = self.peek()
        key = self.expression()
        if isinstance(key, Name) and start.kind == "name":
            return Key(key.name, key.line)
        if isinstance(key, Traversal) and start.kind == "name":
            raise Malformed(start.line, "a key that is a reference has to be in parentheses")
        return key

    def _at_for(self) -> bool:
        token = self.peek()
        return token.kind == "name" and token.value == "for"

    def _for(self, line: int, end: str) -> For:
        self.take()
        key, value = self.names()
        self.keyword("in")
        collection = self.expression()
        self.expect(":")
        result_key, result, grouped, condition = None, self.expression(), False, None
        if end == "}":
            self.expect("=>")
            result_key, result = result, self.expression()
            grouped = self.accept("...")
        if self.peek().kind == "name":
            self.keyword("if")
            condition = self.expression()
        self.expect(end)
        return For(key, value, collection, result_key, result, grouped, condition, line)

    def names(self) -> tuple[str | None, str]:
        """`value`, or `key, value`."""
        first: str = self.expect("name").value
        return (first, self.expect("name").value) if self.accept(",") else (None, first)

    def keyword(self, word: str) -> None:
        """Steps over a name that has to be `word`."""
        token = self.expect("name")
        if token.value != word:
            raise unexpected(token, f"{word} expected")


def _number(digits: str, line: int) -> Literal:
    if digits.count(".") > 1:
        raise Malformed(line, f"{digits} is no number")
    return Literal(Number(digits), line)


def template_of(found: Pieces, line: int, depth: int) -> Template:
    """The syntax tree of a template that was split into its pieces."""
    parts, end = _parts(iter(found.pieces).__next__, line, depth)
    if end:
        raise Malformed(line, f"%{{ {end} }} ends nothing")
    return Template(parts, line, found.raw)


def _parts(
    following: Callable[[], str | Sequence], line: int, depth: int
) -> tuple[tuple[Expression, ...], str]:
    """What stands up to the end, or to the directive that belongs to an outer one; and which."""
    parts: list[Expression] = []
    if depth > MAX_NESTING:
        raise Malformed(line, "nested too deeply")
    while True:
        try:
            piece = following()
        except StopIteration:
            return tuple(parts), ""
        if isinstance(piece, str):
            if piece:
                parts.append(Literal(piece, line))
            continue
        parser = ExpressionParser(piece.tokens, depth, newlines=False)
        if not piece.control:
            parts.append(parser.expression())
            parser.expect("end")
            continue
        word = parser.expect("name").value
        if word == "if":
            parts.append(_if(parser, following, piece.line, depth + 1))
        elif word == "for":
            parts.append(_for(parser, following, piece.line, depth + 1))
        elif word in {"else", "endif", "endfor"}:
            parser.expect("end")
            return tuple(parts), word
        else:
            raise Malformed(piece.line, f"there is no directive {word}")


def _if(
    parser: ExpressionParser, following: Callable[[], str | Sequence], line: int, depth: int
) -> TemplateIf:
    condition = parser.expression()
    parser.expect("end")
    then, end = _parts(following, line, depth)
    otherwise: tuple[Expression, ...] = ()
    if end == "else":
        otherwise, end = _parts(following, line, depth)
    if end != "endif":
        raise Malformed(line, "%{ if } is not ended")
    return TemplateIf(condition, Template(then, line), Template(otherwise, line), line)


def _for(
    parser: ExpressionParser, following: Callable[[], str | Sequence], line: int, depth: int
) -> TemplateFor:
    key, value = parser.names()
    parser.keyword("in")
    collection = parser.expression()
    parser.expect("end")
    body, end = _parts(following, line, depth)
    if end != "endfor":
        raise Malformed(line, "%{ for } is not ended")
    return TemplateFor(key, value, collection, Template(body, line), line)


def unexpected(token: Token, message: str) -> Malformed:
    """What to raise for a token that cannot stand where it does."""
    found = {"newline": "the end of the line", "end": "the end"}.get(token.kind)
    return Malformed(token.line, f"{message}, but {found or repr(token.value)[:40]} found")
