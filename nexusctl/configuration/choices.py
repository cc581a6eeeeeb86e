"""What may come out of an expression whose value is not known: for the search of passwords."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import yaml

from nexusctl.configuration.values import (
    Failed,
    Instance,
    Json,
    Partial,
    Unknown,
    is_number,
    too_large,
)

_T = TypeVar("_T")
# More options than that nobody writes.
_MAX_OPTIONS = 1000
_MAX_SIZE = 20_000
# What is shorter, and put in place of something in a text, keeps its words apart.
_SHORTEST_PART = 4
# Which arguments of a function its result is, or is made of. The others are keys, patterns and
# lengths; of what another function makes of its arguments nobody could tell.
_EVERY, _FIRST, _SECOND, _AFTER_FIRST = slice(None), slice(1), slice(1, 2), slice(1, None)
_FIRST_AND_THIRD = slice(0, 3, 2)
_RESULT: Mapping[str, slice] = {
    **dict.fromkeys(("coalesce", "coalescelist", "concat", "merge", "setproduct", "try"), _EVERY),
    **dict.fromkeys(("setintersection", "setunion", "templatestring"), _EVERY),
    **dict.fromkeys(("base64decode", "base64encode", "base64gzip", "jsondecode"), _FIRST),
    **dict.fromkeys(("jsonencode", "yamldecode", "yamlencode", "urlencode"), _FIRST),
    **dict.fromkeys(("textdecodebase64", "textencodebase64", "bcrypt", "md5", "sha1"), _FIRST),
    **dict.fromkeys(("sha256", "sha512", "base64sha256", "base64sha512"), _FIRST),
    **dict.fromkeys(("chomp", "lower", "strrev", "substr", "title", "upper"), _FIRST),
    **dict.fromkeys(
        ("replace", "trim", "trimprefix", "trimspace", "trimsuffix", "tostring"), _FIRST
    ),
    **dict.fromkeys(("chunklist", "compact", "distinct", "element", "flatten", "one"), _FIRST),
    **dict.fromkeys(("reverse", "setsubtract", "slice", "sort", "tolist", "tomap"), _FIRST),
    **dict.fromkeys(("toset", "values", "nonsensitive", "sensitive"), _FIRST),
    **dict.fromkeys(("indent", "regex", "regexall", "split", "zipmap"), _SECOND),
    **dict.fromkeys(("format", "formatlist", "join"), _AFTER_FIRST),
    "lookup": _FIRST_AND_THIRD,
    # As the type of a variable is written.
    **dict.fromkeys(("object", "list", "map", "set", "tuple"), _FIRST),
    "optional": _SECOND,
}


def choice(references: frozenset[str], options: Iterable[object]) -> Unknown:
    """An unknown value that may be one of these, or have it in it."""
    found: dict[object, object] = {}
    for option in options:
        for each in option.options if type(option) is Unknown else (option,):
            if _says_something(each):
                found.setdefault(each if isinstance(each, str) else id(each), each)
            if len(found) == _MAX_OPTIONS:
                break
    kept = list(found.values())
    return Unknown(references, options=() if too_large(kept, _MAX_SIZE) else tuple(kept))


def _says_something(value: object) -> bool:
    match value:
        case str() | list() | dict():
            return bool(value)
        case Partial() | Json() | Instance():
            return True
        case _:
            return is_number(value)


def members(value: object) -> list[object]:
    """What an element of a value may be."""
    match value:
        case list():
            return list(value)
        case dict():
            return list(value.values())
        case Unknown():
            return [item for option in value.options for item in members(option)]
        case _:
            return []


def at(value: object, key: object) -> list[object]:
    """What an element under a known key, or an attribute of that name, may be."""
    match value:
        case Instance() if isinstance(key, str):
            with suppress(Failed):
                return [value.get(key)]
            return []
        case dict():
            # A name that is known in part may be any.
            names = (key,) if key in value else (name for name in value if "${}" in name)
            return [value[name] for name in names]
        case Json():
            return at(value.value, key)
        case list():
            # Where it stands among others, or under which key, is not known.
            return [inner for item in value for inner in (item, *at(item, key))]
        case Unknown():
            return [item for option in value.options for item in at(option, key)]
        case _:
            return []


def in_result(function: str, arguments: Sequence[_T]) -> Sequence[_T]:
    """The arguments of a function that its result is, or is made of."""
    chosen = _RESULT.get(function.removeprefix("core::"))
    return arguments[chosen] if chosen else ()


def result(function: str, arguments: list[object]) -> Iterable[object]:
    """What a function may give, some of whose arguments are not known."""
    match function, arguments:
        case "lookup", [collection, str(key), *default]:
            return [*at(collection, key), *default]
        case "lookup", [collection, _, *default]:
            return [*members(collection), *default]
        case (("element" | "one"), [collection, *_]):
            return members(collection)
        case "replace", [first, _, str(new)] if len(new) >= _SHORTEST_PART:
            return [first, new]
        case "yamldecode", [str(text)]:
            return [_yaml(text)]
        case _:
            return in_result(function, arguments)


def _yaml(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
