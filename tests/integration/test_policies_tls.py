"""The policies of policies/tls.py, on tests/fixtures/policy/tls and its plan."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

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


def test_database_tls(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = {
        *named("aws_db_instance", "pass", "pass_dynamic"),
        *named("module.database.aws_db_instance", 'pass["blue"]', 'pass["green"]'),
    }
    bad = {
        *named("aws_db_instance", "fail_absent", "fail_off", "fail_silent", "fail_mysql"),
        *("aws_db_instance.fail_twice", "aws_rds_cluster.fail"),
    }
    unknown = named(
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


def test_client_tls(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = {
        *named("aws_launch_template", "pass_cloud_config", "pass_gzip", "pass_no_client"),
        *("aws_launch_template.pass_none[0]", "aws_ecs_task_definition.pass"),
    }
    # A plan has neither what is partly unknown nor the user data of an instance.
    good_in_files = {
        *("aws_launch_template.pass_shell", "aws_instance.pass", "aws_lambda_function.pass"),
    }
    bad = {
        *named("aws_launch_template", "fail_shell", "fail_cloud_config", "fail_nested"),
        *named("aws_launch_template", "fail_without", "fail_one_of_two"),
        *("aws_instance.fail", "aws_launch_configuration.fail", "aws_lambda_function.fail"),
        "aws_ecs_task_definition.fail_second",
    }
    unknown = {
        *named("aws_launch_template", "unknown", "unknown_line", "unknown_mode"),
        *("aws_lambda_function.unknown_url", "aws_ecs_task_definition.unknown_secret"),
    }
    policy = "NEXUS_CLIENT_TLS"
    passed = good | good_in_files
    assert outcomes(files, policy) == sets(passed=passed, failed=bad, deferred=unknown)
    assert outcomes(plan, policy) == sets(passed=good, failed=bad | unknown | good_in_files)
    assert outcomes(both, policy) == sets(passed=passed, failed=bad | unknown)


def test_state_tls_of_buckets(files: Verdict, plan: Verdict, both: Verdict) -> None:
    good = named("aws_s3_bucket", "pass_known", 'each["pass"]')
    good_in_files = named("aws_s3_bucket", "pass")
    unknown = named("aws_s3_bucket", "unknown")
    bad = named(
        "aws_s3_bucket",
        *("fail_without", "fail_objects", "fail_some", "fail_condition", 'each["fail"]'),
    )
    policy = "NEXUS_STATE_TLS"
    passed = good | good_in_files
    assert outcomes(files, policy) == sets(passed=passed, failed=bad, deferred=unknown)
    assert outcomes(plan, policy) == sets(passed=good, failed=bad | unknown | good_in_files)
    assert outcomes(both, policy) == sets(passed=passed, failed=bad | unknown)


def judge(gate: Gate, text: str) -> Verdict:
    return gate.judge_files(Case("x", "production", Path("main.tf"), {"main.tf": text}, Path()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("encrypt = true", None),
        ('encrypt = true\n endpoints = { s3 = "https://s3.example" }', None),
        ("", "encrypt is not set, so not true"),
        ("encrypt = false", "encrypt is false, not true"),
        ("encrypt = true\n insecure = true", "insecure is set: no certificate is verified"),
        ('encrypt = true\n endpoint = "http://s3.example"', "endpoint names plain http"),
        ('encrypt = true\n endpoints = { s3 = "HTTP://s" }', "endpoints names plain http"),
        ('encrypt = true\n sts_endpoint = "http://sts"', "sts_endpoint names plain http"),
    ],
)
def test_state_tls_of_the_backend(gate: Gate, arguments: str, message: str | None) -> None:
    verdict = judge(gate, f'terraform {{\n backend "s3" {{\n {arguments}\n }}\n}}\n')
    passed = outcomes(verdict, "NEXUS_STATE_TLS")["passed"]
    assert messages(verdict, "NEXUS_STATE_TLS").get("backend.s3") == message
    assert passed == ({"backend.s3"} if message is None else set())


def test_bucket_whose_name_nobody_knows_yet(gate: Gate) -> None:
    denial: dict[str, Any] = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["${aws_s3_bucket.main.arn}", "${aws_s3_bucket.main.arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": False}},
    }
    text = """
resource "aws_s3_bucket" "main" {{
  bucket_prefix = "state-"
}}
resource "aws_s3_bucket" "other" {{
  bucket_prefix = "other-"
}}
resource "aws_s3_bucket_policy" "main" {{
  bucket = aws_s3_bucket.{}.id
  policy = jsonencode({})
}}
"""
    document = json.dumps({"Statement": denial})
    good = judge(gate, text.format("main", document))
    assert outcomes(good, "NEXUS_STATE_TLS") == sets(
        passed={"aws_s3_bucket.main"}, failed={"aws_s3_bucket.other"}
    )
    # A policy of the other bucket that denies requests to the first.
    bad = judge(gate, text.format("other", document))
    assert "aws_s3_bucket.other" not in outcomes(bad, "NEXUS_STATE_TLS")["passed"]
    assert "aws_s3_bucket.main" in outcomes(bad, "NEXUS_STATE_TLS")["failed"]


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
    for name in ("PROXY_TLS", "DATABASE_TLS", "DATABASE_CA", "CLIENT_TLS", "STATE_TLS"):
        assert gate.catalogue[f"NEXUS_{name}"].tiers == TIERS
    assert not gate.catalogue["NEXUS_PROXY_TLS"].waivable
    assert gate.catalogue["NEXUS_PROXY_TLS"].remedy is True
