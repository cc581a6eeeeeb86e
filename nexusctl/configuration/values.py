"""What a value is while it is being evaluated, and what stands for one that is not known.

Known values are str, bool, numbers, None, lists, `Set`s, and dicts with string keys. An integer is
an int; a fraction is a float, or a Fraction when the float would not print the same.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeGuard, TypeVar

Number = int | float | Fraction
_T = TypeVar("_T", bound="Unknown")


# Nobody's configuration has longer ones.
_LONGEST_ADDRESS = 1000
_MAX_SIZE = 200_000
# Stands for an unknown part of a text, where no text can have it.
GAP = "\0"
_MAX_NESTING = 75


class Failed(Exception):
    """Terraform would certainly refuse to evaluate this, so try() goes on and can() is false."""


class Undecided(Exception):
    """What comes out is not known here: Terraform may know it, or refuse."""


@dataclass(frozen=True, eq=False, slots=True)
class Unknown:
    """A value that only Terraform or AWS knows.

    `references` are what it rests on: addresses of resources and data sources with the attribute
    that is read, and variables without a value, such as `module.a.var.x`. Where it is known which
    instance is read, its key is in the address: `aws_x.y["a"].arn`; else all may be meant.
    `options` are some of what it may be, or may have in it.
    """

    references: frozenset[str] = frozenset()
    options: tuple[object, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, eq=False, slots=True)
class Partial(Unknown):
    """A string some of whose parts are unknown.

    `base64` says that it is base64encode() of that string, or base64gzip(), whose result nobody
    can foretell: the parts are those of the text before.
    """

    parts: tuple[str | Unknown, ...] = ()
    base64: bool = False

    @property
    def text(self) -> str:
        """The known parts, with `${}` for each of the others."""
        return "".join(part if isinstance(part, str) else "${}" for part in self.parts)


@dataclass(frozen=True, eq=False, slots=True)
class Json(Unknown):
    """jsonencode() of `value`, which has something unknown in it."""

    value: object = None


@dataclass(frozen=True, eq=False, slots=True)
class Later(Unknown):
    """A value that is made at apply, as a plan has it: what it rests on the plan does not tell."""


@dataclass(frozen=True, eq=False, slots=True)
class Reference(Unknown):
    """Something at one address: its attributes have addresses too."""

    address: str = ""

    def attribute(self, name: str) -> "Reference":
        """What stands at the address of an attribute."""
        longest = len(self.address) > _LONGEST_ADDRESS
        return self if longest else reference(f"{self.address}.{name}")


@dataclass(frozen=True, eq=False, slots=True)
class Instance(Unknown):
    """One resource, or one call of a module. What it is as a whole is never known."""

    get: Callable[[str], object] = lambda _name: Unknown()


class Set(list[Any]):
    """A set: a list without repetitions, in Terraform's order, that has no indexes."""


def reference(address: str) -> Reference:
    """The unknown value that is at `address`."""
    return Reference(frozenset((address,)), address)


def is_number(value: object) -> TypeGuard[Number]:
    """Whether a value is a number, which a bool is not."""
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


def unknowns(value: object) -> Iterator[Unknown]:
    """Every unknown value in a value, each only once however often it stands there."""
    seen: set[int] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Unknown):
            yield item
        elif isinstance(item, list | dict) and id(item) not in seen:
            seen.add(id(item))
            stack.extend(item.values() if isinstance(item, dict) else item)


def is_known(value: object) -> bool:
    """Whether nothing in a value is unknown."""
    return next(unknowns(value), None) is None


def references(*values: object) -> frozenset[str]:
    """What everything unknown in these values rests on."""
    return frozenset().union(*(found.references for value in values for found in unknowns(value)))


def resting_on(value: _T, more: Iterable[str]) -> _T:
    """The same unknown value, which rests on more."""
    return replace(value, references=value.references.union(more))


def exported(value: object) -> object:
    """A value as callers get it: plain lists, dicts, strings, bools, ints and floats."""
    match value:
        case list():
            return [exported(item) for item in value]
        case dict():
            return {key: exported(item) for key, item in value.items()}
        case Fraction():
            return float(value)
        case Json():
            return replace(value, value=exported(value.value))
        case Instance() | Reference():
            return Unknown(value.references)
        case Partial():
            return replace(value, parts=tuple(map(_exported_part, value.parts)))
        case Unknown() if value.options:
            options = tuple(map(exported, value.options))
            # Of whole resources nothing is left by now.
            said = tuple(each for each in options if type(each) is not Unknown or each.options)
            return Unknown(value.references, options=said)
        case _:
            return value


def _exported_part(part: str | Unknown) -> str | Unknown:
    found = exported(part)
    return found if isinstance(found, str | Unknown) else part


def too_large(value: object, limit: int = _MAX_SIZE) -> bool:
    """Whether a value, written out, is beyond reason. What it shares is counted each time."""
    sizes: dict[int, int] = {}

    def size(item: object, depth: int) -> int:
        if not isinstance(item, list | dict | Unknown):
            return 1
        if id(item) not in sizes:
            if depth > _MAX_NESTING:
                return limit + 1
            match item:
                case dict():
                    inner: Iterable[object] = item.values()
                case Partial():
                    inner = item.parts
                case Json():
                    inner = (item.value,)
                case Unknown():
                    inner = item.options
                case _:
                    inner = item
            sizes[id(item)] = 1 + sum(size(each, depth + 1) for each in inner)
        return sizes[id(item)]

    return size(value, 0) > limit
