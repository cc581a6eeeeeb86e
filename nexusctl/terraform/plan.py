"""A plan: what Terraform would do, from `terraform show -json`."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nexusctl.errors import ToolUnfit
from nexusctl.policy.literals import literals_in

SENSITIVE = "(sensitive)"
UNKNOWN = "(known after apply)"


class Action(StrEnum):
    """What happens to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DESTROY = "destroy"
    FORGET = "forget"


# Arguments of which each block has a name, and what names it, in order of preference. Of others
# what names the blocks is found by looking at several.
NAMED: Mapping[str, tuple[str, ...]] = {
    "auth": ("description", "secret_arn"),
    "parameter": ("name",),
}
# What names these is a text about them, no key of the files. One that comes or goes is told as a
# whole.
NAMED_BY_TEXT = frozenset({"auth"})


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
    end. `forced_by` are the paths of the attributes that cannot change in place; empty where
    something else replaces it.
    """

    address: str
    type: str
    action: Action
    attributes: tuple[AttributeChange, ...] = ()
    tainted: bool = False
    forced_by: tuple[str, ...] = ()


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


ACTIONS: Mapping[tuple[str, ...], Action | None] = {
    ("create",): Action.CREATE,
    ("update",): Action.UPDATE,
    ("delete",): Action.DESTROY,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    # The old one stays, but Terraform knows it no longer: the stack has a new one all the same.
    ("create", "forget"): Action.REPLACE,
    ("forget", "create"): Action.REPLACE,
    ("forget",): Action.FORGET,
    ("read",): None,
    ("no-op",): None,
}


def parse_plan(document: Mapping[str, Any]) -> Plan:
    """The plan in the JSON document of `terraform show -json`.

    Raises:
        ToolUnfit: it does something that this version of nexusctl has no name for.
    """
    changes = []
    for entry in document.get("resource_changes", ()):
        action = action_of(entry)
        if action is None:
            continue
        attributes: tuple[AttributeChange, ...] = ()
        if action in {Action.UPDATE, Action.REPLACE}:
            attributes = tuple(_attributes(entry["change"]))
        tainted = entry.get("action_reason") == "replace_because_tainted"
        forced_by = tuple(map(_dotted, entry["change"].get("replace_paths") or ()))
        changes.append(
            ResourceChange(entry["address"], entry["type"], action, attributes, tainted, forced_by)
        )
    outputs = document.get("output_changes", {}).values()
    return Plan(tuple(changes), any(each["actions"] != ["no-op"] for each in outputs))


def action_of(entry: Mapping[str, Any]) -> Action | None:
    """What happens to the resource of this `resource_changes` entry; None if nothing is written.

    Raises:
        ToolUnfit: as `parse_plan`.
    """
    actions = tuple(entry["change"]["actions"])
    if actions not in ACTIONS:
        raise ToolUnfit(
            f"{entry['address']}: nexusctl does not know what a plan means by {', '.join(actions)}",
            hint="Terraform is newer than nexusctl; `nexusctl doctor` says which ones are known",
        )
    return ACTIONS[actions]


def existing(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Each resource that the state knows and AWS has, with its `values`, by the JSON of a plan."""

    def resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield from (each for each in module.get("resources", ()) if each["mode"] == "managed")
        for child in module.get("child_modules", ()):
            yield from resources(child)

    yield from resources(document.get("prior_state", {}).get("values", {}).get("root_module", {}))


def known(document: Mapping[str, Any]) -> bool:
    """Whether the state knows any resource, in AWS or not, by the JSON of a plan."""
    return any(existing(document)) or bool(document.get("resource_drift"))


def _attributes(change: Mapping[str, Any]) -> Iterator[AttributeChange]:
    differences = _differences(
        "",
        change.get("before"),
        change.get("after"),
        unknown=change.get("after_unknown"),
        hidden=(change.get("before_sensitive"), change.get("after_sensitive")),
    )
    for each in differences:
        yield AttributeChange(each.path, SENSITIVE, SENSITIVE) if _has_password(each) else each


def _has_password(change: AttributeChange) -> bool:
    """Whether a password is written down in it, whatever the provider holds sensitive."""
    path = tuple(change.path.split("."))
    return any(any(literals_in(side, path)) for side in (change.before, change.after))


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
    elif not any(map(is_hidden, hidden)) and (by := _naming(path, before, after)):
        yield from _differences_by_name(path, before or [], after or [], unknown=unknown, by=by)
    elif _comparable(before, after):
        for index in range(len(before or after)):
            yield from _differences(
                f"{path}[{index}]",
                _part(before, index),
                _part(after, index),
                unknown=_part(unknown, index),
                hidden=(_part(hidden[0], index), _part(hidden[1], index)),
            )
    elif before != after:
        # A list that grew or shrank: as a whole, unless something in it is hidden.
        secret = is_hidden(hidden[0]) or is_hidden(hidden[1])
        yield AttributeChange(path, *((SENSITIVE, SENSITIVE) if secret else (before, after)))


def _comparable(before: Any, after: Any) -> bool:
    """Whether what is at one place in a list can be told from that in the other.

    So it can where all blocks of a kind come or go.
    """
    lists = [side for side in (before, after) if isinstance(side, list)]
    if not (before and after):
        blocks = [each for side in lists for each in side]
        return bool(blocks) and all(isinstance(each, dict) for each in blocks)
    return len(lists) == 2 and len(before) == len(after)  # noqa: PLR2004


def _differences_by_name(
    path: str, before: list[Any], after: list[Any], *, unknown: Any, by: str
) -> Iterator[AttributeChange]:
    """The same of blocks that have names: their order in the set says nothing."""
    old = {block[by]: block for block in before}
    new = {block[by]: (block, _part(unknown, number)) for number, block in enumerate(after)}
    for name in sorted({*old, *new}):
        block, what = new.get(name, (None, None))
        if path in NAMED_BY_TEXT and (block is None or name not in old):
            yield AttributeChange(f"{path}[{json.dumps(name)}]", old.get(name), block)
            continue
        yield from _differences(
            f"{path}[{json.dumps(name)}]", old.get(name), block, unknown=what, hidden=(None, None)
        )


def _naming(path: str, before: Any, after: Any) -> str | None:
    """The argument that names each block of both lists, as `name` does a parameter of a group."""
    lists = [side for side in (before, after) if isinstance(side, list) and side]
    if max(map(len, lists), default=0) <= (0 if path in NAMED else 1):
        return None
    for by in NAMED.get(path, ("name", "key")):
        names = [
            [block.get(by) if isinstance(block, dict) else None for block in side] for side in lists
        ]
        if all(
            all(isinstance(each, str) and each for each in side) and len(set(side)) == len(side)
            for side in names
        ):
            return by
    return None


def root_of(path: str) -> str:
    """The argument or block of a resource that the path of an attribute begins with."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _dotted(path: Sequence[str | int]) -> str:
    """`["pool", 0, "idle"]` → `pool[0].idle`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _keys(value: Any) -> Iterator[str]:
    yield from value if isinstance(value, dict) else ()


def _part(value: Any, key: str | int) -> Any:
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return True if value is True else None


def is_hidden(shape: Any) -> bool:
    """Whether anything is sensitive in a value of this `before_sensitive` or `after_sensitive`."""
    if isinstance(shape, dict):
        return any(map(is_hidden, shape.values()))
    return any(map(is_hidden, shape)) if isinstance(shape, list) else shape is True
