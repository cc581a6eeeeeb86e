"""policies/workers.py: metadata, disks, addresses, keys and roles of workers; who may connect."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.policy.gate import Gate
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

FIXTURE = "workers"
METADATA, DISKS = "NEXUS_WORKER_METADATA", "NEXUS_WORKER_DISKS"
ADDRESS, KEY_PAIR = "NEXUS_WORKER_ADDRESS", "NEXUS_WORKER_KEY_PAIR"
ROLE, CONNECT = "NEXUS_WORKER_ROLE", "NEXUS_CONNECT_SCOPE"

TEMPLATES = named(
    "aws_launch_template",
    *("pass", "pass_dynamic", "fail_bare", "fail_imdsv1", "fail_hops_absent", "fail_hops"),
    *("fail_second_disk", "fail_disk_absent", "fail_no_volume", "fail_second_interface"),
    *("fail_interface_absent", 'fail_each_disk["encrypted"]', 'fail_each_disk["clear"]'),
    *("unknown", "unknown_dynamic", "later"),
)
EVERY = TEMPLATES | named("aws_instance", "pass", "fail", "fail_elastic")
EVERY |= named("aws_launch_configuration", "pass", "fail")

BARE = {"aws_launch_template.fail_bare", "aws_launch_configuration.fail"}
FAILED = {
    METADATA: BARE
    | named("aws_launch_template", "fail_imdsv1", "fail_hops_absent", "fail_hops")
    | {"aws_instance.fail"},
    DISKS: BARE
    | named("aws_launch_template", "fail_second_disk", "fail_disk_absent", "fail_no_volume")
    | {'aws_launch_template.fail_each_disk["clear"]'}
    | named("aws_instance", "fail", "fail_elastic"),
    ADDRESS: BARE
    | named("aws_launch_template", "fail_second_interface", "fail_interface_absent")
    | named("aws_instance", "fail", "fail_elastic"),
    KEY_PAIR: BARE | {"aws_instance.fail"},
}
LATER = {"aws_launch_template.later"}
UNKNOWN = {
    METADATA: {"aws_launch_template.unknown"},
    DISKS: named("aws_launch_template", "unknown", "unknown_dynamic"),
    ADDRESS: named("aws_launch_template", "unknown", "unknown_dynamic"),
    KEY_PAIR: {"aws_launch_template.unknown"},
}
# Of what nobody wrote a plan alone says that it is not known.
UNWRITTEN = {
    METADATA: set[str](),
    DISKS: {"aws_launch_configuration.pass"},
    ADDRESS: set[str](),
    KEY_PAIR: named("aws_instance", "pass", "fail_elastic") | {"aws_launch_configuration.pass"},
}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    directory = tmp_path_factory.mktemp("gate")
    with Gate(POLICIES, directory / "policy.log", directory / "cache") as gate:
        yield gate


def only(found: dict[str, set[str]], part: str) -> dict[str, set[str]]:
    """The cases for a part of the policies: those whose names begin with it."""
    return {
        outcome: {name for name in names if f".{part}" in name} for outcome, names in found.items()
    }


def without_roles(found: dict[str, set[str]]) -> dict[str, set[str]]:
    return {
        outcome: {name for name in names if ".role_" not in name}
        for outcome, names in found.items()
    }


@pytest.mark.parametrize("policy", [METADATA, DISKS, ADDRESS, KEY_PAIR])
def test_launch(gate: Gate, policy: str) -> None:
    failed, unknown = FAILED[policy], UNKNOWN[policy]
    found = without_roles(outcomes(judge_files(gate, FIXTURE), policy))
    deferred = unknown | LATER
    assert found == sets(passed=EVERY - failed - deferred, failed=failed, deferred=deferred)
    found = without_roles(outcomes(judge_both(gate, FIXTURE), policy))
    assert found == sets(passed=EVERY - failed - unknown, failed=failed | unknown)
    failed = failed | unknown | UNWRITTEN[policy]
    found = without_roles(outcomes(judge_plan(gate, FIXTURE), policy))
    assert found == sets(passed=EVERY - failed, failed=failed)


def test_launch_messages(gate: Gate) -> None:
    verdict = judge_files(gate, FIXTURE)
    assert messages(verdict, METADATA)["aws_launch_template.fail_hops"] == (
        "metadata_options.1.http_put_response_hop_limit is 2, not 1"
    )
    assert messages(verdict, DISKS)["aws_launch_template.fail_second_disk"] == (
        "block_device_mappings.2.ebs.1.encrypted is false, not true"
    )
    assert messages(verdict, DISKS)["aws_instance.fail"] == (
        "root_block_device has no volume: the AMI decides"
    )
    assert messages(verdict, ADDRESS)["aws_instance.fail_elastic"] == (
        "aws_eip.elastic gives it a public address"
    )
    assert messages(verdict, KEY_PAIR)["aws_instance.fail"] == "key_name is operator"


# Roles.

ROLE_PASSED = {
    *named("aws_launch_template", "role_pass", "role_pass_none"),
    "aws_instance.role_pass_name",
}
ROLE_FAILED = named(
    "aws_launch_template",
    *("role_fail_service", "role_fail_everything", "role_fail_not_action"),
    *("role_fail_every_bucket", "role_fail_administrator", "role_fail_full_access"),
    *("role_fail_attached", "role_fail_inline", "role_fail_managed_arns"),
    *("role_fail_exclusive", "role_fail_many"),
) | {"aws_launch_configuration.role_fail_name"}
ROLE_UNKNOWN = named(
    "aws_launch_template",
    *("role_unknown_attached", "role_unknown_document", "role_unknown_foreign"),
)


def test_roles(gate: Gate) -> None:
    found = only(outcomes(judge_files(gate, FIXTURE), ROLE), "role_")
    assert found == sets(passed=ROLE_PASSED, failed=ROLE_FAILED, deferred=ROLE_UNKNOWN)
    found = only(outcomes(judge_both(gate, FIXTURE), ROLE), "role_")
    assert found == sets(passed=ROLE_PASSED, failed=ROLE_FAILED | ROLE_UNKNOWN)
    # A plan alone does not know a document with an ARN in it, nor that no inline policy is written.
    found = only(outcomes(judge_plan(gate, FIXTURE), ROLE), "role_")
    sure = {"aws_launch_template.role_pass_none"}
    assert found == sets(passed=sure, failed=(ROLE_PASSED - sure) | ROLE_FAILED | ROLE_UNKNOWN)


def test_role_messages(gate: Gate) -> None:
    said = messages(judge_files(gate, FIXTURE), ROLE)
    assert said["aws_launch_template.role_fail_administrator"] == (
        "aws_iam_role_policy_attachment.role_fail_administrator attaches AdministratorAccess"
    )
    assert said["aws_launch_template.role_fail_managed_arns"] == (
        "aws_iam_role.fail_managed_arns attaches PowerUserAccess"
    )
    assert said["aws_launch_template.role_fail_attached"] == (
        "aws_iam_policy.role_fail allows a whole service on every resource"
    )
    assert said["aws_launch_template.role_fail_inline"] == (
        "inline_policy of aws_iam_role.fail_inline allows a whole service on every resource"
    )


ONE_ROLE = """
variable "role" {}

resource "aws_iam_role" "worker" {
  name = "worker"
}

resource "aws_iam_instance_profile" "worker" {
  role = aws_iam_role.worker.name
}

resource "aws_launch_template" "worker" {
  iam_instance_profile {
    arn = aws_iam_instance_profile.worker.arn
  }
}

resource "aws_iam_policy_attachment" "administrator" {
  name       = "administrator"
  roles      = [ROLES]
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}
"""


@pytest.mark.parametrize(
    ("roles", "outcome"),
    [
        ("", "passed"),
        ('"other"', "passed"),
        ('"worker"', "failed"),
        ("var.role", "deferred"),
        ('"other", var.role', "deferred"),
        ("aws_iam_role.worker.name, var.role", "failed"),
    ],
)
def test_whose_role_it_is(gate: Gate, tmp_path: Path, roles: str, outcome: str) -> None:
    (tmp_path / "main.tf").write_text(ONE_ROLE.replace("ROLES", roles))
    found = outcomes(gate.judge_files(case_of(tmp_path)), ROLE)
    assert found == sets(**{outcome: {"aws_launch_template.worker"}})


# Who may connect.

CONNECT_PASSED = named(
    "aws_iam_policy",
    *("connect_pass", "connect_pass_deny", "connect_pass_elsewhere", "connect_pass_not_action"),
    "connect_pass_proxy",
)
CONNECT_FAILED = named(
    "aws_iam_policy",
    *("connect_fail_user", "connect_fail_proxy", "connect_fail_second", "connect_fail_service"),
    *("connect_fail_everything", "connect_fail_pattern", "connect_fail_not_action"),
    "connect_fail_not_resource",
) | {
    "aws_iam_role_policy.connect_fail_role",
    "aws_iam_user_policy.connect_fail_human",
    "aws_iam_group_policy.connect_fail_group",
    "aws_iam_role.connect_fail",
}
CONNECT_LATER = {"aws_iam_policy.connect_later"}
CONNECT_LATER_FAIL = {"aws_iam_policy.connect_later_fail"}
CONNECT_UNKNOWN = named("aws_iam_policy", "connect_unknown_resource", "connect_unknown_document")


def test_who_may_connect(gate: Gate) -> None:
    found = only(outcomes(judge_files(gate, FIXTURE), CONNECT), "connect_")
    assert found == sets(
        passed=CONNECT_PASSED,
        failed=CONNECT_FAILED,
        deferred=CONNECT_LATER | CONNECT_LATER_FAIL | CONNECT_UNKNOWN,
    )
    failed = CONNECT_FAILED | CONNECT_LATER_FAIL | CONNECT_UNKNOWN
    found = only(outcomes(judge_both(gate, FIXTURE), CONNECT), "connect_")
    assert found == sets(passed=CONNECT_PASSED | CONNECT_LATER, failed=failed)
    # With the proxy's ARN in it, a document is known after the apply only.
    unmade = {"aws_iam_policy.connect_pass_proxy"}
    found = only(outcomes(judge_plan(gate, FIXTURE), CONNECT), "connect_")
    assert found == sets(passed=(CONNECT_PASSED - unmade) | CONNECT_LATER, failed=failed | unmade)


def test_policies_of_workers_are_judged_too(gate: Gate) -> None:
    found = outcomes(judge_files(gate, FIXTURE), CONNECT)
    assert "aws_iam_policy.role_pass" in found["passed"]
    assert "aws_iam_role_policy.role_fail_everything" in found["failed"]


def test_connect_message(gate: Gate) -> None:
    said = messages(judge_plan(gate, FIXTURE), CONNECT)
    assert said["aws_iam_policy.connect_later_fail"] == (
        "rds-db:connect is allowed for more than one named user"
    )


@pytest.mark.parametrize("tier", ["sandbox", "development", "staging"])
def test_every_tier(gate: Gate, tier: str) -> None:
    policies = {METADATA, DISKS, ADDRESS, KEY_PAIR, ROLE, CONNECT}
    verdict = judge_files(gate, FIXTURE, tier)
    assert policies <= {finding.policy.id for finding in verdict.findings}
