"""The policies of policies/tls.py, on tests/fixtures/policy/tls and its plan."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.environment.load import load
from nexusctl.policy.gate import Case, Gate
from nexusctl.policy.verdict import TIERS, Verdict
from nexusctl.render.render import render
from nexusctl.workspace import shipped_assets
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
    return judge_files(gate, "tls")


@pytest.fixture(scope="module")
def plan(gate: Gate) -> Verdict:
    return judge_plan(gate, "tls")


@pytest.fixture(scope="module")
def both(gate: Gate) -> Verdict:
    return judge_both(gate, "tls")


def test_proxy_tls(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = named("aws_db_proxy", "pass")
    given = named("aws_db_proxy", "pass_given")
    unknown = named("aws_db_proxy", "unknown")
    bad = named("aws_db_proxy", "fail_absent", 'fail_variable["a"]', 'fail_variable["b"]')
    policy = "NEXUS_PROXY_TLS"
    assert outcomes(files, policy) == sets(passed=good, failed=bad, deferred=given | unknown)
    assert outcomes(plan, policy) == sets(passed=good | given, failed=bad | unknown)
    assert outcomes(both, policy) == sets(passed=good | given, failed=bad | unknown)


def versions(*names: str) -> set[str]:
    return {f'aws_db_instance.versions["{name}"]' for name in names}


def test_database_tls(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = {
        *named("aws_db_instance", "pass", "pass_dynamic"),
        *named("module.database.aws_db_instance", 'pass["blue"]', 'pass["green"]'),
    }
    bad = {
        *named("aws_db_instance", "fail_absent", "fail_off", "fail_silent", "fail_mysql"),
        *("aws_db_instance.fail_twice", "aws_rds_cluster.fail"),
        *versions("fail_upper", "fail_oldest", "fail_twice"),
    }
    good |= versions("pass_newest", "pass_upper")
    unknown = versions("unknown_older") | named(
        "aws_db_instance", "unknown", "unknown_group", "unknown_branch", "unknown_number"
    )
    policy = "NEXUS_DATABASE_TLS"
    assert outcomes(files, policy) == sets(passed=good, failed=bad, deferred=unknown)
    assert outcomes(plan, policy) == sets(passed=good, failed=bad | unknown)
    assert outcomes(both, policy) == sets(passed=good, failed=bad | unknown)


def test_database_ca(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = {
        "aws_db_instance.pass",
        *named("module.database.aws_db_instance", 'pass["blue"]', 'pass["green"]'),
        *versions("pass_newest", "pass_upper", "fail_upper", "fail_oldest", "fail_twice"),
        *versions("unknown_older"),
    }
    unknown = named("aws_db_instance", "unknown_number")
    bad = named(
        "aws_db_instance",
        *("pass_dynamic", "fail_absent", "fail_off", "fail_silent", "fail_mysql", "fail_twice"),
        *("unknown", "unknown_group", "unknown_branch"),
    )
    policy = "NEXUS_DATABASE_CA"
    assert outcomes(files, policy) == sets(passed=good, failed=bad, deferred=unknown)
    assert outcomes(plan, policy) == sets(passed=good, failed=bad | unknown)
    assert outcomes(both, policy) == sets(passed=good, failed=bad | unknown)


TLS_ON = (
    *("pass_option", "pass_flag", "pass_driver", "pass_comment", "pass_written", "pass_cleared"),
    *("pass_exported", "pass_each", "pass_continued", "pass_other"),
)
TLS_OFF = (
    *("fail_option", "fail_hyphen", "fail_no_ssl", "fail_ssl_false", "fail_flag", "fail_off"),
    *("fail_prefix", "fail_question", "fail_ampersand", "fail_encoded", "fail_jdbc", "fail_node"),
    *("fail_prefer", "fail_comment", "fail_echo", "fail_unset", "fail_env_unset"),
    *("fail_env_empty", "fail_empty", "fail_second", "fail_prefixed", "fail_two_urls"),
)


def dms(*names: str) -> set[str]:
    return {f'aws_dms_endpoint.database["{name}"]' for name in names}


def test_client_tls(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = {
        *named("aws_launch_template", "pass_cloud_config", "pass_gzip", "pass_no_client"),
        *("aws_launch_template.pass_none[0]", "aws_ecs_task_definition.pass"),
        *(f'aws_launch_template.off["{name}"]' for name in TLS_ON),
        *("aws_ssm_document.pass", *dms("pass", "pass_mysql")),
    }
    # A plan has neither what is partly unknown nor the user data of an instance.
    good_in_files = {
        *("aws_launch_template.pass_shell", "aws_instance.pass", "aws_lambda_function.pass"),
    }
    bad = {
        *named("aws_launch_template", "fail_shell", "fail_cloud_config", "fail_nested"),
        *named("aws_launch_template", "fail_without", "fail_one_of_two"),
        *("aws_instance.fail", "aws_launch_configuration.fail", "aws_lambda_function.fail"),
        *named("aws_ecs_task_definition", "fail_second", "fail_command"),
        *(f'aws_launch_template.off["{name}"]' for name in TLS_OFF),
        *("aws_lambda_function.fail_off", "aws_batch_job_definition.fail"),
        *("aws_ssm_document.fail", "aws_ssm_association.fail", "aws_spot_instance_request.fail"),
        *dms("fail", "fail_none"),
    }
    unknown = {
        *named("aws_launch_template", "unknown", "unknown_line", "unknown_mode"),
        *("aws_lambda_function.unknown_url", "aws_ecs_task_definition.unknown_secret"),
        *dms("unknown"),
    }
    policy = "NEXUS_CLIENT_TLS"
    passed = good | good_in_files
    assert outcomes(files, policy) == sets(passed=passed, failed=bad, deferred=unknown)
    assert outcomes(plan, policy) == sets(passed=good, failed=bad | unknown | good_in_files)
    assert outcomes(both, policy) == sets(passed=passed, failed=bad | unknown)


def test_messages(files: Verdict) -> None:
    assert messages(files, "NEXUS_PROXY_TLS")['aws_db_proxy.fail_variable["a"]'] == (
        "require_tls is false, not true"
    )
    assert messages(files, "NEXUS_DATABASE_TLS")["aws_db_instance.fail_twice"] == (
        "aws_db_parameter_group.twice sets rds.force_ssl to something other than 1"
    )
    clients = messages(files, "NEXUS_CLIENT_TLS")
    assert clients["aws_launch_template.fail_without"] == (
        "user_data has a PostgreSQL client without sslmode=verify-full"
    )
    assert clients['aws_launch_template.off["fail_flag"]'] == (
        "user_data turns TLS or its verification off"
    )
    assert clients['aws_launch_template.off["fail_env_empty"]'] == (
        "user_data takes PGSSLMODE away from what it starts"
    )


@pytest.mark.parametrize(
    ("good", "bad", "policy", "setting"),
    [
        (r"require_tls( +)= true", r"require_tls\1= false", "NEXUS_PROXY_TLS", "require_tls"),
        (
            r'iam_auth( +)= "REQUIRED"',
            r'iam_auth\1= "DISABLED"',
            "NEXUS_PROXY_AUTHENTICATION",
            "iam_auth",
        ),
    ],
)
def test_setting_passed_to_a_module_is_denied_before_any_plan(
    gate: Gate, good: str, bad: str, policy: str, setting: str
) -> None:
    environment = load("prod", Path("environments"))
    case = Case.of_environment(environment, render(environment, shipped_assets()))
    assert gate.judge_files(case).passed
    main, changed = re.subn(good, bad, case.files["main.tf"])
    assert changed == 1
    verdict = gate.judge_files(replace(case, files={**case.files, "main.tf": main}))
    (finding,) = verdict.denied
    assert (finding.policy.id, finding.resource) == (policy, "module.proxy.aws_db_proxy.main")
    assert finding.file == "modules/proxy/main.tf"
    assert finding.line is not None
    assert f"var.{setting}" in case.files[finding.file].splitlines()[finding.line - 1]
    assert finding.setting is not None
    assert finding.setting.origin.path == ("proxy", setting)
    assert finding.remedy is not None
    assert finding.remedy.value == gate.catalogue[policy].remedy


def test_tiers_and_waivers(gate: Gate) -> None:
    for name in ("PROXY_TLS", "DATABASE_TLS", "DATABASE_CA", "CLIENT_TLS"):
        assert gate.catalogue[f"NEXUS_{name}"].tiers == TIERS
    assert not gate.catalogue["NEXUS_PROXY_TLS"].waivable
    assert gate.catalogue["NEXUS_PROXY_TLS"].remedy is True
