"""Strings that are put together from what is known and what is not."""

from collections.abc import Iterable
from itertools import groupby

from nexusctl.configuration.conversion import number_text, to_text
from nexusctl.configuration.tokens import normal
from nexusctl.configuration.values import (
    Failed,
    Instance,
    Json,
    Partial,
    Undecided,
    Unknown,
    is_number,
    references,
)

_MAX_LENGTH = 1 << 20
_MAX_PARTS = 10_000
# As Go's encoding/json escapes: also what HTML could take for its own.
_JSON = {
    **{number: f"\\u{number:04x}" for number in (*range(0x20), 0x2028, 0x2029)},
    **{ord(character): f"\\u{ord(character):04x}" for character in "<>&"},
    **{
        ord(character): f"\\{short}"
        for character, short in zip('"\\\n\r\t\b\f', '"\\nrtbf', strict=True)
    },
}

Part = str | Unknown


def joined(values: Iterable[object]) -> object:
    """A string of these values, each as a template prints it: a str, or a Partial."""
    parts = _merged(part for value in values for part in parts_of(value))
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return Partial(references(*parts), parts)


def _merged(parts: Iterable[Part]) -> tuple[Part, ...]:
    """With neighbouring strings as one."""
    found: list[Part] = []
    for known, group in groupby(parts, key=lambda part: isinstance(part, str)):
        if known:
            found.append(normal("".join(part for part in group if isinstance(part, str))))
        else:
            found += group
    length = sum(len(part) for part in found if isinstance(part, str))
    if length > _MAX_LENGTH or len(found) > _MAX_PARTS:
        raise Undecided
    return tuple(part for part in found if part != "")


def parts_of(value: object) -> tuple[Part, ...]:
    """What a template prints for a value.

    Raises:
        Failed: it is null, or a collection.
    """
    match value:
        case Partial() if not value.base64:
            return value.parts
        case Json():
            return json_parts(value.value)
        case Instance():
            raise Failed
        case Unknown():
            return (value,)
        case None | list() | dict():
            raise Failed
        case _:
            return (str(to_text(value)),)


def json_parts(value: object) -> tuple[Part, ...]:
    """What jsonencode() makes of a value."""
    parts: list[Part] = []
    _json(value, parts, 0)
    return _merged(parts)


def _json(value: object, parts: list[Part], depth: int) -> None:
    if depth > 100 or len(parts) > _MAX_LENGTH:  # noqa: PLR2004
        raise Undecided
    match value:
        case None:
            parts.append("null")
        case bool():
            parts.append("true" if value else "false")
        case str():
            parts.append(f'"{value.translate(_JSON)}"')
        case Unknown():
            # JSON is a string as others are, also within JSON.
            text = isinstance(value, Json) or (isinstance(value, Partial) and not value.base64)
            parts += ('"', *map(_escaped, parts_of(value)), '"') if text else (value,)
        case list():
            _json_items(((None, item) for item in value), "[]", parts, depth)
        case dict():
            _json_items(((key, value[key]) for key in sorted(value)), "{}", parts, depth)
        case _ if is_number(value):
            parts.append(number_text(value))
        case _:
            raise Undecided


def _escaped(part: Part) -> Part:
    return part.translate(_JSON) if isinstance(part, str) else part


def _json_items(
    items: Iterable[tuple[str | None, object]], brackets: str, parts: list[Part], depth: int
) -> None:
    parts.append(brackets[0])
    for index, (key, item) in enumerate(items):
        if index:
            parts.append(",")
        if key is not None:
            parts.append(f'"{key.translate(_JSON)}":')
        _json(item, parts, depth + 1)
    parts.append(brackets[1])
