"""policies/durability.py: deletion protection, backups, standby, snapshots, upgrades."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.policy.gate import Gate
from nexusctl.policy.verdict import Outcome
from tests.integration.judging import (
    POLICIES,
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
INSTANCES = (
    named("aws_db_instance", "pass", "pass_minor", "pass_replica", "later", "unknown")
    | named("aws_db_instance", "fail_bare", "fail_false", "fail_one_day", "unknown_name")
    | BOTH_OF_FOR_EACH
    | MODULES
)
CLUSTERS = (
    named("aws_rds_cluster", "pass", "pass_zones", "pass_of_rds", "fail_bare", "fail_false")
    | {"aws_rds_cluster.fail_one_zone"}
    | named("aws_rds_cluster", 'unknown_index["a"]', 'unknown_index["b"]')
)
GLOBAL = named("aws_rds_global_cluster", "pass", "fail_bare")
READERS = named(
    "aws_rds_cluster_instance",
    *("pass[0]", "pass[1]", 'pass_zones["eu-central-1a"]', 'pass_zones["eu-central-1b"]'),
    *("fail_one_zone[0]", "fail_one_zone[1]", "fail_false"),
    *("unknown_index[0]", "unknown_index[1]"),
)
EVERY = {
    "NEXUS_DELETION_PROTECTION": INSTANCES | CLUSTERS | GLOBAL,
    "NEXUS_MULTI_AZ": INSTANCES | CLUSTERS,
    "NEXUS_FINAL_SNAPSHOT": INSTANCES | CLUSTERS,
    "NEXUS_BACKUP_RETENTION": INSTANCES | CLUSTERS,
    "NEXUS_BACKUPS": INSTANCES | CLUSTERS,
    "NEXUS_MINOR_UPGRADES": INSTANCES | READERS,
}
BAD_CLUSTERS = named("aws_rds_cluster", "fail_bare", "fail_false")
SWITCHED_OFF = named("aws_db_instance", "fail_bare", "fail_false", 'fail_for_each["b"]')
SWITCHED_OFF |= BAD_CLUSTERS
FEW_DAYS = named("aws_db_instance", "fail_bare", "fail_false", "fail_one_day") | {
    "module.fail.aws_db_instance.main"
}
NO_DAYS = named("aws_db_instance", "fail_bare", "fail_false")
OLD = {"aws_db_instance.fail_false", "aws_rds_cluster_instance.fail_false"}
LATER, UNKNOWN, UNKNOWN_NAME = (
    named("aws_db_instance", name) for name in ("later", "unknown", "unknown_name")
)
ONE_ZONE = {"aws_rds_cluster.fail_one_zone"}
NO_INSTANCE = {'aws_rds_cluster.unknown_index["b"]'}
# What fails in the files; what is unknown in files and plan; the tier to judge in.
CASES = [
    (
        "NEXUS_DELETION_PROTECTION",
        SWITCHED_OFF | {"aws_rds_global_cluster.fail_bare"},
        UNKNOWN,
        "production",
    ),
    ("NEXUS_MULTI_AZ", SWITCHED_OFF | ONE_ZONE | NO_INSTANCE, UNKNOWN, "production"),
    ("NEXUS_FINAL_SNAPSHOT", SWITCHED_OFF, UNKNOWN | UNKNOWN_NAME, "production"),
    ("NEXUS_BACKUP_RETENTION", FEW_DAYS | BAD_CLUSTERS, UNKNOWN, "staging"),
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
    assert found == sets(passed=EVERY[policy] - failed - deferred, failed=failed, deferred=deferred)


@pytest.mark.parametrize(("policy", "failed", "unknown", "tier"), CASES)
def test_in_a_plan_with_its_files(
    gate: Gate, policy: str, failed: set[str], unknown: set[str], tier: str
) -> None:
    failed = failed | unknown
    found = outcomes(judge_both(gate, FIXTURE, tier), policy)
    assert found == sets(passed=EVERY[policy] - failed, failed=failed)


@pytest.mark.parametrize(("policy", "failed", "unknown", "tier"), CASES)
def test_in_a_plan_alone(
    gate: Gate, policy: str, failed: set[str], unknown: set[str], tier: str
) -> None:
    failed = failed | unknown
    if policy == "NEXUS_FINAL_SNAPSHOT":
        # The name is made of what AWS gives: the plan by itself cannot tell that there is one.
        failed |= named("aws_db_instance", "pass", "fail_one_day")
    if policy == "NEXUS_MULTI_AZ":
        # Without availability_zone AWS chooses.
        failed |= named("aws_rds_cluster", "pass", 'unknown_index["a"]')
    if policy == "NEXUS_BACKUPS":
        # What is not written the provider computes.
        failed |= {"aws_rds_cluster.fail_bare"}
    found = outcomes(judge_plan(gate, FIXTURE, tier), policy)
    assert found == sets(passed=EVERY[policy] - failed, failed=failed)


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
        "aws_rds_cluster.fail_bare": f"{period} is 1, less than 7",
        "aws_rds_cluster.fail_false": f"{period} is 1, less than 7",
    }
    said = messages(verdict, "NEXUS_MULTI_AZ")
    assert said["aws_rds_cluster.fail_false"] == "it has 1 aws_rds_cluster_instance, not two"
    assert said["aws_rds_cluster.fail_one_zone"] == (
        "its instances are all in one availability_zone"
    )
    (finding,) = (
        finding
        for finding in verdict.of(Outcome.FAILED)
        if finding.policy.id == "NEXUS_DELETION_PROTECTION"
        and finding.resource == "aws_db_instance.fail_false"
    )
    text = (verdict.root or Path()) / (finding.file or "")
    assert "deletion_protection" in text.read_text().splitlines()[(finding.line or 0) - 1]
