"""policies/durability.py: deletion protection, backups, standby, snapshots, upgrades, the state."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.policy.gate import Gate
from nexusctl.policy.verdict import Outcome
from tests.integration.judging import (
    POLICIES,
    case_of,
    judge_both,
    judge_files,
    judge_plan,
    messages,
    named,
    outcomes,
    sets,
)

FIXTURE = "durability"
BOTH_OF_FOR_EACH = {'aws_db_instance.fail_for_each["a"]', 'aws_db_instance.fail_for_each["b"]'}
MODULES = {"module.pass.aws_db_instance.main", "module.fail.aws_db_instance.main"}
EVERY = (
    named("aws_db_instance", "pass", "pass_minor", "pass_replica", "later", "unknown")
    | named("aws_db_instance", "fail_bare", "fail_false", "fail_one_day", "unknown_name")
    | BOTH_OF_FOR_EACH
    | MODULES
)
SWITCHED_OFF = named("aws_db_instance", "fail_bare", "fail_false", 'fail_for_each["b"]')
FEW_DAYS = named("aws_db_instance", "fail_bare", "fail_false", "fail_one_day") | {
    "module.fail.aws_db_instance.main"
}
NO_DAYS = named("aws_db_instance", "fail_bare", "fail_false")
OLD = named("aws_db_instance", "fail_false")
LATER, UNKNOWN, UNKNOWN_NAME = (
    named("aws_db_instance", name) for name in ("later", "unknown", "unknown_name")
)
# What fails in the files; what is unknown in files and plan; the tier to judge in.
CASES = [
    ("NEXUS_DELETION_PROTECTION", SWITCHED_OFF, UNKNOWN, "production"),
    ("NEXUS_MULTI_AZ", SWITCHED_OFF, UNKNOWN, "production"),
    ("NEXUS_FINAL_SNAPSHOT", SWITCHED_OFF, UNKNOWN | UNKNOWN_NAME, "production"),
    ("NEXUS_BACKUP_RETENTION", FEW_DAYS, UNKNOWN, "staging"),
    ("NEXUS_BACKUPS", NO_DAYS, UNKNOWN, "sandbox"),
    ("NEXUS_MINOR_UPGRADES", OLD, UNKNOWN | UNKNOWN_NAME, "sandbox"),
]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    directory = tmp_path_factory.mktemp("gate")
    with Gate(POLICIES, directory / "policy.log", directory / "cache") as gate:
        yield gate


@pytest.mark.parametrize(("policy", "failed", "unknown", "tier"), CASES)
def test_in_hcl(gate: Gate, policy: str, failed: set[str], unknown: set[str], tier: str) -> None:
    deferred = unknown | LATER
    found = outcomes(judge_files(gate, FIXTURE, tier), policy)
    assert found == sets(passed=EVERY - failed - deferred, failed=failed, deferred=deferred)


@pytest.mark.parametrize(("policy", "failed", "unknown", "tier"), CASES)
def test_in_a_plan_with_its_files(
    gate: Gate, policy: str, failed: set[str], unknown: set[str], tier: str
) -> None:
    failed = failed | unknown
    found = outcomes(judge_both(gate, FIXTURE, tier), policy)
    assert found == sets(passed=EVERY - failed, failed=failed)


@pytest.mark.parametrize(("policy", "failed", "unknown", "tier"), CASES)
def test_in_a_plan_alone(
    gate: Gate, policy: str, failed: set[str], unknown: set[str], tier: str
) -> None:
    failed = failed | unknown
    if policy == "NEXUS_FINAL_SNAPSHOT":
        # The name is made of what AWS gives: the plan by itself cannot tell that there is one.
        failed |= named("aws_db_instance", "pass", "fail_one_day")
    found = outcomes(judge_plan(gate, FIXTURE, tier), policy)
    assert found == sets(passed=EVERY - failed, failed=failed)


@pytest.mark.parametrize("tier", ["sandbox", "development", "staging", "production"])
def test_tiers(gate: Gate, tier: str) -> None:
    verdict = judge_files(gate, FIXTURE, tier)
    judged = {finding.policy.id for finding in verdict.findings}
    strict = {
        "NEXUS_DELETION_PROTECTION",
        "NEXUS_BACKUP_RETENTION",
        "NEXUS_MULTI_AZ",
        "NEXUS_FINAL_SNAPSHOT",
    }
    assert judged & strict == (strict if tier in ("staging", "production") else set())
    assert ("NEXUS_BACKUPS" in judged) == (tier in ("sandbox", "development"))
    assert "NEXUS_MINOR_UPGRADES" in judged


def test_messages_and_lines(gate: Gate) -> None:
    verdict = judge_files(gate, FIXTURE)
    period = "backup_retention_period"
    assert messages(verdict, "NEXUS_BACKUP_RETENTION") == {
        "aws_db_instance.fail_bare": f"{period} is not set, so 0: no backups are kept",
        "aws_db_instance.fail_false": f"{period} is 0, less than 7",
        "aws_db_instance.fail_one_day": f"{period} is 1, less than 7",
        "module.fail.aws_db_instance.main": f"{period} is 6, less than 7",
    }
    (finding,) = (
        finding
        for finding in verdict.of(Outcome.FAILED)
        if finding.policy.id == "NEXUS_DELETION_PROTECTION"
        and finding.resource == "aws_db_instance.fail_false"
    )
    text = (verdict.root or Path()) / (finding.file or "")
    assert "deletion_protection" in text.read_text().splitlines()[(finding.line or 0) - 1]


BACKENDS = [
    ('backend "s3" {}', {"NEXUS_STATE_LOCK": "failed"}),
    ('backend "s3" {\n use_lockfile = true\n}', {"NEXUS_STATE_LOCK": "passed"}),
    ('backend "s3" {\n use_lockfile = false\n}', {"NEXUS_STATE_LOCK": "failed"}),
    ('backend "s3" {\n dynamodb_table = "locks"\n}', {"NEXUS_STATE_LOCK": "passed"}),
    ('backend "local" {}', {"NEXUS_STATE_REMOTE": "failed"}),
    ('# backend "s3" {}', {"NEXUS_STATE_REMOTE": "failed"}),  # without one it is local
]
VPC = 'resource "aws_vpc" "main" {\n cidr_block = "10.0.0.0/16"\n}\n'


def judge_backend(gate: Gate, directory: Path, backend: str, tier: str) -> dict[str, str]:
    (directory / "main.tf").write_text(f"terraform {{\n{backend}\n}}\n{VPC}")
    verdict = gate.judge_files(case_of(directory, tier))
    assert verdict.unjudged == ()
    return {
        finding.policy.id: finding.outcome
        for finding in verdict.findings
        if finding.policy.id in ("NEXUS_STATE_LOCK", "NEXUS_STATE_REMOTE")
    }


@pytest.mark.parametrize(("backend", "expected"), BACKENDS)
def test_backends(gate: Gate, tmp_path: Path, backend: str, expected: dict[str, str]) -> None:
    assert judge_backend(gate, tmp_path, backend, "staging") == expected


def test_a_local_state_is_fine_where_little_is_at_stake(gate: Gate, tmp_path: Path) -> None:
    assert judge_backend(gate, tmp_path, 'backend "local" {}', "development") == {}
