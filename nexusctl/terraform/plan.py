"""A plan: what Terraform would do, from `terraform show -json`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SENSITIVE = "(sensitive)"
UNKNOWN = "(known after apply)"


class Action(StrEnum):
    """What happens to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DESTROY = "destroy"
    READ = "read"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute of a changed resource; sensitive values are never in it."""

    path: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happens to one resource, and which of its attributes make it so.

    A tainted one is replaced although nothing of it was edited: its creation did not come to its
    end.
    """

    address: str
    type: str
    action: Action
    attributes: tuple[AttributeChange, ...] = ()
    tainted: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes of one plan, in Terraform's order. Data sources that are read do not count."""

    changes: tuple[ResourceChange, ...]
    outputs_change: bool

    def count(self, action: Action) -> int:
        """How many resources have this action."""
        return sum(change.action is action for change in self.changes)

    @property
    def empty(self) -> bool:
        """Nothing to do, not even an output to store."""
        return not self.changes and not self.outputs_change


ACTIONS = {
    ("create",): Action.CREATE,
    ("update",): Action.UPDATE,
    ("delete",): Action.DESTROY,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("forget",): Action.FORGET,
    ("read",): Action.READ,
}


def parse_plan(document: Mapping[str, Any]) -> Plan:
    """The plan in the JSON document of `terraform show -json`."""
    changes = []
    for entry in document.get("resource_changes", ()):
        action = ACTIONS.get(tuple(entry["change"]["actions"]))
        if action is None or action is Action.READ:
            continue
        attributes: tuple[AttributeChange, ...] = ()
        if action in {Action.UPDATE, Action.REPLACE}:
            attributes = tuple(_attributes(entry["change"]))
        tainted = entry.get("action_reason") == "replace_because_tainted"
        changes.append(ResourceChange(entry["address"], entry["type"], action, attributes, tainted))
    outputs = document.get("output_changes", {}).values()
    return Plan(tuple(changes), any(each["actions"] != ["no-op"] for each in outputs))


def _attributes(change: Mapping[str, Any]) -> Iterator[AttributeChange]:
    yield from _differences(
        "",
        change.get("before"),
        change.get("after"),
        unknown=change.get("after_unknown"),
        hidden=(change.get("before_sensitive"), change.get("after_sensitive")),
    )


def _differences(
    path: str, before: Any, after: Any, *, unknown: Any, hidden: tuple[Any, Any]
) -> Iterator[AttributeChange]:
    """The leaves in which two values differ. `unknown` and `hidden` have the shape of the value,
    or are True for all of it."""
    if True in hidden:
        if before != after or unknown:
            yield AttributeChange(path, SENSITIVE, SENSITIVE)
    elif unknown is True:
        yield AttributeChange(path, before, UNKNOWN)
    elif isinstance(before, dict) or isinstance(after, dict):
        for key in sorted({*_keys(before), *_keys(after), *_keys(unknown)}):
            yield from _differences(
                f"{path}.{key}" if path else key,
                _part(before, key),
                _part(after, key),
                unknown=_part(unknown, key),
                hidden=(_part(hidden[0], key), _part(hidden[1], key)),
            )
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index in range(len(before)):
            yield from _differences(
                f"{path}[{index}]",
                before[index],
                after[index],
                unknown=_part(unknown, index),
                hidden=(_part(hidden[0], index), _part(hidden[1], index)),
            )
    elif before != after:
        # A list that grew or shrank: as a whole, unless something in it is hidden.
        secret = _any(hidden[0]) or _any(hidden[1])
        yield AttributeChange(path, *((SENSITIVE, SENSITIVE) if secret else (before, after)))


def _keys(value: Any) -> Iterator[str]:
    yield from value if isinstance(value, dict) else ()


def _part(value: Any, key: str | int) -> Any:
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return True if value is True else None


def _any(shape: Any) -> bool:
    if isinstance(shape, dict):
        return any(map(_any, shape.values()))
    return any(map(_any, shape)) if isinstance(shape, list) else shape is True
