"""Operators on two values."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from nexusctl.configuration.conversion import as_number, exact_number, same, to_number
from nexusctl.configuration.values import Failed, Undecided, Unknown, is_number


def operate(operator: str, left: object, right: object) -> object:
    """What an operator makes of two values.

    Raises:
        Failed: Terraform would refuse them.
        Undecided: one of them is not known, or not known well enough.
    """
    if operator in {"==", "!="}:
        equal = same(left, right)
        if equal is None:
            raise Undecided
        return equal == (operator == "==")
    numbers = [to_number(left), to_number(right)]
    if None in numbers:
        raise Failed
    if any(isinstance(number, Unknown) for number in numbers):
        raise Undecided
    one, other = (exact_number(number) for number in numbers if is_number(number))
    if operator in _COMPARISONS:
        return _COMPARISONS[operator](one, other)
    if operator in {"/", "%"} and not other:
        raise Undecided
    return as_number(_ARITHMETIC[operator](one, other))


def _modulo(one: Fraction, other: Fraction) -> Fraction:
    """The rest has the sign of `one`, other than Python's."""
    return one - other * int(one / other)


_COMPARISONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_ARITHMETIC: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "%": _modulo,
}
