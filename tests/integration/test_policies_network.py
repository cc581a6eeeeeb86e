"""policies/network.py and policies/reach.py: who reaches whom, nothing public, two zones."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.policy.gate import Case, Gate
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

FIXTURE = "network"
DATABASE, PROXY, WORKER = "NEXUS_DATABASE_REACH", "NEXUS_PROXY_REACH", "NEXUS_WORKER_REACH"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    directory = tmp_path_factory.mktemp("gate")
    with Gate(POLICIES, directory / "policy.log", directory / "cache") as gate:
        yield gate


def only(found: dict[str, set[str]], *left_out: str) -> dict[str, set[str]]:
    """Without the cases of other policies, whose names begin with these."""
    return {
        outcome: {name for name in names if not name.startswith(left_out)}
        for outcome, names in found.items()
    }


# Who reaches the database.

PUBLIC = "aws_db_instance.public_"
ADMITS_PROXY = named(
    "aws_db_instance",
    *("pass_rule", "pass_inline", "pass_old_rule", "pass_nobody", "pass_other_port"),
    *("pass_dynamic", "pass_no_rule"),
) | {"module.pass.aws_db_instance.main"}
# What the plan alone shows: ids and sources that AWS has not made yet do not matter to these.
ADMITS_ADDRESSES = named(
    "aws_db_instance",
    *("fail_addresses", "fail_addresses_v6", "fail_second_inline", "fail_attribute"),
    *("fail_dynamic", "fail_static_beside_dynamic", "fail_workers", "fail_prefix_list"),
    *("fail_counted_rule", "fail_second_group", "fail_foreign_source", "fail_ports"),
    *("fail_protocol", "fail_default_group", "fail_empty"),
) | {"module.fail.aws_db_instance.main"}
DATABASE_UNKNOWN = named(
    "aws_db_instance",
    *("unknown_foreign", "unknown_beside_known", "unknown_source", "unknown_dynamic"),
)
DATABASE_LATER = named("aws_db_instance", "later_port")


def test_database_reach_in_hcl(gate: Gate) -> None:
    found = only(outcomes(judge_files(gate, FIXTURE), DATABASE), PUBLIC)
    assert found == sets(
        passed=ADMITS_PROXY, failed=ADMITS_ADDRESSES, deferred=DATABASE_UNKNOWN | DATABASE_LATER
    )


def test_database_reach_in_a_plan_with_its_files(gate: Gate) -> None:
    found = only(outcomes(judge_both(gate, FIXTURE), DATABASE), PUBLIC)
    assert found == sets(
        passed=ADMITS_PROXY | DATABASE_LATER, failed=ADMITS_ADDRESSES | DATABASE_UNKNOWN
    )


def test_database_reach_in_a_plan_alone(gate: Gate) -> None:
    # Before the first apply a plan knows neither the port nor that no inline rule is written.
    found = only(outcomes(judge_plan(gate, FIXTURE), DATABASE), PUBLIC)
    every = ADMITS_PROXY | DATABASE_LATER | ADMITS_ADDRESSES | DATABASE_UNKNOWN
    assert found == sets(failed=every)


def test_database_reach_messages(gate: Gate) -> None:
    said = messages(judge_files(gate, FIXTURE), DATABASE)
    assert said["aws_db_instance.fail_second_inline"] == (
        "aws_security_group.database_fail_second_inline.ingress.2 has cidr_blocks 10.0.0.0/16"
    )
    assert said["aws_db_instance.fail_workers"] == (
        "aws_security_group_rule.database_fail_workers admits aws_security_group.workers, "
        "which is not the proxy's group"
    )
    assert said["aws_db_instance.fail_ports"] == (
        "aws_vpc_security_group_ingress_rule.database_fail_ports is not about TCP port 5432 alone"
    )
    said = messages(judge_plan(gate, FIXTURE), DATABASE)
    assert said["module.fail.aws_db_instance.main"] == (
        "aws_vpc_security_group_ingress_rule.module_fail admits aws_security_group.workers, "
        "which is not the proxy's group"
    )


SHARED = """
resource "aws_security_group" "proxy" {}

resource "aws_security_group" "database" {}

resource "aws_db_proxy" "main" {
  vpc_security_group_ids = [aws_security_group.proxy.id]
}

resource "aws_db_instance" "main" {
  vpc_security_group_ids = [aws_security_group.database.id]
}

resource "aws_vpc_security_group_ingress_rule" "proxy" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.proxy.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "proxy" {
  security_group_id            = aws_security_group.proxy.id
  referenced_security_group_id = aws_security_group.database.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
"""


def test_a_rule_for_nobody_knows_which_group_is_a_doubt_about_every_group(
    gate: Gate, tmp_path: Path
) -> None:
    (tmp_path / "main.tf").write_text(SHARED)
    found = outcomes(gate.judge_files(case_of(tmp_path)), DATABASE)
    assert found == sets(passed={"aws_db_instance.main"})
    rule = """
variable "group" {}

resource "aws_security_group_rule" "somewhere" {
  type              = "ingress"
  security_group_id = var.group
  cidr_blocks       = ["10.0.0.0/16"]
  protocol          = "-1"
  from_port         = 0
  to_port           = 0
}
"""
    (tmp_path / "main.tf").write_text(SHARED + rule)
    found = outcomes(gate.judge_files(case_of(tmp_path)), DATABASE)
    assert found == sets(deferred={"aws_db_instance.main"})


def test_a_worker_that_carries_the_proxys_group_reaches_the_database(
    gate: Gate, tmp_path: Path
) -> None:
    worker = """
resource "aws_launch_template" "worker" {
  vpc_security_group_ids = [aws_security_group.proxy.id]
}
"""
    (tmp_path / "main.tf").write_text(SHARED + worker)
    assert messages(gate.judge_files(case_of(tmp_path)), WORKER) == {
        "aws_launch_template.worker": "it has aws_security_group.proxy, the security group of "
        "aws_db_proxy.main; aws_vpc_security_group_egress_rule.proxy leads to "
        "aws_security_group.database, neither a proxy's group nor an endpoint's"
    }


def applied(directory: Path, ingress: list[dict[str, object]]) -> Path:
    """The plan of a stack that stands: every id is known, and so is each rule of a group."""
    proxys, databases = "sg-0000000000000000a", "sg-0000000000000000d"
    values: dict[str, dict[str, object]] = {
        "aws_security_group.proxy": {"id": proxys, "ingress": []},
        "aws_security_group.database": {"id": databases, "ingress": ingress},
        "aws_db_proxy.main": {"vpc_security_group_ids": [proxys]},
        "aws_db_instance.main": {"port": 5432, "vpc_security_group_ids": [databases]},
    }
    planned: list[dict[str, object]] = []
    changes: list[dict[str, object]] = []
    written: list[dict[str, object]] = []
    for address, value in values.items():
        kind, name = address.split(".")
        this: dict[str, object] = {"address": address, "mode": "managed"}
        this |= {"type": kind, "name": name}
        planned.append(this | {"values": value})
        changes.append(this | {"change": {"actions": ["no-op"], "after": value}})
        written.append(this | {"expressions": {}})
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": written}},
    }
    (directory / "plan.json").write_text(json.dumps(plan))
    return directory / "plan.json"


def test_a_rule_that_somebody_added_by_hand_fails_the_plan_of_a_standing_stack(
    gate: Gate, tmp_path: Path
) -> None:
    from_proxy: dict[str, object] = {
        "protocol": "tcp",
        "from_port": 5432,
        "to_port": 5432,
        "security_groups": ["sg-0000000000000000a"],
        "cidr_blocks": [],
        "self": False,
    }
    by_hand = from_proxy | {"security_groups": [], "cidr_blocks": ["10.0.0.0/16"]}
    plan = applied(tmp_path, [from_proxy])
    case = Case("standing", "production", plan, {})
    assert outcomes(gate.judge_plan(case, plan), DATABASE) == sets(passed={"aws_db_instance.main"})
    applied(tmp_path, [from_proxy, by_hand])
    assert messages(gate.judge_plan(case, plan), DATABASE) == {
        "aws_db_instance.main": "aws_security_group.database.ingress.2 has cidr_blocks 10.0.0.0/16"
    }


# Who reaches the proxy, and whom workers reach.

PROXY_PASSED = named("aws_db_proxy", "pass", "fail_one_zone", "later_counted") | {
    "aws_db_proxy_endpoint.pass"
}
PROXY_FAILED = named(
    "aws_db_proxy", "fail_addresses", "fail_port", "fail_prefix_list", "fail_default_group"
) | {"aws_db_proxy_endpoint.fail_endpoint"}
PROXY_UNKNOWN = named("aws_db_proxy", "unknown_address", "unknown_dynamic", "unknown_foreign")

WORKER_PASSED = {
    *("aws_launch_template.pass", "aws_instance.pass", "aws_launch_configuration.pass"),
    "aws_instance.fail_attachment",  # what is attached to it is judged where it is written
}
WORKER_FAILED = named(
    "aws_launch_template",
    *("fail_everywhere", "fail_addresses", "fail_database", "fail_port", "fail_endpoint_port"),
    *("fail_self", "fail_prefix_list", "fail_foreign", "fail_old_rule", "fail_default_group"),
    *("fail_second_interface", "fail_dynamic_interface"),
) | {
    "aws_network_interface_sg_attachment.fail",
    'aws_launch_configuration.fail_for_each["a"]',
    'aws_launch_configuration.fail_for_each["b"]',
}
WORKER_UNKNOWN = named(
    "aws_launch_template", "unknown_target", "unknown_names", "unknown_dynamic_interface"
) | {"aws_instance.unknown_interface"}
REACH = [
    (PROXY, PROXY_PASSED, PROXY_FAILED, PROXY_UNKNOWN),
    (WORKER, WORKER_PASSED, WORKER_FAILED, WORKER_UNKNOWN),
]


@pytest.mark.parametrize(("policy", "passed", "failed", "unknown"), REACH)
def test_proxy_and_worker_reach(
    gate: Gate, policy: str, passed: set[str], failed: set[str], unknown: set[str]
) -> None:
    found = outcomes(judge_files(gate, FIXTURE), policy)
    assert found == sets(passed=passed, failed=failed, deferred=unknown)
    found = outcomes(judge_both(gate, FIXTURE), policy)
    assert found == sets(passed=passed, failed=failed | unknown)
    # A group whose rules are all written inline is all that a plan alone can be sure of.
    found = outcomes(judge_plan(gate, FIXTURE), policy)
    sure = passed & {"aws_launch_configuration.pass"}
    assert found == sets(passed=sure, failed=failed | unknown | passed - sure)


def test_worker_reach_messages(gate: Gate) -> None:
    said = messages(judge_files(gate, FIXTURE), WORKER)
    assert said["aws_launch_template.fail_database"] == (
        "aws_security_group.worker_fail_database.egress.1 leads to "
        "aws_security_group.database_pass_rule, neither a proxy's group nor an endpoint's"
    )
    assert said["aws_launch_template.fail_default_group"] == (
        "no security group is named: the VPC's default group is used"
    )


# Nothing is public.

SUBNETS = {
    *('aws_subnet.pass["eu-central-1a"]', 'aws_subnet.pass["eu-central-1b"]'),
    *("aws_subnet.pass_absent", "aws_subnet.fail[0]", "aws_default_subnet.pass"),
    *(f"aws_subnet.{name}_zone[{index}]" for name in ("one", "any", "later") for index in (0, 1)),
}
PUBLIC_SUBNETS = {"aws_subnet.fail[1]", "aws_default_subnet.fail_absent"}
ROUTES = {"aws_route.pass", "aws_route_table.pass", "aws_route_table.pass_vpn"}
INTERNET_ROUTES = {"aws_route.fail", "aws_route.fail_foreign", "aws_route_table.fail_second"}
UNKNOWN_ROUTES = {"aws_route.unknown", "aws_route_table.unknown_dynamic"}


def test_subnets(gate: Gate) -> None:
    policy, unknown = "NEXUS_PRIVATE_SUBNETS", {"aws_subnet.unknown"}
    found = outcomes(judge_files(gate, FIXTURE), policy)
    uncounted = named("aws_subnet", "counted", "counted_once")
    assert found == sets(passed=SUBNETS | uncounted, failed=PUBLIC_SUBNETS, deferred=unknown)
    counted = {f"{name}[{index}]" for name in uncounted for index in (0, 1)}
    for judge in (judge_plan, judge_both):
        found = outcomes(judge(gate, FIXTURE), policy)
        assert found == sets(passed=SUBNETS | counted, failed=PUBLIC_SUBNETS | unknown)


def test_routes(gate: Gate) -> None:
    policy = "NEXUS_NO_INTERNET_ROUTE"
    found = outcomes(judge_files(gate, FIXTURE), policy)
    assert found == sets(passed=ROUTES, failed=INTERNET_ROUTES, deferred=UNKNOWN_ROUTES)
    found = outcomes(judge_both(gate, FIXTURE), policy)
    assert found == sets(passed=ROUTES, failed=INTERNET_ROUTES | UNKNOWN_ROUTES)
    # Of a table without routes a plan alone says that they are not known.
    bare = {"aws_route_table.pass"}
    found = outcomes(judge_plan(gate, FIXTURE), policy)
    assert found == sets(passed=ROUTES - bare, failed=INTERNET_ROUTES | UNKNOWN_ROUTES | bare)


def test_public_databases(gate: Gate) -> None:
    policy = "NEXUS_NOT_PUBLIC"
    failed = {"aws_db_instance.public_fail", "aws_rds_cluster_instance.fail"}
    later, unknown = {"aws_db_instance.public_later"}, {"aws_db_instance.public_unknown"}
    private = ADMITS_PROXY | ADMITS_ADDRESSES | DATABASE_UNKNOWN | DATABASE_LATER
    private |= {"aws_db_instance.public_pass"}
    found = outcomes(judge_files(gate, FIXTURE), policy)
    assert found == sets(passed=private, failed=failed, deferred=later | unknown)
    for judge in (judge_plan, judge_both):
        found = outcomes(judge(gate, FIXTURE), policy)
        assert found == sets(passed=private | later, failed=failed | unknown)


def test_open_ingress(gate: Gate) -> None:
    policy = "NEXUS_NO_OPEN_INGRESS"
    rule = "aws_vpc_security_group_ingress_rule"
    failed = {
        *named("aws_security_group", "open_fail", "open_fail_together"),
        "aws_security_group_rule.open_fail",
        f'{rule}.open_fail["0.0.0.0/1"]',
        f'{rule}.open_fail["128.0.0.0/1"]',
        f"{rule}.open_fail_prefix_list",
    }
    addresses = {f"{rule}.open_unknown", "aws_security_group.proxy_unknown_address"}
    # What is in a prefix list that is not managed here nobody knows.
    addresses |= {
        f"{rule}.database_fail_prefix_list",
        "aws_security_group.proxy_fail_prefix_list",
    }
    # How many rules there are does not matter to a plan, in which each has its sources.
    numbers = named(
        "aws_security_group",
        *("database_fail_static_beside_dynamic", "database_unknown_dynamic"),
        "proxy_unknown_dynamic",
    )
    in_files = outcomes(judge_files(gate, FIXTURE), policy)
    assert in_files["failed"] == failed
    assert in_files["deferred"] == addresses | numbers
    # Every other group and rule of the root, what is open to egress only included.
    assert "aws_security_group.worker_fail_everywhere" in in_files["passed"]
    assert "aws_security_group_rule.database_pass_old_rule_egress" in in_files["passed"]
    assert "aws_default_security_group.pass" in in_files["passed"]
    assert "aws_security_group.open_pass_private" in in_files["passed"]
    assert outcomes(judge_both(gate, FIXTURE), policy) == sets(
        passed=in_files["passed"] | numbers, failed=failed | addresses
    )
    alone = outcomes(judge_plan(gate, FIXTURE), policy)
    assert failed | addresses <= alone["failed"]
    assert all("ingress" not in name for name in alone["failed"] - failed - addresses)
    assert messages(judge_files(gate, FIXTURE), policy)["aws_security_group.open_fail"] == (
        "its 4 rules' networks are, together, everywhere; "
        "cidr_blocks of aws_security_group.open_fail.ingress.2 is 0.0.0.0/0: everywhere"
    )


# Two zones.

ZONES_PASSED = named("aws_db_subnet_group", "pass", "pass_foreign", "pass_third_unknown") | named(
    "aws_autoscaling_group", "pass", "pass_zones"
)
ZONES_FAILED = named(
    "aws_db_subnet_group", "fail_one_zone", "fail_one_subnet", "fail_twice"
) | named("aws_autoscaling_group", "fail_zones", "fail_one_subnet", "fail_counted")
ZONES_FAILED |= {"aws_db_proxy.fail_one_zone"}
# The plan knows how many subnets these are, and in which zones.
ZONES_LATER = named("aws_db_subnet_group", "later", "later_counted")
ZONES_LATER |= {"aws_db_proxy.later_counted", "aws_autoscaling_group.later_counted"}
ZONES_UNKNOWN = named(
    "aws_db_subnet_group", "unknown_zone", "unknown_subnets", "unknown_counted_once"
)
PROXIES = (PROXY_PASSED | PROXY_FAILED | PROXY_UNKNOWN) - ZONES_FAILED - ZONES_LATER
FOREIGN = {name for name in PROXIES if name.startswith("aws_db_proxy.")}


def test_two_zones(gate: Gate) -> None:
    policy = "NEXUS_TWO_ZONES"
    found = outcomes(judge_files(gate, FIXTURE), policy)
    assert found == sets(
        passed=ZONES_PASSED | FOREIGN,
        failed=ZONES_FAILED,
        deferred=ZONES_LATER | ZONES_UNKNOWN,
    )
    found = outcomes(judge_both(gate, FIXTURE), policy)
    assert found == sets(
        passed=ZONES_PASSED | FOREIGN | ZONES_LATER, failed=ZONES_FAILED | ZONES_UNKNOWN
    )
    # A plan alone takes zones that the provider computes beside subnets for unknown ones.
    unsure = {"aws_autoscaling_group.pass_zones"}
    found = outcomes(judge_plan(gate, FIXTURE), policy)
    assert found == sets(
        passed=(ZONES_PASSED | FOREIGN | ZONES_LATER) - unsure,
        failed=ZONES_FAILED | ZONES_UNKNOWN | unsure,
    )


def test_two_zones_messages(gate: Gate) -> None:
    said = messages(judge_files(gate, FIXTURE), "NEXUS_TWO_ZONES")
    assert said["aws_db_proxy.fail_one_zone"] == ("vpc_subnet_ids are all in one Availability Zone")
    assert said["aws_autoscaling_group.fail_one_subnet"] == (
        "vpc_zone_identifier has one entry, not two"
    )


@pytest.mark.parametrize("tier", ["sandbox", "development", "staging"])
def test_every_tier(gate: Gate, tier: str) -> None:
    def judged(each: str) -> set[tuple[str, str]]:
        findings = judge_files(gate, FIXTURE, each).findings
        policies = {DATABASE, PROXY, WORKER, "NEXUS_NOT_PUBLIC", "NEXUS_PRIVATE_SUBNETS"}
        policies |= {"NEXUS_NO_INTERNET_ROUTE", "NEXUS_NO_OPEN_INGRESS", "NEXUS_TWO_ZONES"}
        return {(f.policy.id, f.resource) for f in findings if f.policy.id in policies}

    assert judged(tier) == judged("production") != set()
