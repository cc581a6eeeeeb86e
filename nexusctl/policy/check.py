"""What a policy in `policies/` is made of: a checkov resource check with one of three answers.

checkov knows passed and failed, and silently drops everything else. A policy here always answers
with a message, and "unknown" has a meaning: what the files do not know the plan decides, and the
other way round; what neither knows has not passed.
"""

import json
import re
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import (
    BaseResourceCheck,
)

from nexusctl.configuration.configuration import Instance
from nexusctl.configuration.values import Json, Partial, Unknown
from nexusctl.policy.encodings import plain
from nexusctl.policy.subject import Subject, from_checkov, to_checkov
from nexusctl.policy.verdict import About

__all__ = [
    "ABSENT",
    "UNKNOWN",
    "About",
    "Answer",
    "Block",
    "Builtin",
    "Pointed",
    "Policy",
    "Resource",
]


class Special(Enum):
    """What an argument holds when it holds no value."""

    ABSENT = "absent"
    UNKNOWN = "unknown"


ABSENT = Special.ABSENT
UNKNOWN = Special.UNKNOWN


class Decision(Enum):
    """The three answers."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a policy says of a resource. The message never carries a secret's text.

    `path` leads to the argument that decided (`("auth", 1, "iam_auth")`): findings name its line.
    `setting` is the environment value to edit and `remedy` what to write there, where they are
    others than the policy's own.
    """

    decision: Decision
    message: str
    path: tuple[str | int, ...] = ()
    setting: str | None = None
    remedy: str | int | bool | None = None

    @classmethod
    def passed(cls, message: str) -> "Answer":
        """The resource is as the policy wants it."""
        return cls(Decision.PASSED, message)

    @classmethod
    def failed(
        cls,
        message: str,
        *path: str | int,
        setting: str | None = None,
        remedy: str | int | bool | None = None,
    ) -> "Answer":
        """The resource is not as the policy wants it."""
        return cls(Decision.FAILED, message, path, setting, remedy)

    @classmethod
    def unknown(cls, message: str, *path: str | int) -> "Answer":
        """A value that decides is not known."""
        return cls(Decision.UNKNOWN, message, path)

    @classmethod
    def worst(cls, answers: "Iterable[Answer]", otherwise: str) -> "Answer":
        """The failures together, or else the unknowns, or else a pass saying `otherwise`."""
        every = list(answers)
        for decision in (Decision.FAILED, Decision.UNKNOWN):
            some = [answer for answer in every if answer.decision is decision]
            if some:
                first = some[0]
                message = "; ".join(dict.fromkeys(answer.message for answer in some))
                return cls(decision, message, first.path, first.setting, first.remedy)
        return cls.passed(otherwise)


@dataclass(frozen=True, slots=True)
class Block:
    """The body of a resource, or of a block in it. `path` leads to it from the resource."""

    values: Mapping[str, Any]
    path: tuple[str | int, ...]

    def value(self, name: str) -> Any:
        """The value of an argument, or ABSENT (not set, null or an empty text), or UNKNOWN.

        Elements of a list that are not known are UNKNOWN, too.
        """
        value = self.values.get(name)
        if value is None or value == "":
            return ABSENT
        if isinstance(value, Unknown):
            return UNKNOWN
        if isinstance(value, list):
            return [UNKNOWN if isinstance(item, Unknown) else item for item in value]
        return value

    def blocks(self, name: str) -> list["Block"]:
        """The nested blocks of that name, those that `dynamic` blocks make included.

        A dotted name leads to blocks in blocks.
        """
        first, _, rest = name.partition(".")
        value = self.values.get(first)
        found = [
            Block(item, (*self.path, first, number))
            for number, item in enumerate(value if isinstance(value, list) else [])
            if isinstance(item, Mapping)
        ]
        return [inner for block in found for inner in block.blocks(rest)] if rest else found

    def text(self, name: str) -> Any:
        """An argument as text, out of base64, each unknown part as `${}`; or what `value` gives."""
        value = self.values.get(name)
        if isinstance(value, Partial):
            return value.text
        value = self.value(name)
        return plain(value) if isinstance(value, str) else value

    def document(self, name: str) -> Any:
        """A JSON argument such as an IAM policy as Python values, unknown leaves as UNKNOWN.

        ABSENT when it is not set, UNKNOWN when it is not known or not JSON.
        """
        value = self.values.get(name)
        if isinstance(value, Json):
            return _marked(value.value)
        if isinstance(value, str) and value:
            try:
                return json.loads(value)
            except ValueError:
                return UNKNOWN
        return self.value(name)

    def answer(self, name: str, wanted: Any, *, absent: str = "is not set") -> Answer:
        """Whether an argument has the value wanted: true, "REQUIRED" and the like."""
        value, here = self.value(name), (*self.path, name)
        shown = json.dumps(wanted) if isinstance(wanted, bool) else wanted
        subject = ".".join(str(part + 1 if isinstance(part, int) else part) for part in here)
        if value is UNKNOWN:
            return Answer.unknown(f"{subject} is not known", *here)
        if value is ABSENT:
            return Answer.failed(f"{subject} {absent}, so not {shown}", *here)
        # Terraform converts: "true" is true to it, and some of the provider's arguments are texts.
        if _spelled(value) == _spelled(wanted):
            return Answer.passed(f"{subject} is {shown}")
        plain = isinstance(value, bool | int) or value in ("true", "false")
        found = _spelled(value) if plain else "something else"
        return Answer.failed(f"{subject} is {found}, not {shown}", *here)


@dataclass(frozen=True, slots=True)
class Resource(Block):
    """A resource under judgement, and the others beside it."""

    instance: Instance
    subject: Subject

    @classmethod
    def of(cls, instance: Instance, subject: Subject) -> "Resource":
        """The resource that an instance of a root or plan is."""
        return cls(instance.values, (), instance, subject)

    @property
    def address(self) -> str:
        """Terraform's address of it."""
        return self.instance.address

    @property
    def type(self) -> str:
        """`aws_db_proxy` and the like."""
        return self.instance.type

    def uncertain(self, block: str) -> bool:
        """Whether it is not known how many of these blocks there are; a dotted name as in `blocks`.

        Where a `dynamic` block makes them, `blocks` has one in their place, with what does not
        depend on the number; in a plan it has those that are known.
        """
        names = block.split(".")
        around = {".".join(names[:end]) for end in range(1, len(names) + 1)}
        return not around.isdisjoint(self.instance.dynamic_unknown) or _hidden(self.values, names)

    def of_type(self, *resource_types: str) -> list["Resource"]:
        """All resources of these types in the same root or plan, itself excepted."""
        return [
            Resource.of(instance, self.subject)
            for kind in resource_types
            for instance in self.subject.of_type(kind)
            if instance.address != self.address
        ]

    def refers_to(self, name: str, *resource_types: str) -> list["Resource"]:
        """The resources of these types that an argument, or a block of that name, points at.

        By what its expression refers to, through variables, locals, outputs and loops, and by its
        value where that is the id, ARN or name of one.
        """
        return [
            Resource.of(other, self.subject)
            for other in self.subject.referred(self.instance, name)
            if other.type in resource_types
        ]

    def points_at(self, name: str, *resource_types: str, block: Block | None = None) -> "Pointed":
        """All that an argument of it, or of a block in it, points at: those types, and what else.

        Unlike `refers_to` it accounts for every value. Where one is not known, what its expression
        refers to decides: if that is not resources of these types and nothing else, or one of
        several that a `for_each` or `count` makes, it is not known what it points at.
        """
        body, total = block or self, Pointed()
        for item in _leaves(body.values.get(name)):
            if isinstance(item, Unknown):
                references = item.references or self._references(body, name)
                owners = [self._owners(each, resource_types) for each in references]
                here = tuple(found[0] for found in owners if _is_one(found))
                total += Pointed(here, unknown=not owners or not all(map(_is_one, owners)))
            else:
                # Of a security group in a peered VPC the account stands before the id.
                identifier = re.sub(r"^[0-9]{12}/", "", str(item))
                named = self.subject.named(identifier)
                here = tuple(
                    Resource.of(each, self.subject) for each in named if each.type in resource_types
                )
                total += Pointed(here, () if here else (identifier,))
        return total

    def rests_on(self, name: str, block: Block | None = None) -> frozenset[str]:
        """What an argument of it, or of a block in it, is made of.

        Addresses of resources and data sources with the attribute that is read, `var.x` and the
        like.
        """
        body = block or self
        leaves = _leaves(body.values.get(name))
        unknown = [each.references for each in leaves if isinstance(each, Unknown)]
        return frozenset().union(*unknown) if any(unknown) else self._references(body, name)

    def _owners(self, reference: str, resource_types: Iterable[str]) -> list["Resource"]:
        every = self.subject.owners(reference, self.instance)
        return [Resource.of(each, self.subject) for each in every if each.type in resource_types]

    def _references(self, body: Block, name: str) -> frozenset[str]:
        # A plan tells of the blocks in another order than their values have.
        first = body.path[0] if body.path else name
        return frozenset(
            one
            for path, some in self.instance.references.items()
            if path[0] == first and (len(path) == 1 or first == name or name in path)
            for one in some
        )

    def referring(self, resource_type: str, name: str) -> list["Resource"]:
        """The resources of that type whose argument `name` points at this one."""
        every = self.subject.referring(resource_type, name)
        return [Resource.of(other, self.subject) for other in every.get(self.address, ())]


@dataclass(frozen=True, slots=True)
class Pointed:
    """What arguments point at. `ids` are those of resources that are not managed here."""

    here: tuple[Resource, ...] = ()
    ids: tuple[str, ...] = ()
    unknown: bool = False

    def __add__(self, other: "Pointed") -> "Pointed":
        unknown = self.unknown or other.unknown
        return Pointed(self.here + other.here, self.ids + other.ids, unknown)

    @property
    def names(self) -> set[str]:
        """The addresses of those managed here, and the ids of the others."""
        return {resource.address for resource in self.here} | set(self.ids)

    @property
    def all_here(self) -> bool:
        """Whether it points at something, and all of it is managed here."""
        return bool(self.here) and not self.ids and not self.unknown


class Policy(BaseResourceCheck, ABC):  # type: ignore[misc]  # checkov has no stubs
    """One rule. A subclass sets `about` and `judge`; its file ends with an instance of it."""

    about: ClassVar[About]

    # Set by the worker: all that is judged together, and where the answers go that checkov's result
    # has no room for. By itself checkov knows one resource at a time.
    subject: ClassVar[Subject] = Subject(())
    answers: ClassVar[list[Answer]] = []

    def __init__(self) -> None:
        super().__init__(
            name=self.about.title,
            id=self.about.id,
            categories=[CheckCategories.GENERAL_SECURITY],
            supported_resources=list(self.about.resources),
        )

    @abstractmethod
    def judge(self, resource: Resource) -> Answer:
        """The answer for one resource."""

    def scan_entity_conf(self, conf: dict[str, Any], entity_type: str) -> CheckResult:
        """Answer checkov."""
        self.entity_type = entity_type
        instance = self.subject.get(str(conf.get("__address__"))) or from_checkov(conf, entity_type)
        answer = self.judge(Resource.of(instance, self.subject))
        self.answers.append(answer)
        self.details = [answer.message]
        return CheckResult[answer.decision.name]

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        """Answer checkov when it is asked without a resource type."""
        return self.scan_entity_conf(conf, self.entity_type)


class Builtin(Policy):
    """One of checkov's own checks, under its own id, judged like the others.

    A subclass sets `check`, the instance in checkov's module, and `inspects`, the arguments that it
    looks at (`"ingress.cidr_blocks"`): where one of them is not known, its pass is not believed.
    """

    check: ClassVar[BaseResourceCheck]
    inspects: ClassVar[tuple[str, ...]]

    def judge(self, resource: Resource) -> Answer:
        """checkov's result."""
        run = self.check.run(
            resource.instance.file, to_checkov(resource.values), resource.address, resource.type, {}
        )
        looked_at, path = " or ".join(self.inspects), self.inspects[0].split(".")[:1]
        if run["result"] is CheckResult.FAILED:
            return Answer.failed(f"checkov's check of {looked_at} failed", *path)
        unknown = any(_unknown_at(resource.values, name.split(".")) for name in self.inspects)
        if unknown or run["result"] is not CheckResult.PASSED:
            return Answer.unknown(f"{looked_at} is not known", *path)
        return Answer.passed(f"checkov's check of {looked_at} passed")


def _is_one(owners: list[Resource]) -> bool:
    """Whether it is known to which instance a reference is."""
    return len(owners) == 1 and owners[0].instance.known


def raised(error: Exception) -> str:
    """What a policy raised, and where; without the text, which may hold a value."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename}:{frame.lineno}"


def _spelled(value: object) -> object:
    """A bool or number as Terraform spells it when it makes a text of it."""
    return json.dumps(value) if isinstance(value, bool | int) else value


def _marked(value: object) -> Any:
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _marked(item) for key, item in value.items()}
    return [_marked(item) for item in value] if isinstance(value, list) else value


def _hidden(values: Mapping[str, Any], names: list[str]) -> bool:
    """Whether something unknown stands for blocks, or for blocks in them."""
    value, inner = values.get(names[0]), names[1:]
    blocks = value if isinstance(value, list) else [value]
    if any(isinstance(each, Unknown) for each in blocks):
        return True
    return bool(inner) and any(_hidden(each, inner) for each in blocks if isinstance(each, Mapping))


def _leaves(value: object) -> Iterator[object]:
    """The values in a value that are neither lists, mappings nor empty."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value not in (None, ""):
        yield value


def _unknown_at(value: object, path: list[str]) -> bool:
    """Whether something unknown lies at a path, in any of the blocks on the way."""
    if isinstance(value, Json):
        return _open(value.value)
    if isinstance(value, Unknown):
        return True
    if isinstance(value, list):
        return any(_unknown_at(item, path) for item in value)
    if isinstance(value, Mapping):
        return any(
            _unknown_at(item, path[1:])
            for name, item in value.items()
            if not path or name == path[0]
        )
    return False


def _open(value: object) -> bool:
    """Whether a part of a policy document could still become anything.

    What another resource will give, its ARN say, is no wildcard; a variable may be one.
    """
    if isinstance(value, Unknown):
        given = value.references
        return not given or any(re.search(r"(^|\.)var\.", each) for each in given)
    if isinstance(value, Mapping):
        return any(map(_open, value.values()))
    return isinstance(value, list) and any(map(_open, value))
