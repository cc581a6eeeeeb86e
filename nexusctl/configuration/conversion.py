"""Conversions between types, equality, and the order of sets: as Terraform's cty has them."""

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from nexusctl.configuration.values import (
    Failed,
    Instance,
    Json,
    Number,
    Partial,
    Set,
    Undecided,
    Unknown,
    is_known,
    is_number,
    references,
    unknowns,
)

# Terraform's numbers have 512 binary digits.
_PRECISION = 512
_MAX_EXPONENT = 400
_MAX_BITS = 4096
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE](?P<exponent>[+-]?[0-9]+))?")
_BOOLS = {"true": True, "false": False, "1": True, "0": False}


def parse_number(digits: str) -> Number:
    """The number that a text is.

    Raises:
        Failed: it is none.
        Undecided: it may be one to Terraform, or is out of all proportion.
    """
    match = _NUMBER.fullmatch(digits)
    if match is None:
        if re.search("[0-9]|inf", digits, re.IGNORECASE):
            raise Undecided
        raise Failed
    if abs(int(match["exponent"] or "0")) > _MAX_EXPONENT or len(digits) > _MAX_EXPONENT:
        raise Undecided
    return as_number(Fraction(digits))


def as_number(value: Fraction | int) -> Number:
    """A number as Terraform holds it."""
    exact = _rounded(Fraction(value))
    if exact.denominator == 1:
        return exact.numerator
    return near if exact_number(near := float(exact)) == exact else exact


def exact_number(value: Number) -> Fraction:
    """The exact value of a number: 0.1 is not what a float makes of it."""
    return _rounded(Fraction(repr(value))) if isinstance(value, float) else Fraction(value)


def _rounded(value: Fraction) -> Fraction:
    top, bottom = abs(value.numerator), value.denominator
    if max(top.bit_length(), bottom.bit_length()) > _MAX_BITS:
        raise Undecided
    if not top or (bottom == 1 and top.bit_length() <= _PRECISION):
        return value
    shift = _PRECISION - (top.bit_length() - bottom.bit_length())
    if (top << max(shift, 0)) >= (bottom << (_PRECISION + max(-shift, 0))):
        shift -= 1
    # `round` of a Fraction is half to even, as IEEE 754 has it.
    mantissa = round(Fraction(top, bottom) * Fraction(2) ** shift)
    result = Fraction(mantissa) / Fraction(2) ** shift
    return result if value > 0 else -result


def number_text(value: Number) -> str:
    """A number as it stands in a string or in JSON."""
    if isinstance(value, Fraction):
        raise Undecided
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def to_text(value: object) -> object:
    """A value converted to string; what is unknown stays so."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | None | Partial() | Json():
            return value
        case Unknown():
            return Unknown(value.references, options=value.options)
        case _ if is_number(value):
            return number_text(value)
        case _:
            raise Failed


def to_number(value: object) -> object:
    """A value converted to number."""
    match value:
        case str():
            return parse_number(value)
        case None:
            return value
        case Unknown():
            return Unknown(value.references)
        case _ if is_number(value):
            return value
        case _:
            raise Failed


def to_bool(value: object) -> object:
    """A value converted to bool."""
    match value:
        case bool() | None:
            return value
        case Unknown():
            return Unknown(value.references)
        case str() if value in _BOOLS:
            return _BOOLS[value]
        case _:
            raise Failed


def same(left: object, right: object) -> bool | None:
    """Whether two values are equal to Terraform; None when that is not known.

    Collections that look the same may be of different types, a list and a tuple say, and then
    they are not equal. So only inequality is certain.
    """
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Unknown):
            # These are unknown, but they are something.
            certain = isinstance(one, Partial | Json | Instance)
            return False if certain and other is None else None
    if left is None or right is None:
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return _same_items(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return False
        return _same_items(list(left.values()), [right[key] for key in left])
    if is_number(left) and is_number(right):
        return exact_number(left) == exact_number(right)
    return type(left) is type(right) and left == right


def _same_items(left: list[object], right: list[object]) -> bool | None:
    if len(left) != len(right):
        return False
    if any(same(one, other) is False for one, other in zip(left, right, strict=True)):
        return False
    return None


def identical(left: object, right: object) -> bool | None:
    """The same for values that are known to be of one type, as the elements of a list are."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return same(left, right)
    if isinstance(left, list) and isinstance(right, list):
        pairs = list(zip(left, right, strict=False))
        if len(left) != len(right):
            return False
    elif isinstance(left, dict) and isinstance(right, dict):
        pairs = [(left[key], right[key]) for key in left if key in right]
        if left.keys() != right.keys():
            return False
    else:
        return same(left, right)
    found = [identical(one, other) for one, other in pairs]
    return False if False in found else None if None in found else True


def alike(values: Iterable[object]) -> list[object]:
    """The elements of a list, set or map, which Terraform converts to one type.

    Raises:
        Undecided: which type that is, or the conversion, is not known.
    """
    found = list(values)
    present = [value for value in found if value is not None]
    kinds = {_kind(value) for value in present}
    because = references(*found) if "unknown" in kinds else frozenset()
    if kinds <= {"string", "number", "bool"}:
        if "string" in kinds and len(kinds) > 1:
            return [to_text(value) for value in found]
        if len(kinds) > 1:
            raise Undecided
        return found
    if kinds <= {"string", "number", "bool", "unknown"} or kinds <= {"object", "list", "unknown"}:
        if "unknown" in kinds:
            return [_untyped(value, because) for value in found]
        if kinds == {"object"}:
            return _alike_objects(found, [value for value in present if isinstance(value, dict)])
    if kinds in ({"list"}, {"set"}):
        _stays(item for value in present if isinstance(value, list) for item in value)
        return found
    if kinds <= {"instance", "unknown"}:
        return found
    raise Undecided


def _alike_objects(found: list[object], objects: list[dict[str, object]]) -> list[object]:
    keys = objects[0].keys()
    if any(one.keys() != keys for one in objects):
        # Maps, or objects that become maps.
        _stays(item for one in objects for item in one.values())
        return found
    columns = {key: alike(one[key] for one in objects) for key in keys}
    changed = any(
        new is not one[key]
        for key, column in columns.items()
        for new, one in zip(column, objects, strict=True)
        if not isinstance(new, Unknown)
    )
    if changed and not all(
        isinstance(item, str | Unknown | None) for column in columns.values() for item in column
    ):
        # Were one of them a map, the others' numbers would be strings too.
        raise Undecided
    rows = iter([{key: columns[key][row] for key in keys} for row in range(len(objects))])
    return [None if value is None else next(rows) for value in found]


def _stays(values: Iterable[object]) -> None:
    before = list(values)
    if any(new is not old for new, old in zip(alike(before), before, strict=True)):
        raise Undecided


def _kind(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case str() | Partial() | Json():
            return "string"
        case Unknown():
            return "instance" if isinstance(value, Instance) else "unknown"
        case Set():
            return "set"
        case list():
            return "list"
        case dict():
            return "object"
        case _:
            return "number"


def chosen(value: object, other: object) -> object:
    """`value` as a conditional gives it whose other branch is `other`: both become one type."""
    if isinstance(value, Unknown) or value is None:
        return value
    return alike((value, Unknown() if other is None else other))[0]


def _untyped(value: object, because: frozenset[str]) -> object:
    """Without numbers and bools, each of which may have to become a string."""
    match value:
        case Set():
            return value if all(isinstance(item, str) for item in value) else Unknown(because)
        case list():
            return [_untyped(item, because) for item in value]
        case dict():
            return {key: _untyped(item, because) for key, item in value.items()}
        case str() | None | Unknown():
            return value
        case _:
            return Unknown(because)


def make_set(values: Iterable[object]) -> object:
    """A set of these values.

    Raises:
        Undecided: whether some of them are equal is not known, nor then how many there are.
    """
    kept: list[object] = []
    texts: set[str] = set()
    for value in alike(values):
        if isinstance(value, str):
            if value not in texts:
                texts.add(value)
                kept.append(value)
            continue
        found = {identical(value, other) for other in kept}
        if None in found and True not in found:
            raise Undecided
        if True not in found:
            kept.append(value)
    if all(is_number(value) for value in kept):
        return Set(sorted(kept, key=exact_number))  # type: ignore[arg-type]
    if all(isinstance(value, str) for value in kept):
        return Set(sorted(kept))  # type: ignore[type-var]
    if len(kept) > 1 and any(not isinstance(value, bool) and _has_map(value) for value in kept):
        raise Undecided
    return Set(sorted(kept, key=_hash_text))


def _has_map(value: object) -> bool:
    """Whether a value's place in a set depends on a type that is not known here."""
    if isinstance(value, dict):
        return any(isinstance(item, list | dict) for item in value.values())
    return isinstance(value, list) and any(isinstance(item, list | dict) for item in value)


def _hash_text(value: object) -> str:
    """What cty orders sets by when their elements have no order of their own."""
    match value:
        case None:
            return "~"
        case bool():
            return "T" if value else "F"
        case str():
            if not value.isprintable() or '"' in value or "\\" in value:
                raise Undecided
            return f'"{value}"'
        case Unknown():
            return "?"
        case list():
            return "<" + "".join(f"{_hash_text(item)};" for item in value) + ">"
        case dict():
            return "<" + "".join(f"{_hash_text(value[key])};" for key in sorted(value)) + ">"
        case _ if isinstance(value, int) and abs(value) < 10**10:
            return str(value)
        case _:
            raise Undecided


def decided(value: object) -> object:
    """A value nothing in which is unknown.

    Raises:
        Undecided: something is.
    """
    if is_known(value):
        return value
    raise Undecided(*unknowns(value))
