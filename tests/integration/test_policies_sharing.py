"""policies/sharing.py: nothing of the stack is open to everybody."""

from collections.abc import Iterator

import pytest

from nexusctl.policy.gate import Gate
from nexusctl.policy.verdict import TIERS
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

POLICY, FIXTURE = "NEXUS_NOT_SHARED", "sharing"

ROLES = named(
    "aws_iam_role",
    *('each["pass_account"]', 'each["pass_arn"]', 'each["pass_organization"]'),
    *('each["pass_service"]', 'each["pass_workflow"]', 'each["pass_saml"]'),
)
# What is all written, so that a plan alone knows it.
WRITTEN = ROLES | {
    *("aws_ami_launch_permission.pass", "aws_db_snapshot.pass", "aws_kms_key.pass_caller"),
    *("aws_lambda_function_url.pass", "aws_s3_bucket_policy.pass"),
    *named("aws_lambda_permission", "pass", "pass_organization"),
    *("aws_s3_bucket_public_access_block.pass", "aws_snapshot_create_volume_permission.pass"),
}
# What the provider computes where it is not written, and a document with a new ARN in it.
UNWRITTEN = {
    *("aws_kms_key.pass", "aws_s3_bucket.pass", "aws_s3_bucket_acl.pass"),
    *("aws_secretsmanager_secret.pass", "aws_secretsmanager_secret_policy.pass"),
}
FAILED = {
    *named(
        "aws_iam_role",
        *('each["fail_anybody"]', 'each["fail_aws"]', 'each["fail_second"]', 'each["fail_not"]'),
        *('each["fail_tls"]', 'each["fail_if_exists"]', 'each["fail_wildcard"]'),
        *('each["fail_other_than"]', 'each["fail_github"]', 'each["fail_audience"]'),
        'each["fail_beside"]',
    ),
    *("aws_secretsmanager_secret.fail", "aws_secretsmanager_secret_policy.fail"),
    *("aws_kms_key.fail", "aws_kms_key_policy.fail"),
    *named("aws_s3_bucket", "fail_acl", "fail_grant"),
    *named("aws_s3_bucket_acl", "fail", "fail_grant"),
    *("aws_s3_bucket_policy.fail", "aws_s3_bucket_public_access_block.fail"),
    *("aws_s3_account_public_access_block.fail_absent", "aws_ami_launch_permission.fail"),
    *("aws_db_snapshot.fail", "aws_db_snapshot_copy.fail", "aws_db_cluster_snapshot.fail"),
    *("aws_ebs_snapshot_block_public_access.fail", "aws_lambda_permission.fail"),
    *("aws_lambda_function_url.fail", "aws_snapshot_create_volume_permission.fail"),
}
LATER = {"aws_iam_role.later", "aws_lambda_permission.later"}
UNKNOWN = {"aws_iam_role.unknown", "aws_db_snapshot.unknown"}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path_factory.mktemp("log") / "policy.log") as gate:
        yield gate


def test_in_hcl(gate: Gate) -> None:
    found = outcomes(judge_files(gate, FIXTURE), POLICY)
    assert found == sets(passed=WRITTEN | UNWRITTEN, failed=FAILED, deferred=LATER | UNKNOWN)


def test_in_a_plan_with_its_files(gate: Gate) -> None:
    found = outcomes(judge_both(gate, FIXTURE), POLICY)
    assert found == sets(passed=WRITTEN | UNWRITTEN | LATER, failed=FAILED | UNKNOWN)


def test_in_a_plan_alone(gate: Gate) -> None:
    found = outcomes(judge_plan(gate, FIXTURE), POLICY)
    assert found == sets(passed=WRITTEN | LATER, failed=FAILED | UNKNOWN | UNWRITTEN)


def test_messages(gate: Gate) -> None:
    said = messages(judge_files(gate, FIXTURE), POLICY)
    assert said['aws_iam_role.each["fail_tls"]'] == "assume_role_policy lets everybody in"
    assert said["aws_db_snapshot.fail"] == "shared_accounts is all: open to everybody"
    assert said["aws_lambda_permission.fail"] == "principal is *: everybody may call the function"
    assert said["aws_s3_bucket_public_access_block.fail"] == (
        "restrict_public_buckets is false, not true"
    )


def test_tiers(gate: Gate) -> None:
    assert gate.catalogue[POLICY].tiers == TIERS
