"""Policies and findings for tests."""

from pathlib import Path
from typing import Any

from nexusctl.policy.verdict import About, Finding, Outcome, Severity, Verdict


def about(name: str = "NEXUS_IDLE_CLIENT_TIMEOUT", **more: Any) -> About:
    texts = {"title": "title", "why": "why", "fact": "fact", "fix": "fix"}
    return About(id=name, severity=Severity.MEDIUM, resources=("aws_db_proxy",), **(texts | more))


def finding(
    policy: About,
    resource: str = "module.proxy.aws_db_proxy.main",
    outcome: Outcome = Outcome.FAILED,
) -> Finding:
    return Finding(policy, resource, outcome, "message")


def verdict(*findings: Finding, name: str = "prod") -> Verdict:
    policies = {each.policy.id: each.policy for each in findings}
    source = Path(f"environments/{name}.yaml")
    return Verdict("files", name, source, findings, policies=policies)
