"""policies/iam.py: what workers' roles and anybody's policies allow; who may connect."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexusctl.policy.gate import Gate
from nexusctl.policy.verdict import Verdict
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

FIXTURE = "iam"
ROLE, CONNECT = "NEXUS_WORKER_ROLE", "NEXUS_CONNECT_SCOPE"
SCOPE, MANAGED = "NEXUS_IAM_SCOPE", "NEXUS_MANAGED_POLICIES"


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


# Roles.

RIGHTS_PASSED = {
    *(f'aws_launch_template.right["pass_{name}"]' for name in ("describe", "secret", "bucket")),
    *(f'aws_launch_template.right["pass_{name}"]' for name in ("decrypt", "whole_bucket")),
    *(f'aws_launch_template.trust["pass_{name}"]' for name in ("role", "external")),
}
RIGHTS_FAILED = {
    *named("aws_launch_template", "right_fail_master", "right_fail_proxy_secret"),
    *(
        f'aws_launch_template.right["fail_{name}"]'
        for name in (
            *("secrets", "secrets_get", "master", "proxy_secret", "attach", "pass_role"),
            *("any_service", "delete", "modify", "data_api", "key", "decrypt", "terminate"),
            *("objects", "send_command", "assume"),
        )
    ),
    *(f'aws_launch_template.trust["fail_{name}"]' for name in ("root", "account")),
}
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


@pytest.mark.parametrize("judge", [judge_files, judge_both])
def test_rights(gate: Gate, judge: Callable[[Gate, str], Verdict]) -> None:
    found = outcomes(judge(gate, FIXTURE), ROLE)
    rights, trusts = only(found, "right"), only(found, "trust")
    assert {name: rights[name] | trusts[name] for name in found} == sets(
        passed=RIGHTS_PASSED, failed=RIGHTS_FAILED
    )


def test_rights_in_a_plan_alone(gate: Gate) -> None:
    # It does not know that a role has no further managed policies, so none passes.
    found = outcomes(judge_plan(gate, FIXTURE), ROLE)
    assert found["failed"] >= RIGHTS_PASSED | RIGHTS_FAILED
    said = messages(judge_plan(gate, FIXTURE), ROLE)
    sure = RIGHTS_FAILED - named(
        "aws_launch_template", "right_fail_master", "right_fail_proxy_secret"
    )
    assert not [name for name in sure if "before apply" in said[name]]


def test_rights_messages(gate: Gate) -> None:
    said = messages(judge_files(gate, FIXTURE), ROLE)
    assert said['aws_launch_template.right["fail_attach"]'] == (
        'inline_policy of aws_iam_role.rights["fail_attach"] allows iam:AttachRolePolicy, '
        "which no worker needs"
    )
    assert said["aws_launch_template.right_fail_master"] == (
        "aws_iam_role_policy.master opens a secret of the database: workers use IAM"
    )
    assert said['aws_launch_template.trust["fail_account"]'] == (
        'aws_iam_role.trusts["fail_account"] can be taken by all of account 999988887777'
    )


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


@pytest.mark.parametrize(
    ("bucket", "outcome"), [("state", "failed"), ("st*", "failed"), ("manifests", "passed")]
)
def test_the_state_is_not_the_workers(
    gate: Gate, tmp_path: Path, bucket: str, outcome: str
) -> None:
    policy = f"""
terraform {{
  backend "s3" {{
    bucket = "state"
    key    = "nexus"
    region = "eu-central-1"
  }}
}}

resource "aws_iam_role_policy" "state" {{
  role = aws_iam_role.worker.name
  policy = jsonencode({{
    Statement = {{
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "arn:aws:s3:::{bucket}/*"
    }}
  }})
}}
"""
    (tmp_path / "main.tf").write_text(ONE_ROLE.replace("ROLES", '"other"') + policy)
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
        passed=CONNECT_PASSED | CONNECT_LATER,
        failed=CONNECT_FAILED | CONNECT_LATER_FAIL,
        deferred=CONNECT_UNKNOWN,
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


# What policies allow.

SCOPE_PASSED = {
    *(
        f'aws_iam_role_policy.scope["{name}"]'
        for name in ("pass_narrow", "pass_named", "pass_prefix", "pass_deny")
    ),
    *("aws_iam_policy.scope_pass", "aws_iam_role.scope_pass"),
}
SCOPE_FAILED = {
    *(
        f'aws_iam_role_policy.scope["{name}"]'
        for name in (
            *("fail_arn", "fail_stars", "fail_kind", "fail_pattern", "fail_secrets", "fail_all"),
            *("fail_second", "fail_not", "fail_resources"),
        )
    ),
    *("aws_iam_policy.scope_fail", "aws_iam_user_policy.scope_fail"),
    *("aws_iam_group_policy.scope_fail", "aws_iam_role.scope_fail"),
}
SCOPE_LATER, SCOPE_UNKNOWN = {"aws_iam_policy.scope_later"}, {"aws_iam_policy.scope_unknown"}


def test_scope(gate: Gate) -> None:
    found = only(outcomes(judge_files(gate, FIXTURE), SCOPE), "scope")
    assert found == sets(
        passed=SCOPE_PASSED, failed=SCOPE_FAILED, deferred=SCOPE_LATER | SCOPE_UNKNOWN
    )
    failed = SCOPE_FAILED | SCOPE_UNKNOWN
    found = only(outcomes(judge_both(gate, FIXTURE), SCOPE), "scope")
    assert found == sets(passed=SCOPE_PASSED | SCOPE_LATER, failed=failed)
    found = only(outcomes(judge_plan(gate, FIXTURE), SCOPE), "scope")
    assert found == sets(passed=SCOPE_PASSED | SCOPE_LATER, failed=failed)


MANAGED_PASSED = {
    *named("aws_iam_role_policy_attachment", "managed_pass", "managed_pass_elsewhere"),
    *named("aws_iam_user_policy_attachment", 'managed["pass_ssm"]', 'managed["pass_logs"]'),
}
MANAGED_FAILED = {
    *(
        f'aws_iam_user_policy_attachment.managed["{name}"]'
        for name in (
            *("fail_admin", "fail_power", "fail_iam", "fail_rds", "fail_lambda", "fail_job"),
            *("fail_secrets", "fail_admin_others"),
        )
    ),
    *("aws_iam_group_policy_attachment.managed_fail", "aws_iam_policy_attachment.managed_fail"),
    "aws_iam_user_policy_attachments_exclusive.managed_fail",
    "aws_iam_group_policy_attachments_exclusive.managed_fail",
    "aws_iam_role.managed_fail",
}
MANAGED_LATER, MANAGED_LATER_FAIL, MANAGED_UNKNOWN = (
    named("aws_iam_role_policy_attachment", name)
    for name in ("managed_later", "managed_later_fail", "managed_unknown")
)


def test_managed_policies(gate: Gate) -> None:
    found = only(outcomes(judge_files(gate, FIXTURE), MANAGED), "managed")
    assert found == sets(
        passed=MANAGED_PASSED,
        failed=MANAGED_FAILED,
        deferred=MANAGED_LATER | MANAGED_LATER_FAIL | MANAGED_UNKNOWN,
    )
    passed = MANAGED_PASSED | MANAGED_LATER
    failed = MANAGED_FAILED | MANAGED_LATER_FAIL | MANAGED_UNKNOWN
    for judge in (judge_both, judge_plan):
        found = only(outcomes(judge(gate, FIXTURE), MANAGED), "managed")
        assert found == sets(passed=passed, failed=failed)


def test_managed_policies_of_workers_are_judged_too(gate: Gate) -> None:
    said = messages(judge_files(gate, FIXTURE), MANAGED)
    assert said["aws_iam_role_policy_attachment.role_fail_administrator"] == (
        "policy_arn is that of AdministratorAccess"
    )
    assert (
        said["aws_iam_role.fail_managed_arns"] == "managed_policy_arns is that of PowerUserAccess"
    )


@pytest.mark.parametrize("tier", ["sandbox", "development", "staging"])
def test_every_tier(gate: Gate, tier: str) -> None:
    verdict = judge_files(gate, FIXTURE, tier)
    assert {ROLE, CONNECT, SCOPE, MANAGED} <= {finding.policy.id for finding in verdict.findings}
