"""Terraform's functions on lists, maps and sets."""

import itertools
import math
from collections.abc import Iterable

from nexusctl.configuration.arguments import items, mapping, text, whole
from nexusctl.configuration.conversion import (
    alike,
    chosen,
    identical,
    make_set,
    same,
    to_bool,
    to_number,
    to_text,
)
from nexusctl.configuration.text_functions import plain
from nexusctl.configuration.values import (
    Failed,
    Instance,
    Json,
    Partial,
    Set,
    Undecided,
    Unknown,
    is_number,
    references,
)

_MAX_PRODUCT = 10_000


def alltrue(values: object) -> object:
    """Terraform's alltrue()."""
    return _all(values, True)


def anytrue(values: object) -> object:
    """Terraform's anytrue()."""
    return _all(values, False)


def _all(values: object, expected: bool) -> object:
    found = [to_bool(value) for value in items(values)]
    if any(value is (not expected) for value in found):
        return not expected
    if any(isinstance(value, Unknown) for value in found):
        return Unknown(references(*found))
    if None in found:
        raise Undecided
    return expected


def chunklist(values: object, size: object) -> list[list[object]]:
    """Terraform's chunklist()."""
    found, width = items(values), whole(size)
    if width < 1:
        raise Undecided
    return [found[start : start + width] for start in range(0, len(found), width)]


def coalesce(*values: object) -> object:
    """The first that is neither null nor an empty string, if it is known which that is."""
    for value in values:
        if isinstance(value, Unknown):
            return Unknown(references(*values))
        if value is not None and value != "":
            result = value
            for other in values:
                if other is not None and other is not value:
                    result = chosen(result, other)
            return result
    raise Failed


def coalescelist(*values: object) -> object:
    """Terraform's coalescelist()."""
    for value in values:
        if isinstance(value, Unknown):
            return Unknown(references(*values))
        if value is not None and items(value):
            return value
    raise Failed


def compact(values: object) -> list[str]:
    """Terraform's compact()."""
    return [text(value) for value in items(values) if value is not None and value != ""]


def concat(*lists: object) -> list[object]:
    """Tuples keep the types of what is in them, lists become one type."""
    found = [item for each in lists for item in items(each)]
    if len({type(item) for item in found if isinstance(item, str | bool) or is_number(item)}) > 1:
        shared = [{type(item) for item in items(each)} for each in lists]
        # Each argument may be a list of its own type; if not, all stay as they are.
        if all(len(kinds) <= 1 for kinds in shared):
            raise Undecided
    return found


def contains(values: object, wanted: object) -> object:
    """Terraform's contains()."""
    found = [same(value, wanted) for value in items(values)]
    if True in found:
        return True
    if None in found:
        return Unknown(references(values, wanted))
    return False


def distinct(values: object) -> list[object]:
    """Terraform's distinct()."""
    kept: list[object] = []
    for value in alike(items(values)):
        found = {identical(value, other) for other in kept}
        if None in found and True not in found:
            raise Undecided
        if True not in found:
            kept.append(value)
    return kept


def element(values: object, index: object) -> object:
    """Terraform's element()."""
    found, position = items(values), whole(index)
    if position < 0 or isinstance(values, Set):
        raise Undecided
    if not found:
        raise Failed
    return found[position % len(found)]


def flatten(values: object) -> list[object]:
    """Terraform's flatten()."""
    result: list[object] = []
    for item in items(values):
        if isinstance(item, list):
            result += flatten(item)
        elif isinstance(item, Unknown) and not isinstance(item, Partial | Json | Instance):
            # It may be a list.
            raise Undecided
        else:
            result.append(item)
    return result


def index(values: object, wanted: object) -> int:
    """Terraform's index()."""
    for position, value in enumerate(items(values)):
        found = same(value, wanted)
        if found is None:
            raise Undecided
        if found:
            return position
    raise Failed


def keys(value: object) -> list[str]:
    """Terraform's keys()."""
    return sorted(mapping(value))


def length(value: object) -> int:
    """Terraform's length()."""
    return len(value) if isinstance(value, list | dict) else len(plain(value))


def lookup(value: object, key: object, *default: object) -> object:
    """Terraform's lookup()."""
    found, name = mapping(value), text(key)
    if name in found:
        return found[name]
    if not default:
        raise Failed
    # The default becomes what a map holds; beside an object it stays what it is.
    if any(type(item) is not type(default[0]) for item in found.values()):
        raise Undecided
    return default[0]


def merge(*values: object) -> dict[str, object]:
    """Terraform's merge()."""
    result: dict[str, object] = {}
    for value in values:
        if value is not None:
            result.update(mapping(value))
    return result


def one(values: object) -> object:
    """Terraform's one()."""
    found = items(values)
    if len(found) > 1:
        raise Failed
    return found[0] if found else None


def reverse(values: object) -> list[object]:
    """Terraform's reverse()."""
    if isinstance(values, Set):
        raise Undecided
    return items(values)[::-1]


def setproduct(*values: object) -> object:
    """Terraform's setproduct()."""
    found = [alike(items(value)) for value in values]
    if len(found) < 2 or math.prod(len(each) for each in found) > _MAX_PRODUCT:  # noqa: PLR2004
        raise Undecided
    result: list[object] = [list(row) for row in itertools.product(*found)]
    return make_set(result) if all(isinstance(value, Set) for value in values) else result


def _sets(values: Iterable[object]) -> list[list[object]]:
    found = [items(make_set(items(value))) for value in values]
    alike(item for each in found for item in each)
    return found


def setunion(*values: object) -> object:
    """Terraform's setunion()."""
    return make_set(item for each in _sets(values) for item in each)


def setintersection(*values: object) -> object:
    """Terraform's setintersection()."""
    first, *others = _sets(values)
    return make_set(item for item in first if all(_holds(other, item) for other in others))


def setsubtract(left: object, right: object) -> object:
    """Terraform's setsubtract()."""
    kept, gone = _sets((left, right))
    return make_set(item for item in kept if not _holds(gone, item))


def _holds(values: list[object], wanted: object) -> bool:
    return any(identical(value, wanted) for value in values)


def slice_(values: object, start: object, end: object) -> list[object]:
    """Terraform's slice()."""
    found, first, last = items(values), whole(start), whole(end)
    if isinstance(values, Set):
        raise Undecided
    if not 0 <= first <= last <= len(found):
        raise Failed
    return found[first:last]


def tolist(values: object) -> object:
    """Terraform's tolist()."""
    return None if values is None else list(alike(items(values)))


def toset(values: object) -> object:
    """Terraform's toset()."""
    return None if values is None else make_set(items(values))


def tomap(value: object) -> object:
    """Terraform's tomap()."""
    if value is None:
        return None
    found = mapping(value)
    return dict(zip(found, alike(found.values()), strict=True))


def tostring(value: object) -> object:
    """Terraform's tostring()."""
    return to_text(value)


def tonumber(value: object) -> object:
    """Terraform's tonumber()."""
    return to_number(value)


def tobool(value: object) -> object:
    """Terraform's tobool()."""
    if isinstance(value, str) and value in {"1", "0"}:
        raise Undecided
    return to_bool(value)


def values_(value: object) -> list[object]:
    """Terraform's values()."""
    found = mapping(value)
    return [found[key] for key in sorted(found)]


def zipmap(names: object, values: object) -> dict[str, object]:
    """Terraform's zipmap()."""
    found, given = [text(name) for name in items(names)], items(values)
    if len(found) != len(given):
        raise Failed
    return dict(zip(found, given, strict=True))


def same_value(value: object) -> object:
    """Terraform's same_value()."""
    return value
