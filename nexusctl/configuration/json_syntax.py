"""Parses the JSON syntax of HCL into the same tree as the native syntax.

What is a block and what an argument JSON does not tell: Terraform knows it of its own blocks, and
for the others asks the provider's schema.
https://developer.hashicorp.com/terraform/language/syntax/json
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from json import decoder, scanner
from typing import Any

from nexusctl.configuration import tree
from nexusctl.configuration.map_arguments import map_arguments
from nexusctl.configuration.syntax import parse_expression, parse_template
from nexusctl.configuration.tokens import MAX_NESTING, Malformed, normal
from nexusctl.configuration.tree import Attribute, Block, Body, Expression, Literal

# How many labels the blocks at the top have.
_LABELS: Mapping[str, int] = {
    **dict.fromkeys(("resource", "data", "ephemeral"), 2),
    **dict.fromkeys(("variable", "output", "module", "provider", "check"), 1),
    **dict.fromkeys(("locals", "terraform", "moved", "import", "removed"), 0),
}
# The blocks that Terraform itself has within others, with their labels.
_INNER: Mapping[str, Mapping[str, int]] = {
    "resource": {"lifecycle": 0, "connection": 0, "provisioner": 1},
    "terraform": {"backend": 1, "cloud": 0, "required_providers": 0},
}
# What Terraform takes as it is written.
_LITERAL = {("module", "source"), ("module", "version"), ("variable", "default")}
_COMMENT = "//"


@dataclass(frozen=True, slots=True)
class _Node:
    """A value, and the line where it begins. Objects are `_Members`, arrays lists of nodes."""

    value: Any
    line: int


class _Members(list[tuple[str, _Node]]):
    """The properties of an object, as often and in the order they are written."""


@lru_cache(maxsize=256)
def parse_json(source: str) -> Body:
    """The syntax tree of a file in JSON. It is shared: nobody may change it.

    Raises:
        Malformed: the text is not JSON, or not that of a configuration.
    """
    blocks: list[Block] = []
    for members in _objects(_nodes(source)):
        for name, node in members.value:
            if name == _COMMENT:
                continue
            if name not in _LABELS:
                raise Malformed(node.line, f"not read: {name} at the top of a file")
            blocks += _blocks(name, node, _LABELS[name], _body)
    return Body({}, tuple(blocks), 1)


@lru_cache(maxsize=64)
def parse_json_variables(source: str) -> Body:
    """The syntax tree of a file of variables in JSON, which has no expressions.

    Raises:
        Malformed: the text is not JSON, or not one object.
    """
    return _attributes(_nodes(source), lambda _name, node: _expression(node, literal=True))


# Positions. json.decoder's own functions read; they tell where a value begins to no one but the
# scanner that they are given.


@dataclass
class _Reader(json.JSONDecoder):
    source: str
    _depth: int = 0
    _ends: list[int] = field(init=False)

    def __post_init__(self) -> None:
        super().__init__(
            object_pairs_hook=_Members,
            parse_int=tree.Number,
            parse_float=tree.Number,
            parse_constant=self._refuse,
        )
        self._ends = [place for place, character in enumerate(self.source) if character == "\n"]
        self.parse_object = self._object
        self.parse_array = self._array
        self.scan_once = self._placed(scanner.py_make_scanner(self))  # type: ignore[attr-defined]

    def _line(self, index: int) -> int:
        return bisect_right(self._ends, index - 1) + 1

    def _refuse(self, name: str) -> object:
        raise Malformed(1, f"JSON has no {name}")

    def _object(self, start: tuple[str, int], strict: bool, scan: Any, *hooks: Any) -> Any:
        with_places = self._placed(scan)
        return decoder.JSONObject(start, strict, with_places, *hooks)  # type: ignore[attr-defined]

    def _array(self, start: tuple[str, int], scan: Any) -> Any:
        return decoder.JSONArray(start, self._placed(scan))  # type: ignore[attr-defined]

    def _placed(self, scan: Callable[[str, int], tuple[Any, int]]) -> Any:
        def placed(source: str, index: int) -> tuple[_Node, int]:
            self._depth += 1
            if self._depth > MAX_NESTING:
                raise Malformed(self._line(index), "nested too deeply")
            value, end = scan(source, index)
            self._depth -= 1
            return _Node(value, self._line(index)), end

        return placed


def _nodes(source: str) -> _Node:
    try:
        node: _Node = _Reader(source).decode(source)
    except json.JSONDecodeError as error:
        raise Malformed(error.lineno, error.msg) from None
    return node


# Blocks.


def _objects(node: _Node) -> Iterator[_Node]:
    """The objects that a block, or several of them in an array, is written as."""
    if isinstance(node.value, list) and not isinstance(node.value, _Members):
        for item in node.value:
            yield from _objects(item)
    elif isinstance(node.value, _Members):
        yield node
    elif node.value is not None:
        raise Malformed(node.line, "an object expected: a block")


def _blocks(
    kind: str,
    node: _Node,
    labels: int,
    body: Callable[[tuple[str, ...], _Node], Body],
    before: tuple[str, ...] = (),
) -> Iterator[Block]:
    for each in _objects(node):
        if not labels:
            yield Block(kind, before, body((kind, *before), each), each.line)
            continue
        for name, inner in each.value:
            yield from _blocks(kind, inner, labels - 1, body, (*before, normal(name)))


def _body(path: tuple[str, ...], node: _Node) -> Body:
    """The body of a block at the top; `path` is its type and its labels."""
    kind = path[0]
    if kind in {"resource", "data", "ephemeral", "provider"}:
        schema = path[1] if kind == "resource" else f"{kind}.{path[1]}"
        return _Schema(path[1].startswith("aws"), map_arguments(schema)).body(node)
    inner = _INNER.get(kind, {})
    members = _Members(each for each in node.value if each[0] not in inner)
    attributes = _attributes(_Node(members, node.line), lambda *each: _argument(kind, *each))
    blocks = [
        block
        for name, each in node.value
        if name in inner
        for block in _blocks(name, each, inner[name], lambda _path, one: _plain(one))
    ]
    return Body(attributes.attributes, tuple(blocks), node.line)


def _argument(kind: str, name: str, node: _Node) -> Expression:
    if (kind, name) == ("variable", "type") and isinstance(node.value, str):
        try:
            return parse_expression(node.value)
        except Malformed as error:
            raise Malformed(node.line, error.message) from None
    return _expression(node, literal=(kind, name) in _LITERAL)


def _plain(node: _Node) -> Body:
    return _attributes(node, lambda _name, each: _expression(each))


def _attributes(node: _Node, value: Callable[[str, _Node], Expression]) -> Body:
    if not isinstance(node.value, _Members):
        raise Malformed(node.line, "an object expected")
    found: dict[str, Attribute] = {}
    for name, each in node.value:
        if name == _COMMENT:
            continue
        if name in found:
            raise Malformed(each.line, f"{name} is set twice")
        found[name] = Attribute(normal(name), value(name, each), each.line)
    return Body(found, (), node.line)


@dataclass(frozen=True, slots=True)
class _Schema:
    """What is a block, as far as it is known: objects of AWS's provider that are not `maps`.

    Of other providers nothing is known, nor judged but for passwords: to those it is all the same.
    """

    known: bool
    maps: frozenset[str]

    def body(self, node: _Node, path: str = "") -> Body:
        arguments, blocks, inner = _Members(), list[Block](), _INNER["resource"]
        for name, each in node.value:
            here = f"{path}{name}"
            if name == "dynamic":
                blocks += _blocks(
                    name, each, 1, lambda labels, one: self._dynamic(one, f"{path}{labels[1]}.")
                )
            elif name in inner and not path:
                blocks += _blocks(name, each, inner[name], lambda _labels, one: _plain(one))
            elif self.known and here not in self.maps and _is_object(each):
                blocks += _blocks(name, each, 0, partial(self._nested, f"{here}."))
            else:
                arguments.append((name, each))
        found = _plain(_Node(arguments, node.line))
        return Body(found.attributes, tuple(blocks), node.line)

    def _nested(self, path: str, _labels: tuple[str, ...], node: _Node) -> Body:
        return self.body(node, path)

    def _dynamic(self, node: _Node, path: str) -> Body:
        """`for_each`, `iterator` and the block `content`."""
        arguments, blocks = {}, list[Block]()
        for name, each in node.value:
            if name == "content":
                blocks += _blocks(name, each, 0, partial(self._nested, path))
            elif name == "iterator" and isinstance(each.value, str):
                arguments[name] = Attribute(name, tree.Name(each.value, each.line), each.line)
            elif name != _COMMENT:
                arguments[name] = Attribute(name, _expression(each), each.line)
        return Body(arguments, tuple(blocks), node.line)


def _is_object(node: _Node) -> bool:
    """Whether this may be a block, or several."""
    value = node.value
    if isinstance(value, list) and not isinstance(value, _Members):
        return bool(value) and all(isinstance(item.value, _Members) for item in value)
    return isinstance(value, _Members)


# Expressions.


def _expression(node: _Node, *, literal: bool = False) -> Expression:
    match node.value:
        case str(text):
            return _text(text, node.line, literal=literal)
        case _Members() as members:
            names = [name for name, _ in members]
            if len(set(names)) != len(names):
                raise Malformed(node.line, "a key is there twice")
            return tree.Object(
                tuple(
                    (_text(name, each.line, literal=literal), _expression(each, literal=literal))
                    for name, each in members
                ),
                node.line,
            )
        case list(items):
            found = tuple(_expression(item, literal=literal) for item in items)
            return tree.Tuple(found, node.line)
    return Literal(node.value, node.line)


def _text(text: str, line: int, *, literal: bool) -> Expression:
    """A string is a template, unless it is taken as it is written."""
    if literal or not ("${" in text or "%{" in text):
        return Literal(normal(text), line)
    try:
        return parse_template(text, line)
    except Malformed as error:
        raise Malformed(line, error.message) from None
