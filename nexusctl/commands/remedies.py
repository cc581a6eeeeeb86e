"""From findings to edits of the environment's YAML."""

from collections.abc import Sequence
from dataclasses import replace

from nexusctl.environment.edit import CannotEdit, Change, Edit, set_values
from nexusctl.environment.environment import Environment
from nexusctl.policy.literals import literals_in_text
from nexusctl.policy.verdict import Finding, Outcome, Remedy, Verdict


def with_diffs(verdict: Verdict, environment: Environment) -> Verdict:
    """The verdict with the edit that mends each failed finding, where it can be computed."""
    findings = tuple(
        replace(finding, diff=_diff(finding.remedy, environment))
        if finding.outcome is Outcome.FAILED and finding.remedy
        else finding
        for finding in verdict.findings
    )
    return replace(verdict, findings=findings)


def edits(
    findings: Sequence[Finding], environment: Environment
) -> tuple[list[Edit], list[tuple[Remedy, str]]]:
    """The edits that mend all findings with a remedy, and the remedies that cannot be applied."""
    changes: list[Change] = []
    refused = []
    for remedy in dict.fromkeys(each.remedy for each in findings if each.remedy):
        change = Change(remedy.path, remedy.value, remedy.here)
        try:
            set_values(environment, [*changes, change])
        except CannotEdit as error:
            refused.append((remedy, str(error)))
        else:
            changes.append(change)
    return (set_values(environment, changes) if changes else []), refused


def _diff(remedy: Remedy, environment: Environment) -> str | None:
    try:
        made = set_values(environment, [Change(remedy.path, remedy.value, remedy.here)])
    except CannotEdit:
        return None
    return "\n".join(map(shown, made)) or None


def shown(edit: Edit) -> str:
    """The diff of an edit; of a line with a password that the policies know, only its sign."""
    lines = edit.diff().splitlines()
    found = [any(literals_in_text(line[1:], written=True)) for line in lines]
    return "\n".join(
        f"{line[:1]}***" if secret else line for line, secret in zip(lines, found, strict=True)
    )
