"""The types that variables declare, and the conversion of a value to one of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nexusctl.configuration import tree
from nexusctl.configuration.conversion import alike, make_set, to_bool, to_number, to_text
from nexusctl.configuration.values import Failed, Instance, Undecided, Unknown

_PRIMITIVES: Mapping[str, Callable[[object], object]] = {
    "string": to_text,
    "number": to_number,
    "bool": to_bool,
}
_OF_ELEMENTS = frozenset({"list", "set", "map"})


@dataclass(frozen=True, slots=True)
class Optional:
    """An attribute of an object type that need not be there."""

    type: "Type"
    default: object = None


@dataclass(frozen=True, slots=True)
class Type:
    """`kind` is any, string, number, bool, list, set, map, object or tuple."""

    kind: str
    element: "Type | None" = None
    attributes: "Mapping[str, Type | Optional] | None" = None
    items: "tuple[Type, ...]" = ()


ANY = Type("any")


def read_type(expression: tree.Expression, constant: Callable[[tree.Expression], object]) -> Type:
    """The type that an expression declares. `constant` evaluates the default of an attribute.

    Raises:
        Undecided: it is none.
    """
    match expression:
        case tree.Name(name) | tree.Literal(str(name)) if name in _PRIMITIVES or name == "any":
            return Type(name)
        case tree.Name(name) | tree.Literal(str(name)) if name in _OF_ELEMENTS:
            return Type(name, ANY)
        case tree.Call(name, (element,)) if name in _OF_ELEMENTS:
            return Type(name, read_type(element, constant))
        case tree.Call("tuple", (tree.Tuple(items),)):
            return Type("tuple", items=tuple(read_type(item, constant) for item in items))
        case tree.Call("object", (tree.Object(items),)):
            return Type("object", attributes=dict(_attribute(*item, constant) for item in items))
    raise Undecided


def _attribute(
    key: tree.Expression,
    value: tree.Expression,
    constant: Callable[[tree.Expression], object],
) -> "tuple[str, Type | Optional]":
    name = key.value if isinstance(key, tree.Literal) else getattr(key, "name", None)
    if not isinstance(name, str):
        raise Undecided
    match value:
        case tree.Call("optional", (kind,)):
            return name, Optional(read_type(kind, constant))
        case tree.Call("optional", (kind, default)):
            return name, Optional(read_type(kind, constant), constant(default))
    return name, read_type(value, constant)


def defaults(kind: Type) -> object:
    """What is in an unknown value of this type where its attributes are left out."""
    if kind.attributes is not None:
        found = {
            name: (of.default or defaults(of.type)) if isinstance(of, Optional) else defaults(of)
            for name, of in kind.attributes.items()
        }
        return {name: value for name, value in found.items() if value} or None
    each = [defaults(of) for of in (kind.element, *kind.items) if of is not None]
    return [value for value in each if value] or None


def convert(value: object, kind: Type) -> object:
    """`value` as a variable of this type holds it; unknown stays unknown, and null null.

    Raises:
        Failed: Terraform would refuse it.
        Undecided: what comes out is not known here.
    """
    if value is None or kind.kind == "any":
        return value
    if kind.kind in _PRIMITIVES:
        return _PRIMITIVES[kind.kind](value)
    if isinstance(value, Instance) and kind.kind == "object":
        of = kind.attributes or {}
        return {name: _filled({name: value.get(name)}, name, of[name]) for name in of}
    if isinstance(value, Unknown):
        return value
    if kind.kind in {"list", "set"}:
        return _sequence(value, kind)
    if kind.kind == "tuple":
        return _tuple(value, kind)
    if not isinstance(value, dict):
        raise Failed
    if kind.kind == "map":
        return dict(zip(value, _elements(list(value.values()), kind), strict=True))
    return {name: _filled(value, name, of) for name, of in (kind.attributes or {}).items()}


def _elements(values: list[object], kind: Type) -> list[object]:
    element = kind.element or ANY
    return alike(values) if element == ANY else [convert(value, element) for value in values]


def _sequence(value: object, kind: Type) -> object:
    if not isinstance(value, list):
        raise Failed
    elements = _elements(value, kind)
    return make_set(elements) if kind.kind == "set" else list(elements)


def _tuple(value: object, kind: Type) -> object:
    if not isinstance(value, list) or len(value) != len(kind.items):
        raise Failed
    return [convert(item, of) for item, of in zip(value, kind.items, strict=True)]


def _filled(value: dict[str, object], name: str, kind: "Type | Optional") -> object:
    if isinstance(kind, Type):
        if name not in value:
            raise Failed
        return convert(value[name], kind)
    given = value.get(name)
    return convert(kind.default if given is None else given, kind.type)
