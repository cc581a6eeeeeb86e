"""The nouns as JSON documents for machines. No sensitive value is in any of them.

`docs/verdict.schema.json` describes the documents of verdicts.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexusctl.environment.origin import Origin
from nexusctl.errors import NexusError
from nexusctl.policy.verdict import Finding, Setting, Verdict
from nexusctl.report.findings import relative
from nexusctl.terraform.plan import Action, Plan

if TYPE_CHECKING:
    from nexusctl.change.impact import Impact
    from nexusctl.change.receipt import Receipt
    from nexusctl.environment.environment import Environment


def verdicts(judged: Sequence[Verdict]) -> dict[str, Any]:
    """The result of `check`: each verdict by itself, with every finding."""
    return {
        "format": "nexusctl/verdicts",
        "version": 1,
        "verdicts": [verdict(each) for each in judged],
    }


def verdict(judged: Verdict) -> dict[str, Any]:
    """A verdict, with every finding."""
    return {
        "subject": judged.subject,
        "name": judged.name,
        "source": relative(judged.source),
        "root": relative(judged.root) if judged.root else None,
        "passed": judged.passed,
        "unjudged": list(judged.unjudged),
        "notices": list(judged.notices),
        "findings": [_finding(finding) for finding in judged.findings],
    }


def planned(
    environment: "Environment",
    judged: Sequence[Verdict],
    plan: Plan | None,
    done: "Impact | None",
    sealed: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The result of `plan`: the verdicts, and the plan unless the files were denied.

    `sealed` is what `sealed` makes of the receipt; None where nothing waits to be applied.
    """
    from nexusctl.report.impact import document as impact  # `check` does without

    return {
        "environment": environment.name,
        "account_id": environment.settings.aws.account_id,
        "region": environment.settings.aws.region,
        "passed": plan is not None and all(each.passed for each in judged),
        "verdicts": [verdict(each) for each in judged],
        "impact": impact(done) if done else None,
        "plan": _plan(plan) if plan else None,
        "sealed": sealed,
    }


def sealed(receipt: "Receipt", path: Path) -> dict[str, str]:
    """A sealed plan: its receipt, and where it lies."""
    return {
        "receipt": receipt.id,
        "expires": receipt.expires.isoformat(timespec="seconds"),
        "path": str(path),
    }


def failed(name: str, error: NexusError) -> dict[str, Any]:
    """What stands for an environment among several that ended with an error."""
    return {
        "environment": name,
        "error": {"message": str(error), "hint": error.hint, "exit_code": int(error.exit_code)},
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "empty": plan.empty,
        "counts": {str(action): plan.count(action) for action in Action},
        "outputs_change": plan.outputs_change,
        "changes": [asdict(change) for change in plan.changes],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    policy, remedy = finding.policy, finding.remedy
    return {
        "policy": policy.id,
        "title": policy.title,
        "severity": str(policy.severity),
        "outcome": str(finding.outcome),
        "resource": finding.resource,
        "message": finding.message,
        "why": policy.why,
        "fix": policy.fix,
        "file": finding.file,
        "line": finding.line,
        "setting": _setting(finding.setting) if finding.setting else None,
        "remedy": (
            {"path": Origin(remedy.path, None).dotted, "value": remedy.value} if remedy else None
        ),
        "diff": finding.diff,
        "waived": asdict(finding.waived) if finding.waived else None,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    """A value of the environment and the place it was written; without one it is a default."""
    location = setting.origin.location
    return {
        "path": setting.origin.dotted,
        "value": setting.value,
        "file": relative(location.file) if location else None,
        "line": location.line if location else None,
        "column": location.column if location else None,
        "meaning": setting.meaning,
    }
