"""The values of a block's arguments and nested blocks, `dynamic` ones expanded."""

from dataclasses import dataclass, field
from typing import Any

from nexusctl.configuration import tree
from nexusctl.configuration.choices import choice, members
from nexusctl.configuration.evaluate import Evaluator, Scope
from nexusctl.configuration.loops import elements
from nexusctl.configuration.values import (
    Failed,
    Reference,
    Set,
    Unknown,
    exported,
    is_known,
    references,
)

Path = tuple[str | int, ...]
# With more than that in one block, further ones are not expanded.
_MAX_LINES = 10_000


@dataclass(slots=True)
class Content:
    """What a block holds, and for each path in it the line and what the value rests on.

    `unknown_blocks` are the nested blocks whose number is unknown: `a`, or `a.b` within an `a`.
    """

    values: dict[str, object] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    references: dict[Path, frozenset[str]] = field(default_factory=dict)
    unknown_blocks: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Reader:
    """`found` is all that the values rest on, in the order in which they were read."""

    evaluator: Evaluator
    content: Content
    found: list[frozenset[str]] = field(default_factory=list)

    def body(
        self, body: tree.Body, scope: Scope, path: Path, leave_out: frozenset[str]
    ) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, attribute in body.attributes.items():
            if name in leave_out:
                continue
            value, because = self.evaluator.value(attribute.value, scope)
            if value is not None:
                values[name] = exported(value)
                self.content.lines[*path, name] = attribute.line
                self.content.references[*path, name] = because
                if because:
                    self.found.append(because)
        for block in body.blocks:
            if block.type == "dynamic" and len(block.labels) == 1:
                self.dynamic(block, scope, path, values)
            elif block.type not in leave_out:
                self.block(block, scope, path, values)
        return values

    def dynamic(
        self, block: tree.Block, scope: Scope, path: Path, values: dict[str, object]
    ) -> None:
        (name,) = block.labels
        attributes = block.body.attributes
        found: object = Unknown()
        because: frozenset[str] = frozenset()
        if "for_each" in attributes:
            found, because = self.evaluator.value(attributes["for_each"].value, scope)
        iterator = name
        if "iterator" in attributes:
            called = attributes["iterator"].value
            iterator = called.name if isinstance(called, tree.Name) else ""
        try:
            items = elements(found)
        except Failed:
            items = None
        if isinstance(found, Set) and not is_known(found):
            # Once they are known, some may be the same.
            because = because | references(found)
        if items is None or len(self.content.lines) > _MAX_LINES:
            self.content.unknown_blocks.add(".".join([*map(str, _names(path)), name]))
            value = found if isinstance(found, Reference) else choice(because, members(found))
            items = [(Unknown(because), value)]
        contents = [inner.body for inner in block.body.blocks if inner.type == "content"]
        for key, item in items:
            inside = scope.having({iterator: {"key": key, "value": item}}, because)
            for content in contents[:1]:
                nested = tree.Block(name, (), content, block.line)
                self.block(nested, inside, path, values, because=because)

    def block(
        self,
        block: tree.Block,
        scope: Scope,
        path: Path,
        values: dict[str, Any],
        *,
        because: frozenset[str] = frozenset(),
    ) -> None:
        siblings = values.setdefault(block.type, [])
        if not isinstance(siblings, list):
            return  # an argument has that name: Terraform refuses
        inner: Path = (*path, block.type, len(siblings))
        siblings.append(None)
        before = len(self.found)
        siblings[-1] = self.body(block.body, scope, inner, frozenset())
        self.content.lines[inner] = block.line
        self.content.references[inner] = because.union(*self.found[before:])


def _names(path: Path) -> list[str]:
    return [step for step in path if isinstance(step, str)]


def read_block(
    evaluator: Evaluator, body: tree.Body, scope: Scope, leave_out: frozenset[str]
) -> Content:
    """The content of a block without the arguments and blocks in `leave_out`."""
    content = Content()
    content.values = _Reader(evaluator, content).body(body, scope, (), leave_out)
    return content
