"""Parses the native syntax of HCL, as its specification and HashiCorp's own parser have it."""

from functools import lru_cache

from nexusctl.configuration.expression_syntax import ExpressionParser, template_of, unexpected
from nexusctl.configuration.tokens import Malformed, Token, normal, template_pieces, tokens
from nexusctl.configuration.tree import Attribute, Block, Body, Expression, Template

__all__ = ["Malformed", "parse", "parse_expression", "parse_template"]


@lru_cache(maxsize=256)
def parse(source: str) -> Body:
    """A file's syntax tree. It is shared: nobody may change it.

    Raises:
        Malformed: the text is not HCL.
    """
    return _BodyParser(tokens(source), 0).body("end", 1)


@lru_cache(maxsize=64)
def parse_template(source: str, line: int = 1) -> Template:
    """The syntax tree of a text that is a template as a whole: a file, or a string of JSON.

    Raises:
        Malformed: a sequence in it is not HCL.
    """
    return template_of(template_pieces(source, line), line, 0)


def parse_expression(source: str) -> Expression:
    """The syntax tree of a text that is one expression.

    Raises:
        Malformed: the text is not that.
    """
    parser = ExpressionParser(tokens(source), 0, newlines=False)
    expression = parser.expression()
    parser.expect("end")
    return expression


class _BodyParser(ExpressionParser):
    """Attributes and blocks, and the expressions in them."""

    def body(self, end: str, line: int) -> Body:
        """Attributes and blocks, a line each, up to `end`."""
        self.deeper()
        attributes: dict[str, Attribute] = {}
        blocks = []
        while (token := self.take()).kind != end:
            if token.kind == "newline":
                continue
            if token.kind != "name":
                raise unexpected(token, "an argument or a block expected")
            if self.peek().kind == "=":
                self._attribute(token, attributes)
            else:
                blocks.append(self._block(token))
            if self.peek().kind != "end":
                self.expect("newline")
        self.depth -= 1
        return Body(attributes, tuple(blocks), line)

    def _attribute(self, name: Token, attributes: dict[str, Attribute]) -> None:
        self.take()
        if name.value in attributes:
            raise Malformed(name.line, f"{name.value} is set twice")
        attributes[name.value] = Attribute(normal(name.value), self.expression(), name.line)

    def _block(self, kind: Token) -> Block:
        labels = []
        while (token := self.take()).kind in {"name", "string"}:
            labels.append(token.value)
        if token.kind != "{":
            raise unexpected(token, "{ expected")
        if self.peek().kind == "newline":
            return Block(kind.value, tuple(labels), self.body("}", token.line), kind.line)
        # A block on one line holds one argument at most.
        attributes: dict[str, Attribute] = {}
        if self.peek().kind != "}":
            self._attribute(self.expect("name"), attributes)
        self.expect("}")
        return Block(kind.value, tuple(labels), Body(attributes, (), token.line), kind.line)
