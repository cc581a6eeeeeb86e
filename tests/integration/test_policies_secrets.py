"""The policies of policies/secrets.py, on tests/fixtures/policy/secrets and its plan."""

from collections.abc import Iterator

import pytest

from nexusctl.policy.gate import Gate
from nexusctl.policy.verdict import TIERS, Verdict
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


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path_factory.mktemp("log") / "policy.log") as gate:
        yield gate


@pytest.fixture(scope="module")
def files(gate: Gate) -> Verdict:
    return judge_files(gate, "secrets")


@pytest.fixture(scope="module")
def plan(gate: Gate) -> Verdict:
    return judge_plan(gate, "secrets")


@pytest.fixture(scope="module")
def both(gate: Gate) -> Verdict:
    return judge_both(gate, "secrets")


def test_customer_keys(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = {
        "aws_db_instance.pass",
        *named("aws_cloudwatch_log_group", "pass", "pass_of_others"),
        # Whether its storage is encrypted CKV_AWS_16 says.
        "aws_db_instance.fail_storage",
        *("aws_rds_cluster.pass", "aws_rds_global_cluster.pass"),
        "aws_rds_global_cluster.pass_source",
    }
    # Without the files a plan does not tell whether a new secret will have replicas.
    good_secrets = named(
        "aws_secretsmanager_secret",
        *("pass", 'each["pass"]', 'each["fail"]', "unknown_index[0]", "unknown_index[1]"),
    )
    bad = {
        *named("aws_secretsmanager_secret", "fail_absent", "fail_alias", "fail_replica"),
        *named("aws_db_instance", "fail_master", "fail_insights"),
        *named("aws_rds_cluster", "fail", "fail_storage"),
        *("aws_rds_global_cluster.fail", "aws_cloudwatch_log_group.fail"),
    }
    unknown = {"aws_secretsmanager_secret.unknown", "aws_cloudwatch_log_group.unknown"}
    policy = "NEXUS_CUSTOMER_KEYS"
    passed = good | good_secrets
    assert outcomes(files, policy) == sets(passed=passed, failed=bad, deferred=unknown)
    assert outcomes(plan, policy) == sets(passed=good, failed=bad | unknown | good_secrets)
    assert outcomes(both, policy) == sets(passed=passed, failed=bad | unknown)


def test_key_rotation(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = named("aws_kms_key", "pass", "pass_signing")
    given = named("aws_kms_key", "pass_given")
    bad = named("aws_kms_key", "fail_absent", 'fail_off["a"]')
    unknown = named("aws_kms_key", "unknown")
    policy = "NEXUS_KEY_ROTATION"
    assert outcomes(files, policy) == sets(passed=good, failed=bad, deferred=given | unknown)
    assert outcomes(plan, policy) == sets(passed=good | given, failed=bad | unknown)
    assert outcomes(both, policy) == sets(passed=good | given, failed=bad | unknown)


def test_secret_rotation(files: Verdict, plan: Verdict, both: Verdict) -> None:
    kind = "aws_secretsmanager_secret"
    good = named(kind, "pass", 'each["pass"]', "unknown_index[0]")
    bad = named(kind, "fail_absent", "fail_alias", "fail_replica", 'each["fail"]', "unknown")
    bad |= {f"{kind}.unknown_index[1]"}
    for verdict in (files, plan, both):
        assert outcomes(verdict, "NEXUS_SECRET_ROTATION") == sets(passed=good, failed=bad)


@pytest.mark.parametrize("tier", ["sandbox", "development", "staging"])
def test_secrets_rotate_in_production_only(gate: Gate, tier: str) -> None:
    assert outcomes(judge_files(gate, "secrets", tier), "NEXUS_SECRET_ROTATION") == sets()


def test_proxy_role(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = {"module.pass.aws_db_proxy.main", "aws_db_proxy.pass_managed"}
    bad = {
        *named("aws_db_proxy", "fail_attached", "fail_inline", "fail_managed"),
        "module.fail_trust.aws_db_proxy.main",
        *(
            f'module.role["{name}"].aws_db_proxy.main'
            for name in (
                *("fail_wildcard", "fail_second", "fail_prefix", "fail_elsewhere"),
                "fail_not_action",
            )
        ),
    }
    unknown = {
        *named("aws_db_proxy", "unknown_role", "unknown_managed"),
        *("module.unknown_trust.aws_db_proxy.main", "module.unknown_key.aws_db_proxy.main"),
    }
    policy = "NEXUS_PROXY_ROLE"
    assert outcomes(files, policy) == sets(passed=good, failed=bad, deferred=unknown)
    # The ARNs of what is new are in no plan.
    assert outcomes(plan, policy) == sets(failed=good | bad | unknown)
    assert outcomes(both, policy) == sets(passed=good, failed=bad | unknown)


def test_messages(files: Verdict) -> None:
    roles = messages(files, "NEXUS_PROXY_ROLE")
    assert roles['module.role["fail_wildcard"].aws_db_proxy.main'] == (
        'module.role["fail_wildcard"].aws_iam_role_policy.main names a secret by a wildcard'
    )
    assert roles["module.fail_trust.aws_db_proxy.main"] == (
        "module.fail_trust.aws_iam_role.main trusts others than rds.amazonaws.com"
    )
    assert messages(files, "NEXUS_CUSTOMER_KEYS")["aws_db_instance.fail_insights"] == (
        "performance_insights_kms_key_id is AWS's own key"
    )


def test_a_key_of_a_replica_is_told_apart(files: Verdict) -> None:
    said = messages(files, "NEXUS_CUSTOMER_KEYS")["aws_secretsmanager_secret.fail_replica"]
    assert said.startswith("a replica's kms_key_id is ")


def test_tiers(gate: Gate) -> None:
    assert gate.catalogue["NEXUS_SECRET_ROTATION"].tiers == ("production",)
    for name in ("CUSTOMER_KEYS", "KEY_ROTATION", "PROXY_ROLE"):
        assert gate.catalogue[f"NEXUS_{name}"].tiers == TIERS
