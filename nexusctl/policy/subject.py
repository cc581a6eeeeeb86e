"""What is judged together: the resources of a Terraform root, or of a plan."""

import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

from nexusctl.configuration.configuration import Configuration, Instance
from nexusctl.configuration.values import Json, Later, Partial, Unknown
from nexusctl.policy.planned import INDEX, without_indexes
from nexusctl.policy.verdict import ENVIRONMENT

# The backend of a root is judged like a resource; no plan tells of it.
BACKEND = "backend."


_Made = TypeVar("_Made")

# The modules around a resource, in its address; and a resource in a reference to one.
_MODULE = re.compile(rf"module\.[\w-]+(?:{INDEX.pattern})?")
_MODULES = re.compile(rf"(?:{_MODULE.pattern}\.)*")
_RESOURCE = re.compile(
    rf"{_MODULES.pattern}(?:data\.|ephemeral\.)?[\w-]+\.[\w-]+(?:{INDEX.pattern})?"
)
_STEP = re.compile(rf"([\w-]+)({INDEX.pattern})?")
# The arguments whose value others point at a resource with.
_NAMES = ("id", "arn", "name", "identifier", "cluster_identifier", "key_id")


class Subject:
    """All resources that are judged together, found by address and by type."""

    def __init__(self, instances: Iterable[Instance]) -> None:
        self.instances = tuple(instances)
        self._made: dict[Hashable, Any] = {}

    @cached_property
    def _by_address(self) -> Mapping[str, Instance]:
        return {instance.address: instance for instance in self.instances}

    @cached_property
    def _by_type(self) -> Mapping[str, list[Instance]]:
        found: dict[str, list[Instance]] = {}
        for instance in self.instances:
            found.setdefault(instance.type, []).append(instance)
        return found

    @cached_property
    def _by_declared(self) -> Mapping[str, list[Instance]]:
        found: dict[str, list[Instance]] = {}
        for instance in self.instances:
            found.setdefault(instance.declared, []).append(instance)
        return found

    @cached_property
    def _by_name(self) -> Mapping[str, list[Instance]]:
        found: dict[str, list[Instance]] = {}
        for instance in self.instances:
            for argument in _NAMES:
                value = instance.values.get(argument)
                if isinstance(value, str) and value:
                    found.setdefault(value, []).append(instance)
        return found

    def get(self, address: str) -> Instance | None:
        """The resource at an address."""
        return self._by_address.get(address)

    def of_type(self, resource_type: str) -> list[Instance]:
        """All resources of a type."""
        return self._by_type.get(resource_type, [])

    def owners(self, reference: str, instance: Instance) -> list[Instance]:
        """The instances that a reference (`module.a.aws_b.c["d"].arn`) in `instance` can be to.

        Without a key it can be to all instances of one resource.
        """
        found = _RESOURCE.match(reference)
        if found is None:
            return []
        return [
            each
            for each in self._by_declared.get(without_indexes(found[0]), [])
            if _can_be(found[0], each) and not _apart(instance.address, each.address)
        ]

    def named(self, value: str) -> list[Instance]:
        """The resources that a value is the id, ARN or name of."""
        return self._by_name.get(value, [])

    def referred(self, instance: Instance, argument: str) -> list[Instance]:
        """What an argument of an instance, or a block of that name, points at, itself excepted.

        By what its expression refers to, and by its value where that is the id, ARN or name of one.
        """
        found: dict[str, Instance] = {}
        for path, references in instance.references.items():
            if path[0] == argument:
                for reference in references:
                    found |= {each.address: each for each in self.owners(reference, instance)}
        for value in _scalars(instance.values.get(argument)):
            found |= {each.address: each for each in self.named(value)}
        found.pop(instance.address, None)
        return [found[address] for address in sorted(found)]

    def referring(self, resource_type: str, argument: str) -> Mapping[str, list[Instance]]:
        """The resources of a type, by the addresses of those that their argument points at."""

        def reverse() -> Mapping[str, list[Instance]]:
            pointing: dict[str, list[Instance]] = {}
            for instance in self.of_type(resource_type):
                for target in self.referred(instance, argument):
                    pointing.setdefault(target.address, []).append(instance)
            return pointing

        return self.once((resource_type, argument), reverse)

    def once(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """What `make` makes, made once under this key for all that is judged together."""
        if key not in self._made:
            self._made[key] = make()
        made: _Made = self._made[key]
        return made


def _scalars(value: object) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)


def _can_be(address: str, instance: Instance) -> bool:
    """Whether an address that may lack indexes is that of an instance."""
    pairs = zip(_STEP.findall(address), _STEP.findall(instance.address), strict=True)
    return all(not key or key == own or not (own or instance.known) for (_, key), (_, own) in pairs)


def _apart(one: str, other: str) -> bool:
    """Whether two resources are in different instances of a module: neither refers to the other."""
    modules = (_MODULE.findall(_MODULES.match(each)[0]) for each in (one, other))  # type: ignore[index]
    for here, there in zip(*modules, strict=False):
        if here != there:
            return bool(here.partition("[")[0] == there.partition("[")[0])
    return False


def judged(configuration: Configuration) -> list[Instance]:
    """What of a root has to be judged: its managed resources and its backend.

    What `ignore_changes` names is not known: a resource that is there already keeps what it has.
    """
    managed = [_live(each) for each in configuration.instances if each.mode == "managed"]
    backend = configuration.backend
    if backend is None:
        # Without one Terraform keeps the state in a file beside the root.
        return [_instance(f"{BACKEND}local", f"{BACKEND}local", {}), *managed] if managed else []
    kind = f"{BACKEND}{backend.type}"
    made = _instance(kind, kind, backend.values)
    here = replace(made, file=backend.file, line=backend.line, lines=backend.lines)
    return [here, *managed]


def _live(instance: Instance) -> Instance:
    ignored = instance.ignored
    if "all" in ignored:
        ignored |= instance.values.keys()
    unknown = {name: Later() for name in ignored - {"all"}}
    return replace(instance, values={**instance.values, **unknown}) if unknown else instance


def environment_of(name: str, settings: Mapping[str, Any]) -> Instance:
    """The settings of an environment, to be judged like a resource. No plan tells of them."""
    return _instance(ENVIRONMENT, f"environment {name}", settings)


def _instance(kind: str, address: str, values: Mapping[str, Any]) -> Instance:
    return Instance(
        mode=kind,
        type=kind,
        address=address,
        declared=address,
        file="",
        line=0,
        values=values,
        lines={},
        references={},
        known=True,
        dynamic_unknown=frozenset(),
    )


def to_checkov(value: Any) -> Any:
    """Arguments in the form that checkov gives its checks: every value in a list of its own."""
    if isinstance(value, Mapping):
        return {name: _wrapped(item) for name, item in value.items()}
    return _wrapped(value)


def _wrapped(value: Any) -> Any:
    if isinstance(value, Json):
        return [_plain(value.value)]
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return [to_checkov(item) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        # checkov's parsers read what jsonencode() wrote, and policy documents in a plan.
        with suppress(ValueError):
            return [json.loads(value)]
    return [_plain(value)]


def _plain(value: Any) -> Any:
    """A value with references, as checkov spells them, for what is unknown."""
    if isinstance(value, Partial):
        return value.text
    if isinstance(value, Unknown):
        return f"${{{min(value.references, default='unknown')}}}"
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def from_checkov(conf: Mapping[str, Any], resource_type: str) -> Instance:
    """A resource as checkov's own runners give it, for who runs the policies with them."""
    address = str(conf.get("__address__", ""))
    values = {name: _unwrapped(value) for name, value in conf.items() if not name.startswith("__")}
    dynamic = _scattered(values.pop("dynamic", None))
    return replace(_instance(resource_type, address, values), dynamic_unknown=frozenset(dynamic))


def _scattered(value: Any) -> Iterator[str]:
    """The names of the blocks that `dynamic` blocks make: checkov has them in one or in many."""
    if isinstance(value, Mapping):
        yield from value
    elif isinstance(value, list):
        for item in value:
            yield from _scattered(item)


def _unwrapped(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return [
            {name: _unwrapped(inner) for name, inner in item.items() if not name.startswith("__")}
            for item in value
        ]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and value.startswith(("${", "var.", "local.", "module.", "data.")):
        return Unknown(frozenset({value}))
    return value
