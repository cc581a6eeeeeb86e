"""What a function is given, as the type that it takes."""

from nexusctl.configuration.conversion import exact_number, to_bool, to_number, to_text
from nexusctl.configuration.values import Failed, Number, Undecided, is_number


def text(value: object) -> str:
    """An argument that has to be a string."""
    found = to_text(value)
    if isinstance(found, str):
        return found
    raise Failed if found is None else Undecided


def texts(value: object) -> list[str]:
    """An argument that has to be a list of strings."""
    return [text(item) for item in items(value)]


def number(value: object) -> Number:
    """An argument that has to be a number."""
    found = to_number(value)
    if is_number(found):
        return found
    raise Failed if found is None else Undecided


def whole(value: object) -> int:
    """An argument that has to be a whole number."""
    found = exact_number(number(value))
    if found.denominator != 1:
        raise Failed
    return found.numerator


def flag(value: object) -> bool:
    """An argument that has to be a bool."""
    found = to_bool(value)
    if isinstance(found, bool):
        return found
    raise Failed if found is None else Undecided


def items(value: object) -> list[object]:
    """An argument that has to be a list, a tuple or a set."""
    if isinstance(value, list):
        return value
    raise Failed if value is None else Undecided


def mapping(value: object) -> dict[str, object]:
    """An argument that has to be a map or an object."""
    if isinstance(value, dict):
        return value
    raise Failed if value is None else Undecided
