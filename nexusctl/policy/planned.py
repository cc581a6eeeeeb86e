"""The JSON of a plan, as `terraform show -json` prints it, walked without checkov."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nexusctl.configuration.configuration import Configuration, Instance
from nexusctl.configuration.values import Later, Unknown
from nexusctl.errors import ToolUnfit
from nexusctl.policy.documents import Unreadable, read_document
from nexusctl.policy.read_back import ReadBack

# When the plan was made, and a time that AWS moves on every few minutes. Nobody can write either.
_CLOCKS = frozenset({"timestamp", "latest_restorable_time"})
_ACTIONS = frozenset(
    {
        *(("no-op",), ("create",), ("update",), ("delete",), ("forget",)),
        *(("delete", "create"), ("create", "delete"), ("forget", "create"), ("create", "forget")),
    }
)
# A count or for_each that makes none, and what stands for one that a plan does not tell.
_NONE: tuple[object, ...] = (0, "0", [], {})
_COMPUTED = object()
# The key of an instance in an address.
INDEX = re.compile(r"\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\]")


@dataclass(frozen=True, slots=True)
class Planned:
    """A resource instance as it will be after the plan is applied; unknown values are missing."""

    address: str
    type: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Module:
    """A module's configuration. `prefix` is its address with a trailing dot, without indexes.

    `numbers` are the counts and the collections that the calls of it are repeated by.
    """

    prefix: str
    configuration: Mapping[str, Any]
    parent: "Module | None" = None
    arguments: Mapping[str, Any] | None = None
    numbers: tuple[Any, ...] = ()


def read_plan(file: Path) -> Mapping[str, Any]:
    """The plan in `file`.

    Raises:
        ToolUnfit: there is no such file, or it is not the JSON of a plan.
    """
    try:
        plan = read_document(file)
    except Unreadable as error:
        raise ToolUnfit(
            f"{file}: no plan can be read from it: {error}", hint="plan again"
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
    return INDEX.sub("", address)


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


def instances(
    plan: Mapping[str, Any], configuration: Configuration | None = None
) -> list[Instance]:
    """The managed resource instances of a plan as the policies see them.

    `configuration` is the root that was planned, where it is at hand: it knows the lines, what
    locals and `dynamic` blocks refer to, and which unknown values nobody wrote.
    """
    written: dict[str, Instance] = {}
    for each in configuration.instances if configuration else ():
        written[each.address] = each
        written.setdefault(each.declared, each)
    configured = _References(plan)
    read_back = ReadBack(plan)
    found: dict[str, Instance] = {}
    for change in plan.get("resource_changes", []):
        actions = set(change["change"]["actions"])
        if change.get("mode") == "managed" and not actions <= {"delete", "forget"}:
            after = change["change"].get("after") or {}
            unknown = change["change"].get("after_unknown") or {}
            certain = {name for name, what in unknown.items() if has_unknown(_merged(None, what))}
            certain |= configured.written(change["address"]) | _written(change, written)
            left = read_back.left(change, certain)
            after = {**after, **left}
            unknown = {name: what for name, what in unknown.items() if name not in left}
            found[change["address"]] = _instance(change, after, unknown, written, configured)
    gone = {change["address"] for change in plan.get("resource_changes", [])} - found.keys()
    for resource in _resources(plan["planned_values"].get("root_module", {})):
        address = resource["address"]
        if resource.get("mode") == "managed" and address not in gone | found.keys():
            values = resource.get("values") or {}
            found[address] = _instance(resource, values, {}, written, configured)
    return list(found.values())


def _written(resource: Mapping[str, Any], written: Mapping[str, Instance]) -> set[str]:
    """The arguments and blocks that the files have of a resource, as far as they are at hand."""
    address = resource["address"]
    source = written.get(address) or written.get(without_indexes(address))
    if source is None:
        return set()
    return {*source.values, *(name.partition(".")[0] for name in source.dynamic_unknown)}


def _instance(
    resource: Mapping[str, Any],
    values: Mapping[str, Any],
    unknown: Mapping[str, Any],
    written: Mapping[str, Instance],
    configured: "_References",
) -> Instance:
    declared = without_indexes(resource["address"])
    source = written.get(resource["address"]) or written.get(declared)
    references = configured.of(declared)
    if source:
        references = references | {
            path: known | _not_among(references.get(path, frozenset()), known)
            for path, known in source.references.items()
        }
        # Nobody wrote these: the provider computes them. Their being unknown says nothing.
        computed = unknown.keys() - source.values.keys() - values.keys()
        unknown = {name: what for name, what in unknown.items() if name not in computed}
    merged = _merged(values, unknown)
    if source and source.address == resource["address"]:
        # The files know what such a value is made of: the parts of a list, the rest of a document.
        # Of blocks whose number they do not know they have one, which is not all there will be.
        uncounted = {name.partition(".")[0] for name in source.dynamic_unknown}
        parts = {
            name: value
            for name, value in source.values.items()
            if has_unknown(value) and name not in uncounted
        }
        merged |= {
            name: value for name, value in parts.items() if isinstance(merged.get(name), Unknown)
        }
    return Instance(
        mode="managed",
        type=resource["type"],
        address=resource["address"],
        declared=declared,
        file=source.file if source else "",
        line=source.line if source else 0,
        values=merged,
        lines=source.lines if source else {},
        references=references,
        known=True,
        dynamic_unknown=frozenset(),
        overridden=source.overridden if source else {},
    )


def _not_among(planned: frozenset[str], written: frozenset[str]) -> frozenset[str]:
    """The references that a plan tells of, but for those that the files know more exactly.

    Of `aws_x.y[each.key].id` it has `aws_x.y` alone.
    """
    known = [f"{without_indexes(each)}." for each in written]
    return frozenset(
        each for each in planned if not any(one.startswith(f"{each}.") for one in known)
    )


def has_unknown(value: object) -> bool:
    """Whether something unknown is in a value, or is all of it."""
    if isinstance(value, Mapping):
        return any(map(has_unknown, value.values()))
    return isinstance(value, Unknown) or (isinstance(value, list) and any(map(has_unknown, value)))


def _merged(value: Any, unknown: Any) -> Any:
    """A planned value with `Unknown` where it is known after apply only; nulls are left out."""
    if unknown is True:
        return Later()
    if isinstance(value, dict) or isinstance(unknown, dict):
        inside, what = value or {}, unknown if isinstance(unknown, dict) else {}
        merged = {name: _merged(inside.get(name), what.get(name)) for name in {**inside, **what}}
        return {name: item for name, item in merged.items() if item is not None}
    if isinstance(value, list) or (isinstance(unknown, list) and unknown):
        each_unknown = unknown if isinstance(unknown, list) else []
        return [_merged(*pair) for pair in zip_longest(value or [], each_unknown)]
    return value


@dataclass(slots=True)
class _References:
    """What the arguments of each resource refer to, by the configuration in a plan's JSON.

    Through variables and outputs; a local is the end of the way, for a plan does not tell of it.
    """

    plan: Mapping[str, Any]
    _modules: dict[str, "Module"] = field(default_factory=dict)
    _known: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    _resources: dict[str, tuple["Module", Mapping[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for module in modules(self.plan):
            self._modules[module.prefix] = module
            for resource in module.configuration.get("resources", []):
                self._resources[f"{module.prefix}{resource['address']}"] = (module, resource)

    def of(self, declared: str) -> dict[tuple[str | int, ...], frozenset[str]]:
        """By argument or path into a block: everything that its expression rests on."""
        if declared not in self._resources:
            return {}
        module, resource = self._resources[declared]
        each = resource.get("for_each_expression", {}).get("references", ())
        found: dict[tuple[str | int, ...], frozenset[str]] = {}
        for path, every in _referring(resource.get("expressions", {}), ()):
            references = _longest(every)
            more = each if any(one.startswith("each.") for one in references) else ()
            ends = [self._ends(module, reference) for reference in (*references, *more)]
            found[path] = frozenset().union(*ends)
        return found

    def written(self, address: str) -> set[str]:
        """The arguments that the configuration has of a resource; not those of `dynamic` blocks."""
        _, resource = self._resources.get(without_indexes(address), (None, {}))
        return set(resource.get("expressions", {}))

    def _ends(self, module: "Module", reference: str) -> frozenset[str]:
        key = (module.prefix, reference)
        if key not in self._known:
            self._known[key] = frozenset()  # a circle leads nowhere
            self._known[key] = self._followed(module, reference)
        return self._known[key]

    def _followed(self, module: "Module", reference: str) -> frozenset[str]:
        kind, *names = without_indexes(reference).split(".")
        if kind == "var" and names and module.parent is not None:
            expression = (module.arguments or {}).get(names[0], {})
            every = expression.get("references", ()) if isinstance(expression, Mapping) else ()
            return frozenset().union(*(self._ends(module.parent, one) for one in _longest(every)))
        if kind == "module":
            called = self._modules.get(f"{module.prefix}module.{names[0]}." if names else "")
            if called is None or len(names) == 1:
                return frozenset()
            output = called.configuration.get("outputs", {}).get(names[1], {})
            every = output.get("expression", {}).get("references", ())
            return frozenset().union(*(self._ends(called, one) for one in _longest(every)))
        if kind in {"each", "count", "path", "terraform", "self"}:
            return frozenset()
        return frozenset({module.prefix + reference})


def _longest(references: Sequence[str]) -> list[str]:
    """What Terraform lists after each reference, the same without its last steps, left out.

    For `aws_x.y["a"].id` it has that, `aws_x.y["a"]` and `aws_x.y`, in this order.
    """
    return [
        each
        for before, each in zip(["", *references], references, strict=False)
        if not before.startswith((f"{each}.", f"{each}["))
    ]


def _referring(
    expressions: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], list[str]]]:
    if isinstance(expressions, list):
        for number, item in enumerate(expressions):
            yield from _referring(item, (*path, number))
    elif isinstance(expressions, Mapping):
        if isinstance(expressions.get("references"), list):
            yield path, expressions["references"]
        else:
            for name, item in expressions.items():
                yield from _referring(item, (*path, name))


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
    """Why a plan cannot be believed to tell all that will happen; nothing when it can.

    Terraform tells of a resource in two places, and what the two say must be the same.
    """
    reasons = []
    if not str(plan.get("format_version")).startswith("1."):
        reasons.append("the plan has a format that is not known here")
    if plan.get("errored"):
        reasons.append("the plan ended with an error")
    if plan.get("complete") is False or plan.get("deferred_changes"):
        reasons.append("Terraform deferred a part of the plan")
    if "root_module" not in plan.get("configuration", {}):
        reasons.append("the plan does not tell of its configuration")
    return [*reasons, *_contradictions(plan)]


def unaccounted(
    plan: Mapping[str, Any], types: Collection[str], *, with_files: bool
) -> Iterator[str]:
    """The resources in a plan's configuration that it plans nothing for, for no reason it gives.

    None of a resource is right where its count, or that of a module around it, is 0. What a
    computed one comes to a plan does not tell: the files do. Without them, none of these `types`
    may be missing.
    """
    addresses = [change["address"] for change in plan.get("resource_changes", [])]
    there = set(map(without_indexes, addresses))
    for module in modules(plan):
        for resource in module.configuration.get("resources", []):
            declared = f"{module.prefix}{resource['address']}"
            if resource.get("mode") != "managed" or declared in there:
                continue
            numbers = (*module.numbers, *_numbers(resource))
            if any(number in _NONE for number in numbers):
                continue
            if _COMPUTED not in numbers:
                yield f"{declared}: in the configuration of the plan, but not planned"
            elif not with_files and resource["type"] in types:
                yield (
                    f"{declared}: none is planned, and a plan does not tell whether its count "
                    "is 0: judge it with its files, --path DIR"
                )


def _numbers(part: Mapping[str, Any]) -> Iterator[Any]:
    """The count or for_each of a resource or of a call of a module."""
    for name in ("count_expression", "for_each_expression"):
        if name in part:
            value = part[name].get("constant_value", _COMPUTED)
            # In JSON syntax what is computed of nothing is told as it is written.
            yield _COMPUTED if isinstance(value, str) and "${" in value else value


def _contradictions(plan: Mapping[str, Any]) -> Iterator[str]:
    changes = {
        change["address"]: change
        for change in plan.get("resource_changes", [])
        if change.get("mode") == "managed" and "deposed" not in change
    }
    for address, change in changes.items():
        actions = tuple(change["change"]["actions"])
        gone = actions in {("delete",), ("forget",)}
        if actions not in _ACTIONS or gone is not (change["change"].get("after") is None):
            yield f"{address}: the plan says {actions} and what comes of it differently"
        before = change["change"].get("before") is not None
        if before and "prior_state" not in plan and "importing" not in change["change"]:
            yield f"{address}: the plan starts from a state that it does not tell of"
    yield from _two_accounts(plan, changes)
    yield from _two_values(plan, changes)


def _two_accounts(
    plan: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    there = set()
    for resource in _resources(plan["planned_values"].get("root_module", {})):
        if resource.get("mode") != "managed":
            continue
        address = resource["address"]
        there.add(address)
        change = changes.get(address, {})
        same = change.get("type") == resource["type"]
        if not same or (change["change"].get("after") or {}) != (resource.get("values") or {}):
            yield f"{address}: the plan gives two different accounts of it"
        if not f".{without_indexes(address)}".endswith(f".{resource['type']}.{resource['name']}"):
            yield f"{address}: the plan calls it a {resource['type']}"
    for address, change in changes.items():
        if address not in there and change["change"].get("after") is not None:
            yield f"{address}: the plan gives two different accounts of it"


def _two_values(plan: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The arguments of new resources that are planned otherwise than they are written.

    Bools and numbers: a provider spells texts in its own way. Of a resource that is there already
    `ignore_changes` may keep what it has, and a plan does not tell of that.
    """
    written = {
        f"{module.prefix}{resource['address']}": resource.get("expressions", {})
        for module in modules(plan)
        for resource in module.configuration.get("resources", [])
    }
    for address, change in changes.items():
        if change["change"]["actions"] != ["create"]:
            continue
        after = change["change"].get("after") or {}
        for name, expression in written.get(without_indexes(address), {}).items():
            constant = expression.get("constant_value") if isinstance(expression, Mapping) else None
            planned = after.get(name)
            if (
                isinstance(constant, bool | int)
                and isinstance(planned, bool | int | str)
                and json.dumps(constant)
                != (planned if isinstance(planned, str) else json.dumps(planned))
            ):
                yield f"{address}: {name} is planned otherwise than the plan's configuration has it"


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
            (*parent.numbers, *_numbers(call)),
        )
        yield module
        yield from _called(module)
