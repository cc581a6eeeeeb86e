"""Every string and number written in a file, wherever it stands: for the search of passwords."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from nexusctl.configuration import tree
from nexusctl.configuration.choices import in_result
from nexusctl.configuration.syntax import parse
from nexusctl.configuration.values import GAP

Path = tuple[str, ...]
# Ends the path of what is written in an argument, but is not what it holds.
_BESIDE: Path = ("",)


@dataclass(frozen=True, slots=True)
class Text:
    """A string, heredoc or number: the blocks, labels and keys that lead to it, its line, its text.

    Each interpolation in a string is a `GAP`. A heredoc is as it stands in the file.
    """

    path: Path
    line: int
    text: str
    heredoc: bool = False
    number: bool = False


@lru_cache(maxsize=256)
def texts(source: str) -> list[Text]:
    """Every string and number in a file, labels and quoted keys too, with the path to each.

    What stands within an interpolation, a condition or a comparison, names an element, or is a key
    or pattern that a function is given, is not what an argument holds: an empty step ends its path.

    Raises:
        Malformed: the file is not HCL.
    """
    return list(_in_body(parse(source), ()))


def _in_body(body: tree.Body, path: Path) -> Iterator[Text]:
    parts: list[tree.Attribute | tree.Block] = [*body.attributes.values(), *body.blocks]
    for part in sorted(parts, key=lambda each: each.line):
        if isinstance(part, tree.Attribute):
            yield from _in(part.value, path, (part.name,))
        else:
            yield from (Text(path, part.line, label) for label in part.labels)
            yield from _in_body(part.body, (*path, part.type, *part.labels))


def _in(node: tree.Expression, path: Path, key: Path) -> Iterator[Text]:
    """The strings of an expression that is the value of `key` in what `path` leads to."""
    inner = path if path[-1:] == key == _BESIDE else (*path, *key)
    if isinstance(node, tree.Literal):
        yield from _literal(node, inner)
    elif isinstance(node, tree.Template):
        yield from (text for part in node.parts for text in _beside(part, inner))
        yield Text(inner, node.line, node.raw or _shown(node), node.raw is not None)
    elif isinstance(node, tree.Traversal):
        yield from _in(node.root, path, key)
        yield from _in_steps(node.steps, inner)
    elif isinstance(node, tree.Object):
        for name, item in node.items:
            yield from _in(name, inner, _BESIDE)
            yield from _in(item, inner, _key(name))
    else:
        results, others = _parts(node)
        for part in others:
            yield from _in(part, inner, _BESIDE)
        for part in results:
            yield from _in(part, inner, ())
        if isinstance(node, tree.For):
            yield from _in(node.result, inner, _key(node.result_key))


def _literal(node: tree.Literal, path: Path) -> Iterator[Text]:
    if isinstance(node.value, str):
        yield Text(path, node.line, node.value)
    elif isinstance(node.value, tree.Number):
        yield Text(path, node.line, node.value.digits, number=True)


def _parts(
    node: tree.Expression,
) -> tuple[Iterable[tree.Expression], Iterable[tree.Expression]]:
    """The expressions that one without a text of its own may come to, and its other parts."""
    match node:
        case tree.Unary():
            return (), (node.operand,)
        case tree.Operation():
            return (), (node.first, *(operand for _, operand in node.rest))
        case tree.Conditional():
            return (node.then, node.otherwise), (node.condition,)
        case tree.Call():
            results = in_result(node.function, node.arguments)
            taken = set(map(id, results))
            return results, [each for each in node.arguments if id(each) not in taken]
        case tree.Tuple():
            return node.items, ()
        case tree.For():
            parts = (node.collection, node.result_key, node.condition)
            return (), [part for part in parts if part is not None]
    return (), ()


def _in_steps(steps: tuple[tree.Step, ...], path: Path) -> Iterator[Text]:
    for step in steps:
        if isinstance(step, tree.Index):
            yield from _in(step.key, path, _BESIDE)
        elif isinstance(step, tree.Splat):
            yield from _in_steps(step.each, path)


def _beside(part: tree.Expression, path: Path) -> Iterator[Text]:
    """The strings within the sequences of a template, but not the template's own text."""
    match part:
        case tree.Literal():
            return
        case tree.TemplateIf():
            yield from _in(part.condition, path, _BESIDE)
            inner = (*part.then.parts, *part.otherwise.parts)
        case tree.TemplateFor():
            yield from _in(part.collection, path, _BESIDE)
            inner = part.body.parts
        case _:
            yield from _in(part, path, _BESIDE)
            return
    for each in inner:
        yield from _beside(each, path)


def _key(node: tree.Expression | None) -> Path:
    if isinstance(node, tree.Key):
        return (node.name,)
    if isinstance(node, tree.Literal) and isinstance(node.value, str):
        return (node.value,)
    if isinstance(node, tree.Template):
        return (_shown(node).replace(GAP, "…"),)
    return ()


def _shown(template: tree.Template) -> str:
    text = ""
    for part in template.parts:
        match part:
            case tree.Literal(str(literal)):
                text += literal
            case tree.TemplateIf():
                text += f"{GAP}{_shown(part.then)}"
                if part.otherwise.parts:
                    text += f"{GAP}{_shown(part.otherwise)}"
                text += GAP
            case tree.TemplateFor():
                text += f"{GAP}{_shown(part.body)}{GAP}"
            case _:
                text += GAP
    return text
