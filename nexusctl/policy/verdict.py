"""What the policies say: the policies themselves, their findings, and the verdict of them all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from nexusctl.environment.origin import Origin

EVERY_RESOURCE = "*"
ENVIRONMENT = "environment"  # the settings of an environment, judged like a resource
TIERS = ("sandbox", "development", "staging", "production")
DEFAULT_TIER = "production"  # of what no environment describes

Subject = Literal["files", "plan", "state"]


class Severity(StrEnum):
    """How much a failed policy matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the most severe."""
        return list(Severity)[::-1].index(self)


class Outcome(StrEnum):
    """What became of one policy on one resource."""

    PASSED = "passed"
    FAILED = "failed"
    WAIVED = "waived"  # failed, and a waiver of the environment allows it for a time
    KNOWN = "known"  # failed, and the baseline says that it did so before
    DEFERRED = "deferred"  # rests on a value that only the plan knows


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a policy says of itself. In a policy's file its arguments are plain literals.

    `fact` is what AWS does or documents that makes the policy right; `why` is why it matters here.
    `fix` says what to write in the environment file. `settings` are the dotted paths of the
    environment values that decide, the first one in the first place; `remedy` is the value that the
    first one should have, where one value is right for everybody. `resources` are the resource
    types that it applies to, or `EVERY_RESOURCE`; it applies in `tiers` only. A policy that is not
    `waivable` takes neither waivers nor a baseline.
    """

    id: str
    title: str
    severity: Severity
    why: str
    fact: str
    fix: str
    resources: tuple[str, ...]
    settings: tuple[str, ...] = ()
    remedy: str | int | bool | None = None
    tiers: tuple[str, ...] = TIERS
    waivable: bool = True

    def applies_to(self, resource_type: str) -> bool:
        """Whether a resource of this type needs a record of this policy.

        An environment's settings are no resource: only a policy that names them applies to them.
        """
        every = EVERY_RESOURCE in self.resources and resource_type != ENVIRONMENT
        return every or resource_type in self.resources


@dataclass(frozen=True, slots=True)
class Setting:
    """The environment value behind a finding.

    `value` is the value in YAML's spelling, None where it must not be shown. `meaning` is the
    documentation of the setting. The origin's location is None where the default holds.
    """

    origin: Origin
    value: str | None = None
    meaning: str = ""

    def __str__(self) -> str:
        return f"{self.origin}: {self.value}" if self.value is not None else str(self.origin)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A value for a setting that would mend a finding.

    `here`: in the environment's own file, whatever it inherits; else where it was written.
    """

    path: tuple[str | int, ...]
    value: str | int | bool | None
    here: bool


@dataclass(frozen=True, slots=True)
class Waived:
    """Why a failed finding is allowed, by whom, and until when (the last day counts)."""

    reason: str
    owner: str
    expires: str
    place: str  # FILE:LINE of the waiver


@dataclass(frozen=True, slots=True)
class Finding:
    """What one policy says of one resource. Never carries the text of a secret it found.

    `file` and `line` are in the Terraform root, None where only the plan knows the resource.
    `setting` is the environment value to edit, where there is one; `diff` the edit that mends it as
    a unified diff of the YAML, where it can be computed.
    """

    policy: About
    resource: str
    outcome: Outcome
    message: str
    file: str | None = None
    line: int | None = None
    setting: Setting | None = None
    remedy: Remedy | None = None
    diff: str | None = None
    waived: Waived | None = None

    @property
    def order(self) -> tuple[Any, ...]:
        """What findings are sorted by: failures first, the most severe first."""
        place = (self.policy.id, self.resource, self.message, self.file or "", self.line or 0)
        return (self.outcome is not Outcome.FAILED, self.outcome, self.policy.severity.rank, *place)


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was judged of one thing at one point.

    `name` is what was judged: an environment, a directory, a plan file. `source` is the file to
    point at where a finding has no place of its own: the environment's own file, or the plan.
    `root` is where the files of the findings lie, None for a rendered root, which nobody edits.
    `tier` is by whose measure; `var_files` are the files of the root that Terraform was given.
    `unjudged` lists each (policy, resource) that should have a finding and has none, and each
    failure of the policy engine itself: while it is not empty, nothing has passed.
    `notices` are worth a line, but fail nothing: a waiver that expires soon, say.
    """

    subject: Subject
    name: str
    source: Path
    findings: tuple[Finding, ...]
    unjudged: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    root: Path | None = None
    policies: Mapping[str, About] = field(default_factory=dict)
    tier: str = DEFAULT_TIER
    var_files: tuple[str, ...] = ()

    def of(self, *outcomes: Outcome) -> tuple[Finding, ...]:
        """The findings with one of these outcomes."""
        return tuple(finding for finding in self.findings if finding.outcome in outcomes)

    @property
    def denied(self) -> tuple[Finding, ...]:
        """The findings that failed, and that nothing excuses."""
        return self.of(Outcome.FAILED)

    @property
    def passed(self) -> bool:
        """Nothing failed, and nothing is unjudged."""
        return not self.unjudged and not self.denied
