"""policies/reach.py: Aurora, interfaces, prefix lists, who wears whose group, the proxy's target.

What groups and rules of instances and proxies come to is in test_policies_network.py.
"""

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

FIXTURE = "reach"
DATABASE, WORKER = "NEXUS_DATABASE_REACH", "NEXUS_WORKER_REACH"
GROUPS, TARGET = "NEXUS_OWN_GROUPS", "NEXUS_PROXY_TARGET"


CLIENT = "NEXUS_CLIENT_PROXY"


def listed(*modules: str) -> set[str]:
    """Workers whose group leads to a prefix list."""
    return {f"module.{module}.aws_launch_configuration.main" for module in modules}


PASSED = {
    DATABASE: {"aws_rds_cluster.pass"},
    WORKER: {
        *("aws_instance.pass", "aws_launch_template.pass", "aws_network_interface.pass"),
        *("aws_network_interface_attachment.pass", "aws_network_interface_sg_attachment.pass"),
        "aws_spot_instance_request.pass",
    }
    | listed("pass_endpoint", "pass_data", "pass_service"),
    GROUPS: {
        *named("aws_lambda_function", "pass", "pass_no_network", "fail_client"),
        *("aws_ecs_service.pass", "aws_lb.pass", "aws_vpc_endpoint.s3"),
    },
    TARGET: named("aws_db_proxy_target", "pass", "pass_id", "pass_name"),
}
FAILED = {
    DATABASE: named("aws_rds_cluster", "fail_default_group", "fail_addresses", "fail_data_api")
    | {"aws_db_instance.given"},
    WORKER: named(
        "aws_network_interface", "fail", "fail_default_group", "fail_proxy", "fail_database"
    )
    | {"aws_network_interface_sg_attachment.fail", "aws_spot_instance_request.fail"}
    | named("aws_launch_configuration", "fail_port", "fail_client")
    | listed("fail_everywhere"),
    GROUPS: {
        *named("aws_lambda_function", "fail_proxy", "fail_dynamic"),
        *("aws_ecs_service.fail", "aws_lb.fail", "aws_vpc_endpoint.fail"),
    },
    TARGET: set[str](),
}
UNKNOWN = {
    DATABASE: {"aws_rds_cluster.unknown"},
    WORKER: {
        *("aws_network_interface.unknown", "aws_network_interface_attachment.unknown_foreign"),
        "aws_network_interface_sg_attachment.unknown_foreign",
        "aws_launch_template.unknown_interface",
    }
    | listed("unknown", "unknown_foreign"),
    GROUPS: {"aws_lambda_function.unknown"},
    TARGET: named("aws_db_proxy_target", "unknown", "unknown_foreign"),
}
# Of a group without inline rules, and of groups that are not written, a plan alone says that they
# are not known.
UNWRITTEN = {
    DATABASE: {"aws_rds_cluster.pass"},
    WORKER: {
        *("aws_instance.pass", "aws_network_interface.pass", "aws_spot_instance_request.pass"),
        "aws_network_interface_sg_attachment.pass",
    },
    GROUPS: {"aws_vpc_endpoint.s3"},
    TARGET: set[str](),
}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    directory = tmp_path_factory.mktemp("gate")
    with Gate(POLICIES, directory / "policy.log", directory / "cache") as gate:
        yield gate


@pytest.mark.parametrize("policy", [DATABASE, WORKER, GROUPS, TARGET])
def test_reach(gate: Gate, policy: str) -> None:
    passed, failed, unknown = PASSED[policy], FAILED[policy], UNKNOWN[policy]
    found = outcomes(judge_files(gate, FIXTURE), policy)
    assert found == sets(passed=passed, failed=failed, deferred=unknown)
    found = outcomes(judge_both(gate, FIXTURE), policy)
    assert found == sets(passed=passed, failed=failed | unknown)
    found = outcomes(judge_plan(gate, FIXTURE), policy)
    unwritten = UNWRITTEN[policy]
    assert found == sets(passed=passed - unwritten, failed=failed | unknown | unwritten)


def clients(*names: str) -> set[str]:
    return {f'aws_ecs_task_definition.client["{name}"]' for name in names}


def test_clients_are_given_the_proxy(gate: Gate) -> None:
    tasks = clients("fail", "fail_part", "fail_reader")
    failed = tasks | {
        *("aws_ssm_document.fail_client", "aws_lambda_function.fail_client"),
        "aws_launch_configuration.fail_client",
    }
    for judge in (judge_files, judge_both):
        found = outcomes(judge(gate, FIXTURE), CLIENT)
        assert (found["failed"], found["deferred"]) == (failed, set())
        assert clients("pass", "pass_name") <= found["passed"]
    # A plan does not tell what is in a local.
    found = outcomes(judge_plan(gate, FIXTURE), CLIENT)
    assert found["failed"] == failed | clients("pass", "pass_name")
    assert messages(judge_files(gate, FIXTURE), CLIENT)["aws_lambda_function.fail_client"] == (
        "environment has aws_db_instance.given.address: past the proxy"
    )


def test_messages(gate: Gate) -> None:
    verdict = judge_files(gate, FIXTURE)
    assert messages(verdict, GROUPS)["aws_lambda_function.fail_proxy"] == (
        "it has aws_security_group.proxy, the security group of aws_db_proxy.main"
    )
    assert messages(verdict, WORKER)["aws_network_interface.fail_database"] == (
        "it has aws_security_group.database, the security group of aws_rds_cluster.pass"
    )
    assert messages(verdict, DATABASE)["aws_rds_cluster.fail_data_api"] == (
        "enable_http_endpoint is true: the Data API reaches it past the proxy"
    )
    assert messages(judge_both(gate, FIXTURE), TARGET)["aws_db_proxy_target.unknown_foreign"] == (
        "made-elsewhere is not managed here: what protects it is not known, neither in the plan "
        "nor in the files"
    )


def test_tiers(gate: Gate) -> None:
    for policy in (DATABASE, WORKER, GROUPS, TARGET, CLIENT):
        assert gate.catalogue[policy].tiers == TIERS
