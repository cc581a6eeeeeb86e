"""The policies of policies/authentication.py, on their fixture and its plan."""

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

PROXIES = {
    *named("aws_db_proxy", "pass", "pass_dynamic", "pass_given"),
    *named("aws_db_proxy", "fail_second", "fail_absent", "fail_variable", "fail_dynamic"),
    *named("aws_db_proxy", "fail_one_of_dynamic", "fail_static_beside_dynamic"),
    *named("aws_db_proxy", "fail_unknown_number", "unknown_number", "unknown_second"),
    *named("aws_db_proxy", "fail_scheme", "fail_elsewhere", "fail_no_secret", "fail_username"),
    *named("aws_db_proxy", "fail_master", "unknown_secret", "unknown_branch"),
    *named("aws_db_proxy", "fail_md5", "fail_left_out"),
    "module.proxy.aws_db_proxy.pass",
}
# Of these a plan does not tell what their dynamic blocks refer to.
DYNAMIC = {
    *named("aws_db_proxy", "pass_dynamic", "fail_dynamic", "fail_one_of_dynamic"),
    "module.proxy.aws_db_proxy.pass",
}


def proxies(*, failed: set[str], deferred: set[str] | None = None) -> dict[str, set[str]]:
    """All proxies: these fail, these are deferred, and the others pass."""
    later = deferred or set()
    assert failed | later <= PROXIES
    return sets(passed=PROXIES - failed - later, failed=failed, deferred=later)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path_factory.mktemp("log") / "policy.log") as gate:
        yield gate


@pytest.fixture(scope="module")
def files(gate: Gate) -> Verdict:
    return judge_files(gate, "authentication")


@pytest.fixture(scope="module")
def plan(gate: Gate) -> Verdict:
    return judge_plan(gate, "authentication")


@pytest.fixture(scope="module")
def both(gate: Gate) -> Verdict:
    return judge_both(gate, "authentication")


def test_proxy_authentication(files: Verdict, plan: Verdict, both: Verdict) -> None:
    bad = {
        *named("aws_db_proxy", "fail_second", "fail_absent", "fail_variable", "fail_dynamic"),
        *named("aws_db_proxy", "fail_one_of_dynamic", "fail_static_beside_dynamic"),
        "aws_db_proxy.fail_unknown_number",
    }
    unknown = named("aws_db_proxy", "unknown_number", "unknown_second")
    given = named("aws_db_proxy", "pass_given")
    policy = "NEXUS_PROXY_AUTHENTICATION"
    assert outcomes(files, policy) == proxies(failed=bad, deferred=unknown | given)
    assert outcomes(plan, policy) == proxies(failed=bad | unknown)
    assert outcomes(both, policy) == proxies(failed=bad | unknown)


def test_proxy_secrets(files: Verdict, plan: Verdict, both: Verdict) -> None:
    bad = named(
        "aws_db_proxy",
        *("fail_scheme", "fail_elsewhere", "fail_no_secret", "fail_username", "fail_master"),
    )
    unknown = named(
        "aws_db_proxy",
        *("fail_unknown_number", "unknown_number", "unknown_secret", "unknown_branch"),
    )
    policy = "NEXUS_PROXY_SECRETS"
    assert outcomes(files, policy) == proxies(failed=bad, deferred=unknown)
    assert outcomes(plan, policy) == proxies(failed=bad | unknown | DYNAMIC)
    assert outcomes(both, policy) == proxies(failed=bad | unknown)


def test_proxy_scram(files: Verdict, plan: Verdict, both: Verdict) -> None:
    bad = named("aws_db_proxy", "fail_md5", "fail_left_out")
    unknown = named("aws_db_proxy", "fail_unknown_number", "unknown_number")
    policy = "NEXUS_PROXY_SCRAM"
    assert outcomes(files, policy) == proxies(failed=bad, deferred=unknown)
    assert outcomes(plan, policy) == proxies(failed=bad | unknown)
    assert outcomes(both, policy) == proxies(failed=bad | unknown)


def test_master_password(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = {*named("aws_db_instance", "pass", "pass_replica"), "aws_rds_cluster.pass"}
    bad = {
        *named("aws_db_instance", "fail_off", "fail_write_only", "fail_nothing"),
        "aws_rds_cluster.fail",
    }
    unknown = named("aws_db_instance", "unknown_managed")
    policy = "NEXUS_MASTER_PASSWORD"
    assert outcomes(files, policy) == sets(passed=good, failed=bad, deferred=unknown)
    assert outcomes(plan, policy) == sets(passed=good, failed=bad | unknown)
    assert outcomes(both, policy) == sets(passed=good, failed=bad | unknown)


def test_messages_name_the_block_and_no_password(files: Verdict, plan: Verdict) -> None:
    secrets = messages(files, "NEXUS_PROXY_SECRETS")
    assert secrets["aws_db_proxy.fail_elsewhere"] == (
        "secret_arn of auth block 2 is no secret of this stack"
    )
    assert secrets["aws_db_proxy.fail_master"] == (
        "secret_arn of auth block 1 is the master user's secret"
    )
    assert messages(files, "NEXUS_MASTER_PASSWORD")["aws_db_instance.fail_write_only"] == (
        "password_wo is set; manage_master_user_password is not set, so not true"
    )
    assert "planted" not in repr((files, plan))


def test_password_scram(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = named("aws_db_parameter_group", "pass", "pass_silent")
    given = named("aws_db_parameter_group", "pass_parameter_given")
    bad = named("aws_db_parameter_group", "fail", "fail_accepted")
    bad |= {"aws_rds_cluster_parameter_group.fail"}
    unknown = named("aws_db_parameter_group", "unknown")
    policy = "NEXUS_PASSWORD_SCRAM"
    assert outcomes(files, policy) == sets(passed=good, failed=bad, deferred=given | unknown)
    assert outcomes(plan, policy) == sets(passed=good | given, failed=bad | unknown)
    assert outcomes(both, policy) == sets(passed=good | given, failed=bad | unknown)
    assert messages(files, policy)["aws_db_parameter_group.fail"] == (
        "password_encryption is md5, not SCRAM"
    )


def test_tiers_and_waivers(gate: Gate) -> None:
    for name in ("PROXY_AUTHENTICATION", "PROXY_SECRETS", "PROXY_SCRAM", "PASSWORD_SCRAM"):
        assert gate.catalogue[f"NEXUS_{name}"].tiers == TIERS
    assert gate.catalogue["NEXUS_MASTER_PASSWORD"].tiers == TIERS
    assert not gate.catalogue["NEXUS_MASTER_PASSWORD"].waivable
    assert gate.catalogue["NEXUS_PROXY_AUTHENTICATION"].remedy == "REQUIRED"
