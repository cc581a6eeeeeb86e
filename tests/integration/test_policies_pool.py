"""The policies of policies/pool.py, on tests/fixtures/policy/pool and its plan."""

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
)

GROUP = "aws_db_proxy_default_target_group"
POOLS = {
    *named(GROUP, "pass", "pass_equal", "pass_dynamic", "pass_given", "pass_mysql"),
    *named(GROUP, "fail_nothing", "fail_defaults", "fail_idle", "fail_greedy", "fail_borrow"),
    *named(GROUP, "fail_filters", "pass_set", "pass_prepare", "fail_password"),
    *named(GROUP, "unknown", "unknown_number", "fail_unknown_number"),
    f"module.pool.{GROUP}.pass",
}
PROXIES = named(
    "aws_db_proxy",
    *("pass", "pass_mysql", "pass_text", "pass_given", "unknown"),
    *("fail_absent", 'fail_long["hours"]', 'fail_long["days"]', "fail_short"),
)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path_factory.mktemp("log") / "policy.log") as gate:
        yield gate


@pytest.fixture(scope="module")
def files(gate: Gate) -> Verdict:
    return judge_files(gate, "pool")


@pytest.fixture(scope="module")
def plan(gate: Gate) -> Verdict:
    return judge_plan(gate, "pool")


@pytest.fixture(scope="module")
def both(gate: Gate) -> Verdict:
    return judge_both(gate, "pool")


def found(verdict: Verdict, policy: str, among: set[str]) -> tuple[set[str], set[str]]:
    """What of these fails and what is deferred: all others pass."""
    seen = outcomes(verdict, policy)
    assert seen["passed"] == among - seen["failed"] - seen["deferred"]
    return seen["failed"], seen["deferred"]


def test_pool_idle(files: Verdict, plan: Verdict, both: Verdict) -> None:
    bad = named(GROUP, "fail_nothing", "fail_idle", "fail_unknown_number")
    # The plan shows the provider's defaults, as if somebody had written them.
    unwritten = named(GROUP, "fail_defaults")
    unknown = named(GROUP, "unknown", "unknown_number")
    given = named(GROUP, "pass_given")
    policy = "NEXUS_POOL_IDLE"
    assert found(files, policy, POOLS) == (bad | unwritten, unknown | given)
    assert found(plan, policy, POOLS) == (bad | unknown, set())
    assert found(both, policy, POOLS) == (bad | unknown, set())


def test_pool_timeouts(files: Verdict, plan: Verdict, both: Verdict) -> None:
    bad = {
        *named(GROUP, "fail_nothing", "fail_borrow", "fail_unknown_number"),
        *named("aws_db_proxy", "fail_short", 'fail_long["days"]'),
    }
    unwritten = named(GROUP, "fail_defaults")
    unknown = {*named(GROUP, "unknown", "unknown_number"), "aws_db_proxy.unknown"}
    given = named("aws_db_proxy", "pass_given")
    policy, among = "NEXUS_POOL_TIMEOUTS", POOLS | PROXIES
    assert found(files, policy, among) == (bad | unwritten, unknown | given)
    absent = named("aws_db_proxy", "fail_absent")  # to the plan alone it is not known
    assert found(plan, policy, among) == (bad | unknown | absent, set())
    assert found(both, policy, among) == (bad | unknown, set())


def test_idle_client_timeout(files: Verdict, plan: Verdict, both: Verdict) -> None:
    bad = named("aws_db_proxy", "fail_absent", 'fail_long["hours"]', 'fail_long["days"]')
    unknown = named("aws_db_proxy", "unknown")
    given = named("aws_db_proxy", "pass_given")
    policy = "NEXUS_IDLE_CLIENT_TIMEOUT"
    assert found(files, policy, PROXIES) == (bad, unknown | given)
    assert found(plan, policy, PROXIES) == (bad | unknown, set())
    assert found(both, policy, PROXIES) == (bad | unknown, set())


def test_pool_headroom(files: Verdict, plan: Verdict, both: Verdict) -> None:
    without_pool = PROXIES - named("aws_db_proxy", "pass", "pass_mysql")
    bad = without_pool | named(
        GROUP, "fail_nothing", "fail_defaults", "fail_greedy", "fail_unknown_number"
    )
    unknown = named(GROUP, "unknown", "unknown_number")
    given = named(GROUP, "pass_given")
    policy, among = "NEXUS_POOL_HEADROOM", POOLS | PROXIES
    assert found(files, policy, among) == (bad, unknown | given)
    assert found(plan, policy, among) == (bad | unknown, set())
    assert found(both, policy, among) == (bad | unknown, set())


def test_pool_pinning(files: Verdict, plan: Verdict, both: Verdict) -> None:
    bad = named(GROUP, "fail_filters", "fail_unknown_number")
    unknown = named(GROUP, "unknown", "unknown_number")
    nothing = named(GROUP, "fail_nothing")  # to the plan alone the pool is not known
    policy = "NEXUS_POOL_PINNING"
    assert found(files, policy, POOLS) == (bad, unknown)
    assert found(plan, policy, POOLS) == (bad | unknown | nothing, set())
    assert found(both, policy, POOLS) == (bad | unknown, set())


def test_pool_init_query(files: Verdict, plan: Verdict, both: Verdict) -> None:
    bad = named(GROUP, "fail_password", "fail_unknown_number")
    unknown = named(GROUP, "unknown", "unknown_number")
    nothing = named(GROUP, "fail_nothing")
    policy = "NEXUS_POOL_INIT_QUERY"
    assert found(files, policy, POOLS) == (bad, unknown)
    assert found(plan, policy, POOLS) == (bad | unknown | nothing, set())
    assert found(both, policy, POOLS) == (bad | unknown, set())


def test_messages(files: Verdict) -> None:
    assert messages(files, "NEXUS_POOL_IDLE")[f"{GROUP}.fail_idle"] == (
        "max_idle_connections_percent is 71, above max_connections_percent, 70"
    )
    assert messages(files, "NEXUS_POOL_TIMEOUTS")[f"{GROUP}.fail_borrow"] == (
        "connection_borrow_timeout is 3600, not 0 to 300"
    )
    assert messages(files, "NEXUS_POOL_INIT_QUERY")[f"{GROUP}.fail_password"] == (
        "init_query has a password in it"
    )
    assert "planted" not in repr(files)


def test_tiers_and_remedies(gate: Gate) -> None:
    for name in ("IDLE", "TIMEOUTS", "HEADROOM", "PINNING", "INIT_QUERY"):
        assert gate.catalogue[f"NEXUS_POOL_{name}"].tiers == TIERS
    assert gate.catalogue["NEXUS_IDLE_CLIENT_TIMEOUT"].remedy == "30m"
    assert gate.catalogue["NEXUS_POOL_HEADROOM"].remedy == 90
