"""Values as environment files spell them, each with the place it was written."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from nexusctl.errors import Location

Scalar: TypeAlias = str | int | float | bool | None
ValuePath: TypeAlias = tuple[str | int, ...]
# A stretch of source text, from (line, column) up to but without (line, column), counted from 1.
Span: TypeAlias = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Node:
    """One value: a scalar, a tuple of nodes (a list) or a mapping of nodes (a map).

    `location` is where a reader looks for it: a scalar where it stands, a map or list where its
    key stands. `key` is the place of the key that names it, None in lists and for the whole file.
    `text` is a scalar as the file spells it, without quotes.
    """

    value: "Scalar | tuple[Node, ...] | Mapping[str, Node]"
    location: Location
    span: Span
    key: Location | None = None
    text: str = ""

    def children(self) -> "Iterator[tuple[str | int, Node]]":
        """The values directly inside, with the key or index of each."""
        if isinstance(self.value, Mapping):
            yield from self.value.items()
        elif isinstance(self.value, tuple):
            yield from enumerate(self.value)

    def walk(self, path: ValuePath = ()) -> "Iterator[tuple[ValuePath, Node]]":
        """This value and all values inside, with the path of each."""
        yield path, self
        for part, child in self.children():
            yield from child.walk((*path, part))

    def find(self, path: ValuePath) -> "Node | None":
        """The value at `path`, or None when it was not written."""
        node: Node | None = self
        for part in path:
            node = dict(node.children()).get(part) if node else None
        return node

    def nearest(self, path: ValuePath) -> "Node":
        """The value at `path`, or the innermost written one around it."""
        node = self
        for part in path:
            child = dict(node.children()).get(part)
            if child is None:
                break
            node = child
        return node

    def plain(self) -> Any:
        """The value without its places; lists are tuples."""
        if isinstance(self.value, Mapping):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, tuple):
            return tuple(child.plain() for child in self.value)
        return self.value

    def split(self, keys: Set[str]) -> "tuple[Node, Node]":
        """This map in two: the entries with these keys, and the others."""
        inside: dict[str, Node] = {}
        outside: dict[str, Node] = {}
        for key, child in self.children():
            (inside if key in keys else outside)[str(key)] = child
        return replace(self, value=inside), replace(self, value=outside)


def merge(below: Node, above: Node) -> Node:
    """`above` laid over `below`: maps merge key by key, anything else is replaced as a whole."""
    if not isinstance(below.value, Mapping) or not isinstance(above.value, Mapping):
        return above
    merged = dict(below.value)
    for key, child in above.value.items():
        merged[key] = merge(merged[key], child) if key in merged else child
    return replace(above, value=merged)
