"""Waivers: findings that an environment allows for a time, each with a reason and an owner.

A waiver that is wrong is itself a finding, so none is forgotten: one that has expired, that matches
nothing, or that asks for what cannot be waived.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches

from nexusctl.environment.origin import Origin
from nexusctl.policy.planned import without_indexes
from nexusctl.policy.verdict import ENVIRONMENT, About, Finding, Outcome, Setting, Severity, Waived

ANNOUNCED_DAYS = 30
# Whoever waives for longer decides for those who come after.
LONGEST_DAYS = 366

WAIVER = About(
    id="NEXUS_WAIVER",
    title="Waivers are valid and needed",
    severity=Severity.HIGH,
    why="A waiver that has expired or matches nothing hides what is true from who reads it.",
    fact="A waiver is a decision for a time, for a year at most: its last day counts; what is no "
    "date has passed.",
    fix="remove the waiver, or mend what it waives; a new date needs a new decision",
    resources=(ENVIRONMENT,),
    settings=("waivers",),
    waivable=False,
)


@dataclass(frozen=True, slots=True)
class Waiver:
    """One waiver as the environment has it. `expires` is as written: it may be no date at all."""

    policy: str
    resource: str
    reason: str
    owner: str
    expires: str
    origin: Origin

    def covers(self, finding: Finding) -> bool:
        """Whether it is for that finding: all instances of a resource, or one by its index."""
        addresses = (finding.resource, without_indexes(finding.resource))
        return self.policy == finding.policy.id and self.resource in addresses

    @property
    def last_day(self) -> date | None:
        """The last day on which it holds; None when what is written is not a date."""
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", self.expires):
            return None
        try:
            return date.fromisoformat(self.expires)
        except ValueError:
            return None


def apply(
    findings: Sequence[Finding],
    waivers: Sequence[Waiver],
    catalogue: Mapping[str, About],
    today: date,
    before: Sequence[Finding] = (),
) -> tuple[list[Finding], list[str]]:
    """The findings with waivers applied and with those about waivers, and what to announce.

    `before` are findings of an earlier point, of the files when it is the plan that is judged: what
    a waiver matches there need not fail again.
    """
    done = list(findings)
    notices = []
    for waiver in waivers:
        wrong = _wrong(waiver, [*findings, *before], catalogue, today)
        if wrong:
            place = Setting(waiver.origin, waiver.expires if "expire" in wrong else waiver.policy)
            done.append(Finding(WAIVER, waiver.resource, Outcome.FAILED, wrong, setting=place))
            continue
        reason = Waived(
            waiver.reason, waiver.owner, waiver.expires, str(waiver.origin.location or "")
        )
        done = [
            replace(finding, outcome=Outcome.WAIVED, waived=reason)
            if finding.outcome is Outcome.FAILED and waiver.covers(finding)
            else finding
            for finding in done
        ]
        days = (waiver.last_day - today).days if waiver.last_day else 0
        if days <= ANNOUNCED_DAYS:
            left = "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
            notices.append(
                f"{waiver.origin}: the waiver of {waiver.policy} for {waiver.resource} expires "
                f"{left} ({waiver.expires}, owner {waiver.owner})"
            )
    return done, notices


def _wrong(
    waiver: Waiver, findings: Sequence[Finding], catalogue: Mapping[str, About], today: date
) -> str | None:
    """Why a waiver does not hold; None when it does."""
    about = catalogue.get(waiver.policy)
    if about is None:
        near = get_close_matches(waiver.policy, catalogue, 1)
        hint = f": did you mean {near[0]}?" if near else ": nexusctl policies lists them"
        return f"there is no policy {waiver.policy}{hint}"
    if not about.waivable:
        return f"{waiver.policy} cannot be waived"
    if waiver.last_day is None:
        return f'expires "{waiver.expires}" is not a date such as 2026-12-31, so it has expired'
    if waiver.last_day < today:
        return f"the waiver of {waiver.policy} expired on {waiver.expires} (owner {waiver.owner})"
    if (waiver.last_day - today).days > LONGEST_DAYS:
        return f"expires {waiver.expires} is more than a year ahead"
    if not any(
        finding.outcome in {Outcome.FAILED, Outcome.WAIVED, Outcome.DEFERRED}
        and waiver.covers(finding)
        for finding in findings
    ):
        return f"{waiver.policy} does not fail on {waiver.resource}: the waiver matches nothing"
    return None
