"""What the tests of policies share: a fixture root and its plan, through the gate."""

import json
from pathlib import Path

from nexusctl.policy.gate import Case, Gate
from nexusctl.policy.verdict import Outcome, Verdict
from nexusctl.workspace import shipped_assets

FIXTURES = Path(__file__).parent.parent / "fixtures" / "policy"
POLICIES = shipped_assets().policies


def files_of(directory: Path) -> dict[str, str]:
    return {
        file.relative_to(directory).as_posix(): file.read_text()
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }


def case_of(directory: Path, tier: str = "production") -> Case:
    return Case(directory.name, tier, directory / "main.tf", files_of(directory), directory)


def judge_files(gate: Gate, fixture: str, tier: str = "production") -> Verdict:
    """The verdict on the files of a fixture."""
    return gate.judge_files(case_of(FIXTURES / fixture, tier))


def judge_plan(gate: Gate, fixture: str, tier: str = "production") -> Verdict:
    """The verdict on the plan of a fixture alone, as if its files were not at hand."""
    plan = FIXTURES / f"{fixture}.json"
    return gate.judge_plan(Case(fixture, tier, plan, {}), plan)


def judge_both(gate: Gate, fixture: str, tier: str = "production") -> Verdict:
    """The verdict on the plan of a fixture, with its files, as `plan` and `apply` judge."""
    case = case_of(FIXTURES / fixture, tier)
    return gate.judge_plan(case, FIXTURES / f"{fixture}.json", gate.judge_files(case))


def outcomes(verdict: Verdict, policy: str) -> dict[str, set[str]]:
    """The addresses that passed, failed and were deferred. Fails if anything was not judged."""
    assert verdict.unjudged == ()
    found: dict[str, set[str]] = {"passed": set(), "failed": set(), "deferred": set()}
    for finding in verdict.findings:
        if finding.policy.id == policy:
            found[finding.outcome].add(finding.resource)
    assert sum(map(len, found.values())) == len(
        [finding for finding in verdict.findings if finding.policy.id == policy]
    )
    return found


def sets(**addresses: set[str]) -> dict[str, set[str]]:
    """What `outcomes` gives: `sets(passed={…}, failed={…}, deferred={…})`, those left out empty."""
    return {name: addresses.get(name, set()) for name in ("passed", "failed", "deferred")}


def named(kind: str, *names: str) -> set[str]:
    return {f"{kind}.{name}" for name in names}


def messages(verdict: Verdict, policy: str, outcome: Outcome = Outcome.FAILED) -> dict[str, str]:
    return {
        finding.resource: finding.message
        for finding in verdict.of(outcome)
        if finding.policy.id == policy
    }


def plan_of(fixture: str) -> dict[str, object]:
    plan: dict[str, object] = json.loads((FIXTURES / f"{fixture}.json").read_text())
    return plan
