"""What a policy in `policies/` is made of: checkov's resource check, told apart in three answers.

checkov knows passed and failed, and silently drops everything else. A policy here always answers
with a message, and "unknown" has a meaning: in a rendered root it defers to the plan, in a plan it
is a failure.
"""

import re
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import (
    BaseResourceCheck,
)

from nexusctl.policy.catalogue import About

__all__ = ["ABSENT", "UNKNOWN", "About", "Answer", "Block", "Policy", "Resource"]


class Special(Enum):
    """What an attribute holds when it holds no value."""

    ABSENT = "absent"
    UNKNOWN = "unknown"


ABSENT = Special.ABSENT
UNKNOWN = Special.UNKNOWN

# What the worker writes in a plan's resources where the value is known after apply only.
AFTER_APPLY = "${known after apply}"

# In HCL checkov leaves what it could not resolve as a string without quotes or `${}`. No value a
# policy compares with has any of these forms.
_EXPRESSION = re.compile(
    r"""\$\{ | [?\[({] |
    ^(var|local|module|data|each|count|path|self|terraform|ephemeral|[a-z]\w*\.(key|value))\b\. |
    ^[a-z][a-z0-9_]*\.(key|value)\b | ^[a-z][a-z0-9]*_[a-z0-9_]*\.[\w-]+""",
    re.VERBOSE,
)


class Outcome(Enum):
    """The three answers."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a policy says of a resource. The message never carries a secret's text."""

    outcome: Outcome
    message: str

    @classmethod
    def passed(cls, message: str) -> "Answer":
        """The resource is as the policy wants it."""
        return cls(Outcome.PASSED, message)

    @classmethod
    def failed(cls, message: str) -> "Answer":
        """The resource is not as the policy wants it."""
        return cls(Outcome.FAILED, message)

    @classmethod
    def unknown(cls, message: str) -> "Answer":
        """A value that decides is not known. Fails a plan."""
        return cls(Outcome.UNKNOWN, message)

    @classmethod
    def worst(cls, answers: "list[Answer]", otherwise: str) -> "Answer":
        """The failures together, or else the unknowns, or else a pass saying `otherwise`."""
        for outcome in (Outcome.FAILED, Outcome.UNKNOWN):
            messages = [answer.message for answer in answers if answer.outcome is outcome]
            if messages:
                return cls(outcome, "; ".join(messages))
        return cls.passed(otherwise)


@dataclass(frozen=True, slots=True)
class Block:
    """The body of a resource or of a block in it, with the lists that checkov wraps all in gone."""

    conf: Mapping[str, Any]
    planned: bool

    def value(self, name: str) -> Any:
        """The value of an argument, or ABSENT (not set, or null), or UNKNOWN."""
        value = self.conf.get(name)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is None or value == []:
            return ABSENT
        if value == AFTER_APPLY:
            return UNKNOWN
        if not self.planned and isinstance(value, str) and _EXPRESSION.search(value):
            return UNKNOWN
        return value

    def blocks(self, name: str) -> list["Block"]:
        """The nested blocks of that name, those of a `dynamic` block included as it writes them."""
        content = list(self._contents(self.conf.get(name)))
        for dynamic in self._contents(self.conf.get("dynamic")):
            body = dynamic.conf.get(name)
            for block in self._contents(body):
                inner = block.conf.get("content")
                content.extend(self._contents(inner) if inner is not None else [block])
        return content

    def has_dynamic(self, name: str) -> bool:
        """Whether a `dynamic` block makes blocks of that name, so that `blocks` may lack some.

        checkov expands these in HCL incompletely (it may even drop the static blocks beside
        them), so only what is wrong in them can be believed.
        """
        return any(name in block.conf for block in self._contents(self.conf.get("dynamic")))

    def _contents(self, value: object) -> Iterator["Block"]:
        if isinstance(value, list):
            for item in value:
                yield from self._contents(item)
        elif isinstance(value, dict):
            yield Block(value, self.planned)


@dataclass(frozen=True, slots=True)
class Resource(Block):
    """A resource under judgement, and the others beside it."""

    address: str = ""
    type: str = ""
    peers: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The address of its module with a trailing dot, empty for the root."""
        return self.address[: self.address.rindex(f"{self.type}.")] if self.type else ""

    def of_type(self, resource_type: str) -> list["Resource"]:
        """All resources of that type in the same root or plan."""
        return [
            Resource(conf, self.planned, address, kind, self.peers)
            for address, (kind, conf) in self.peers.items()
            if kind == resource_type
        ]

    def referred(self, argument: str, resource_type: str) -> list["Resource"]:
        """The resources of that type in the same module that an argument's expression names."""
        texts = [str(self.conf.get(argument)), str(self.conf.get("references_", ""))]
        names = {
            name for text in texts for name in re.findall(rf"\b{resource_type}\.([\w-]+)", text)
        }
        addresses = {f"{self.module}{resource_type}.{name}" for name in names}
        return [
            resource
            for resource in self.of_type(resource_type)
            if re.sub(r"\[[^]]*\]$", "", resource.address) in addresses
        ]


class Policy(BaseResourceCheck, ABC):  # type: ignore[misc]  # checkov has no stubs
    """One rule. A subclass sets `about` and `judge`; its file ends with an instance of it."""

    about: ClassVar[About]

    # Filled by the worker: the resources of the scan by address, and what no checkov record holds.
    peers: ClassVar[dict[str, tuple[str, Mapping[str, Any]]]] = {}
    unknowns: ClassVar[list[tuple[str, str, str]]] = []
    raised: ClassVar[list[tuple[str, str, str]]] = []

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
        address = str(conf.get("__address__", ""))
        planned = "__start_line__" not in conf
        if not planned and conf.get("count") == [0]:
            return CheckResult.UNKNOWN
        try:
            answer = self.judge(Resource(conf, planned, address, entity_type, self.peers))
        except Exception as error:  # noqa: BLE001 - a policy may raise anything; checkov would hide it
            # The exception's text may hold a value of the resource, so only its kind is told.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {frame.filename}:{frame.lineno}"
            self.raised.append((self.id, address, where))
            return CheckResult.UNKNOWN
        self.details = [answer.message]
        if answer.outcome is Outcome.PASSED:
            return CheckResult.PASSED
        if answer.outcome is Outcome.UNKNOWN and not planned:
            self.unknowns.append((self.id, address, answer.message))
            return CheckResult.UNKNOWN
        return CheckResult.FAILED

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        """Answer checkov when it is asked without a resource type."""
        return self.scan_entity_conf(conf, self.entity_type)
