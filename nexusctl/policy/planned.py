"""The JSON of a plan, as `terraform show -json` prints it, walked without checkov."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nexusctl.errors import ToolUnfit

# When the plan was made, and a time that AWS moves on every few minutes. Nobody can write either.
_CLOCKS = frozenset({"timestamp", "latest_restorable_time"})
_INDEX = re.compile(r"\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\]")


@dataclass(frozen=True, slots=True)
class Planned:
    """A resource instance as it will be after the plan is applied; unknown values are missing."""

    address: str
    type: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Module:
    """A module's configuration. `prefix` is its address with a trailing dot, without indexes."""

    prefix: str
    configuration: Mapping[str, Any]
    parent: "Module | None" = None
    arguments: Mapping[str, Any] | None = None


def read_plan(file: Path) -> Mapping[str, Any]:
    """The plan in `file`.

    Raises:
        ToolUnfit: there is no such file, or it is not the JSON of a plan.
    """
    try:
        plan = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ToolUnfit(
            f"{file}: no plan can be read from it: {type(error).__name__}",
            hint="plan again",
        ) from None
    if not isinstance(plan, dict) or not {"format_version", "planned_values"} <= plan.keys():
        raise ToolUnfit(f"{file}: not the JSON of a plan", hint="plan again")
    return plan


def plan_digest(plan: Mapping[str, Any]) -> str:
    """SHA-256 of all that a plan says, but for the times in it and an order that has no meaning."""
    relevant = sorted(plan.get("relevant_attributes", ()), key=json.dumps)
    settled = _without_clocks(plan) | {"relevant_attributes": relevant}
    return hashlib.sha256(json.dumps(settled, sort_keys=True).encode()).hexdigest()


def _without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_clocks(each) for key, each in value.items() if key not in _CLOCKS}
    return [_without_clocks(each) for each in value] if isinstance(value, list) else value


def without_indexes(address: str) -> str:
    """The address that a resource has in the configuration: `module.a.aws_x.y["k"]` → `…y`."""
    return _INDEX.sub("", address)


def managed(plan: Mapping[str, Any]) -> list[Planned]:
    """Every managed resource instance that will exist, in any module.

    Both places that tell of one are read: `planned_values` and `resource_changes`.
    """
    gone = set()
    found: dict[str, Planned] = {}
    for change in plan.get("resource_changes", []):
        if change.get("mode") != "managed":
            continue
        after = change["change"].get("after")
        if set(change["change"]["actions"]) <= {"delete", "forget"}:
            gone.add(change["address"])
        else:
            found[change["address"]] = Planned(change["address"], change["type"], after or {})
    for resource in _resources(plan["planned_values"].get("root_module", {})):
        if resource.get("mode") == "managed" and resource["address"] not in gone:
            planned = Planned(resource["address"], resource["type"], resource.get("values") or {})
            found.setdefault(planned.address, planned)
    return list(found.values())


def read_data(plan: Mapping[str, Any]) -> list[Planned]:
    """Every data source that is read while planning or applying, as far as its values are known."""
    prior = plan.get("prior_state", {}).get("values", {}).get("root_module", {})
    return [
        Planned(resource["address"], resource["type"], resource.get("values") or {})
        for resource in _resources(prior)
        if resource.get("mode") == "data"
    ]


def modules(plan: Mapping[str, Any]) -> list[Module]:
    """The configuration of the root module and of every module it calls."""
    root = Module("", plan.get("configuration", {}).get("root_module", {}))
    return [root, *_called(root)]


def incomplete(plan: Mapping[str, Any]) -> list[str]:
    """Why this is not all that will happen; nothing when it is."""
    reasons = []
    if plan.get("errored"):
        reasons.append("the plan ended with an error")
    if plan.get("complete") is False or plan.get("deferred_changes"):
        reasons.append("Terraform deferred a part of the plan")
    return reasons


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _called(parent: Module) -> Iterator[Module]:
    for name, call in parent.configuration.get("module_calls", {}).items():
        module = Module(
            f"{parent.prefix}module.{name}.",
            call.get("module", {}),
            parent,
            call.get("expressions", {}),
        )
        yield module
        yield from _called(module)
