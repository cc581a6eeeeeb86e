"""What the policies say of a rendered root or a plan."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from nexusctl.environment.origin import Origin


class Severity(StrEnum):
    """How much a failed policy matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one policy says of one resource. Never carries the text of a secret it found.

    `file` and `line` are in the rendered root, or None where only the plan knows the resource.
    `origin` is the environment value to edit, where it is known.
    """

    policy: str
    severity: Severity
    resource: str
    passed: bool
    message: str
    fix: str
    file: str | None = None
    line: int | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was judged at one point of a walk.

    `unjudged` lists each (policy, resource) that should have a finding and has none, and each
    failure of the policy engine itself: while it is not empty, nothing has passed.
    `deferred` lists each (policy, resource) of a rendered root that rests on a value only the plan
    knows. It is neither a pass nor a failure: the verdict on the plan decides, and defers nothing.
    """

    subject: Literal["rendered", "plan"]
    findings: tuple[Finding, ...]
    unjudged: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()

    @property
    def denied(self) -> tuple[Finding, ...]:
        """The findings that failed."""
        return tuple(finding for finding in self.findings if not finding.passed)

    @property
    def passed(self) -> bool:
        """Nothing failed, and nothing is unjudged."""
        return not self.unjudged and not self.denied
