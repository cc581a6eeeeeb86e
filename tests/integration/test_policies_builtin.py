"""policies/builtin.py: checkov's own checks answer through the gate as they do by themselves."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from nexusctl.policy.check import Builtin
from nexusctl.policy.gate import Gate
from nexusctl.policy.verdict import Verdict
from tests.integration.judging import (
    FIXTURES,
    POLICIES,
    case_of,
    judge_both,
    judge_files,
    judge_plan,
    named,
    outcomes,
    sets,
)

FIXTURE = "builtin"
BUILTINS = ("CKV_AWS_16", "CKV_AWS_161", "CKV_AWS_62", "CKV_AWS_63", "CKV_AWS_355")

DATABASES = named(
    "aws_db_instance",
    *("pass", "pass_variable", "fail_absent", "fail_false", "unknown", "unknown_engine"),
    *('fail_for_each["a"]', 'fail_for_each["b"]'),
)
OPEN_DATABASES = named("aws_db_instance", "fail_absent", "fail_false", 'fail_for_each["b"]')
DOCUMENTS = named(
    "aws_iam_policy",
    *("pass", "pass_partition", "pass_later", "pass_deny", "unknown"),
    *("fail_everything", "fail_action", "fail_resource", "fail_heredoc"),
) | {
    "aws_iam_role_policy.fail_role",
    "aws_iam_user_policy.fail_user",
    "aws_iam_group_policy.fail_group",
    "aws_ssoadmin_permission_set_inline_policy.fail",
    "module.pass.aws_iam_policy.main",
    "module.fail.aws_iam_policy.main",
}
ADMINISTRATORS = named("aws_iam_policy", "fail_everything", "fail_heredoc") | {
    "aws_iam_role_policy.fail_role",
    "aws_iam_user_policy.fail_user",
    "aws_iam_group_policy.fail_group",
    "aws_ssoadmin_permission_set_inline_policy.fail",
}
FAILED = {
    "CKV_AWS_16": OPEN_DATABASES,
    "CKV_AWS_161": OPEN_DATABASES,
    "CKV_AWS_62": ADMINISTRATORS,
    "CKV_AWS_63": ADMINISTRATORS
    | {"aws_iam_policy.fail_action", "module.fail.aws_iam_policy.main"},
    "CKV_AWS_355": ADMINISTRATORS | {"aws_iam_policy.fail_resource"},
}
UNKNOWN = {
    "CKV_AWS_16": named("aws_db_instance", "unknown"),
    # It has no answer for an engine other than PostgreSQL and MySQL.
    "CKV_AWS_161": named("aws_db_instance", "unknown", "unknown_engine"),
    "CKV_AWS_62": {"aws_iam_policy.unknown"},
    "CKV_AWS_63": {"aws_iam_policy.unknown"},
    "CKV_AWS_355": {"aws_iam_policy.unknown"},
}

# Checks that are left out for policies of ours, and the fixtures in which ours fail all they fail.
REPLACED = {
    "CKV_AWS_17": ("NEXUS_NOT_PUBLIC", "network"),
    "CKV_AWS_24": ("NEXUS_NO_OPEN_INGRESS", "network"),
    "CKV_AWS_25": ("NEXUS_NO_OPEN_INGRESS", "network"),
    "CKV_AWS_130": ("NEXUS_PRIVATE_SUBNETS", "network"),
    "CKV_AWS_79": ("NEXUS_WORKER_METADATA", "workers"),
    "CKV_AWS_341": ("NEXUS_WORKER_METADATA", "workers"),
    "CKV_AWS_88": ("NEXUS_WORKER_ADDRESS", "workers"),
    "CKV_AWS_8": ("NEXUS_WORKER_DISKS", "workers"),
    "CKV_AWS_133": ("NEXUS_BACKUP_RETENTION", "durability"),
    "CKV_AWS_157": ("NEXUS_MULTI_AZ", "durability"),
    "CKV_AWS_293": ("NEXUS_DELETION_PROTECTION", "durability"),
    "CKV_AWS_274": ("NEXUS_MANAGED_POLICIES", "iam"),
    "CKV_AWS_258": ("NEXUS_NOT_SHARED", "sharing"),
    "CKV_AWS_301": ("NEXUS_NOT_SHARED", "sharing"),
    "CKV_AWS_3": ("NEXUS_WORKER_DISKS", "workers"),
    "CKV_AWS_96": ("NEXUS_CUSTOMER_KEYS", "secrets"),
    "CKV_AWS_33": ("NEXUS_NOT_SHARED", "sharing"),
}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    directory = tmp_path_factory.mktemp("gate")
    with Gate(POLICIES, directory / "policy.log", directory / "cache") as gate:
        yield gate


@pytest.fixture(scope="module")
def builtin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nexus_builtin", POLICIES / "builtin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def everything(policy: str) -> set[str]:
    return DATABASES if policy in ("CKV_AWS_16", "CKV_AWS_161") else DOCUMENTS


@pytest.mark.parametrize("policy", BUILTINS)
def test_in_hcl(gate: Gate, policy: str) -> None:
    failed, unknown = FAILED[policy], UNKNOWN[policy]
    found = outcomes(judge_files(gate, FIXTURE), policy)
    passed = everything(policy) - failed - unknown
    assert found == sets(passed=passed, failed=failed, deferred=unknown)


@pytest.mark.parametrize("policy", BUILTINS)
def test_in_a_plan(gate: Gate, policy: str) -> None:
    failed = FAILED[policy] | UNKNOWN[policy]
    found = outcomes(judge_both(gate, FIXTURE), policy)
    assert found == sets(passed=everything(policy) - failed, failed=failed)
    # A document with an ARN that AWS has not made yet is not in the plan.
    failed = failed | ({"aws_iam_policy.pass_later"} & everything(policy))
    found = outcomes(judge_plan(gate, FIXTURE), policy)
    assert found == sets(passed=everything(policy) - failed, failed=failed)


def test_it_judges_the_document_at_hand_not_one_it_read_before(gate: Gate, tmp_path: Path) -> None:
    """cloudsplaining keeps documents by the resource's name, for as long as the worker lives."""
    policy = FIXTURES / FIXTURE / "main.tf"
    assert "fail_resource" in str(outcomes(judge_files(gate, FIXTURE), "CKV_AWS_355")["failed"])
    text = policy.read_text().replace(
        '"secretsmanager:GetSecretValue", Resource = "*"',
        '"secretsmanager:GetSecretValue", Resource = "arn:aws:secretsmanager:*:*:secret:one"',
    )
    (tmp_path / "main.tf").write_text(text)
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "main.tf").write_bytes((policy.parent / "module/main.tf").read_bytes())
    found = outcomes(gate.judge_files(case_of(tmp_path)), "CKV_AWS_355")
    assert "aws_iam_policy.fail_resource" in found["passed"]


def test_each_applies_to_what_checkov_applies_it_to(builtin: ModuleType) -> None:
    every = [each for each in vars(builtin).values() if isinstance(each, Builtin)]
    assert {each.about.id for each in every} == set(BUILTINS)
    for each in every:
        assert each.check.id == each.about.id
        assert set(each.about.resources) == set(each.check.supported_resources)


def test_left_out_are_checks_of_checkovs_that_are_not_taken(builtin: ModuleType) -> None:
    listed = subprocess.run(
        [*CHECKOV, "--list", "--framework", "terraform"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    every = {cell.strip() for line in listed.splitlines() for cell in line.split("|")}
    assert builtin.LEFT_OUT.keys() <= every
    assert builtin.LEFT_OUT.keys().isdisjoint(BUILTINS)
    assert REPLACED.keys() <= builtin.LEFT_OUT.keys()
    for check, (policy, _) in REPLACED.items():
        assert policy in builtin.LEFT_OUT[check]


# checkov's command line, on the same files.

CHECKOV = (str(Path(sys.executable).parent / "checkov"),)


def by_itself(fixture: str, *checks: str) -> dict[tuple[str, str], str]:
    """checkov's result for each check and resource that it gives a record for."""
    done = subprocess.run(
        [
            *(*CHECKOV, "-d", str(FIXTURES / fixture), "--framework", "terraform"),
            *("--skip-download", "--compact", "-o", "json", "--check", ",".join(checks)),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    results = json.loads(done.stdout)["results"]
    return {
        (record["check_id"], record["resource"]): outcome
        for outcome in ("passed", "failed")
        for record in results[f"{outcome}_checks"]
    }


def through_the_gate(verdict: Verdict, *policies: str) -> dict[tuple[str, str], str]:
    return {
        (finding.policy.id, finding.resource): finding.outcome
        for finding in verdict.findings
        if finding.policy.id in policies
    }


def test_the_gate_and_checkov_agree(gate: Gate) -> None:
    theirs = by_itself(FIXTURE, *BUILTINS)
    ours = through_the_gate(judge_files(gate, FIXTURE), *BUILTINS)
    different = {
        pair: (outcome, ours.get(pair))
        for pair, outcome in theirs.items()
        if outcome != ours.get(pair)
    }
    # What is not known is not judged by us: neither a comparison with it, nor a whole document.
    assert different == {
        ("CKV_AWS_16", "aws_db_instance.unknown"): ("failed", "deferred"),
        ("CKV_AWS_161", "aws_db_instance.unknown"): ("failed", "deferred"),
        ("CKV_AWS_62", "aws_iam_policy.unknown"): ("passed", "deferred"),
        ("CKV_AWS_63", "aws_iam_policy.unknown"): ("passed", "deferred"),
    }
    # Where checkov has no answer it gives no record, and we say that it is not known.
    silent = {pair for pair in ours if pair not in theirs}
    assert silent == {
        ("CKV_AWS_161", "aws_db_instance.unknown_engine"),
        ("CKV_AWS_355", "aws_iam_policy.unknown"),
    }


# By itself checkov takes a comparison with an unknown value for false; that is for the plan to say.
OURS = ("failed", "deferred")
# It takes an aws_vpc_security_group_ingress_rule from a security group for an open one.
WRONG = {
    (check, "aws_vpc_security_group_ingress_rule.database_fail_ports")
    for check in ("CKV_AWS_24", "CKV_AWS_25")
}


@pytest.mark.parametrize("fixture", ["network", "workers", "durability"])
def test_ours_fail_whatever_the_check_they_stand_for_fails(gate: Gate, fixture: str) -> None:
    checks = {check: policy for check, (policy, root) in REPLACED.items() if root == fixture}
    verdict = judge_files(gate, fixture)
    ours = through_the_gate(verdict, *checks.values())
    theirs = by_itself(fixture, *checks)
    missed = {
        (check, resource)
        for (check, resource), outcome in theirs.items()
        if outcome == "failed" and ours.get((checks[check], resource)) not in OURS
    }
    assert missed == (WRONG if fixture == "network" else set())
    assert {check for (check, _), outcome in theirs.items() if outcome == "failed"} != set()
