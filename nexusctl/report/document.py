"""The nouns as JSON documents for machines. No sensitive value is in any of them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from nexusctl.environment.environment import Environment
from nexusctl.environment.origin import Origin
from nexusctl.policy.verdict import Finding, Verdict
from nexusctl.terraform.plan import Action, Plan


def verdict(judged: Verdict) -> dict[str, Any]:
    """A verdict, with every finding."""
    return {
        "subject": judged.subject,
        "passed": judged.passed,
        "unjudged": list(judged.unjudged),
        "deferred": list(judged.deferred),
        "findings": [_finding(finding) for finding in judged.findings],
    }


def planned(
    environment: Environment, verdicts: Sequence[Verdict], plan: Plan | None
) -> dict[str, Any]:
    """The result of `plan`: the verdicts, and the plan unless the files were denied."""
    return {
        "environment": environment.name,
        "account_id": environment.settings.aws.account_id,
        "region": environment.settings.aws.region,
        "passed": plan is not None and all(each.passed for each in verdicts),
        "verdicts": [verdict(each) for each in verdicts],
        "plan": _plan(plan) if plan else None,
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "empty": plan.empty,
        "counts": {str(action): plan.count(action) for action in Action if action != Action.READ},
        "outputs_change": plan.outputs_change,
        "changes": [asdict(change) for change in plan.changes],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return asdict(finding) | {"origin": origin(finding.origin) if finding.origin else None}


def origin(value: Origin) -> dict[str, Any]:
    """A value of the environment and the place it was written; without one it is a default."""
    location = value.location
    return {
        "path": value.dotted,
        "file": str(location.file) if location else None,
        "line": location.line if location else None,
        "column": location.column if location else None,
    }
