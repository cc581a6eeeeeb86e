"""What `for` goes over, and what it makes of it."""

from typing import Any

from nexusctl.configuration import tree
from nexusctl.configuration.choices import choice, members
from nexusctl.configuration.values import Failed, Reference, Set, Unknown, references


def elements(collection: object) -> list[tuple[object, object]] | None:
    """The keys and values of a collection in Terraform's order; None when they are not known."""
    match collection:
        case Unknown():
            return None
        case dict():
            return sorted(collection.items())
        case Set():
            return [(item, item) for item in collection]
        case list():
            return list(enumerate(collection))
        case _:
            raise Failed


def any_element(collection: object) -> tuple[object, object]:
    """What stands for the key and the value of each element of an unknown collection."""
    because = references(collection)
    if isinstance(collection, Reference):
        return Unknown(because), collection
    return Unknown(because), choice(because, members(collection))


def loop_names(
    expression: tree.For | tree.TemplateFor, key: object, value: object
) -> dict[str, object]:
    """The names that the body of a loop sees."""
    return (
        {expression.key: key, expression.value: value}
        if expression.key
        else {expression.value: value}
    )


def keyed(results: list[tuple[object, object]], *, grouped: bool) -> object:
    """The object that `{for ...}` makes of keys and values."""
    if any(isinstance(key, Unknown) for key, _ in results):
        because = references(*(part for pair in results for part in pair))
        return choice(because, ([value for _, value in results],))
    found: dict[str, Any] = {}
    for key, value in results:
        if not isinstance(key, str):
            raise Failed
        if grouped:
            found.setdefault(key, []).append(value)
        elif key in found:
            raise Failed
        else:
            found[key] = value
    return found
