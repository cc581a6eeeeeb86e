"""Terraform that hides what is wrong in it, and Terraform that only looks wrong."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.errors import ToolUnfit, UsageWrong
from nexusctl.policy.gate import Case, Gate
from nexusctl.policy.root import read_root
from nexusctl.policy.verdict import Outcome, Verdict
from tests.integration.judging import POLICIES, case_of, plan_of

PASSWORDS = "NEXUS_NO_HARDCODED_PASSWORD"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path_factory.mktemp("log") / "policy.log") as gate:
        yield gate


def judge(gate: Gate, directory: Path, text: str) -> Verdict:
    (directory / "main.tf").write_text(text)
    return gate.judge_files(case_of(directory))


def in_environment(name: str, value: str = "planted-value") -> str:
    return f"""
resource "aws_lambda_function" "x" {{
  function_name = "x"
  role          = "arn:aws:iam::111122223333:role/x"
  environment {{
    variables = {{ {name} = "{value}" }}
  }}
}}
"""


@pytest.mark.parametrize(
    "name",
    [
        *("DB_PASS", "PGPASS", "MASTER_PASS", "DB_PW", "DB_PASSWORD_PROD", "PASSWORD2"),
        *("dbPass", "API_TOKEN", "CLIENT_SECRET"),
    ],
)
def test_passwords_by_name(gate: Gate, tmp_path: Path, name: str) -> None:
    verdict = judge(gate, tmp_path, in_environment(name))
    assert PASSWORDS in {finding.policy.id for finding in verdict.denied}
    assert "planted" not in repr(verdict)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_SECRET", "app/db"),
        ("SSM_PATH_PASSWORD", "/app/db/password"),
        ("TOKEN_URL", "https://auth.example.com/token"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("PASSWORD_POLICY", "strict"),
        ("COMPASS_DIRECTION", "north"),
        ("SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x"),
    ],
)
def test_names_and_paths_of_secrets_are_none(
    gate: Gate, tmp_path: Path, name: str, value: str
) -> None:
    verdict = judge(gate, tmp_path, in_environment(name, value))
    assert PASSWORDS not in {finding.policy.id for finding in verdict.denied}


def test_plain_ssm_parameter_is_no_password(gate: Gate, tmp_path: Path) -> None:
    text = 'resource "aws_ssm_parameter" "x" {\n name = "x"\n type = "TYPE"\n value = "north"\n}\n'
    plain = judge(gate, tmp_path, text.replace("TYPE", "String"))
    assert PASSWORDS not in {finding.policy.id for finding in plain.denied}
    secure = judge(gate, tmp_path, text.replace("TYPE", "SecureString"))
    assert PASSWORDS in {finding.policy.id for finding in secure.denied}


@pytest.mark.parametrize(
    "text",
    [
        'output "db_password" {\n  value = local.p\n}\n',
        'data "external" "x" {\n  program = ["x"]\n  query = { password = local.p }\n}\n',
        'data "http" "x" {\n  url = "https://u:${local.p}@h"\n}\n',
    ],
)
def test_literals_outside_resources_are_evaluated(gate: Gate, tmp_path: Path, text: str) -> None:
    verdict = judge(gate, tmp_path, f'locals {{\n  p = "planted-value"\n}}\n{text}')
    assert PASSWORDS in {finding.policy.id for finding in verdict.denied}
    assert "planted" not in repr(verdict)


def test_secret_that_is_part_of_an_address_is_masked(gate: Gate, tmp_path: Path) -> None:
    text = """
resource "aws_secretsmanager_secret_version" "x" {
  for_each      = toset(["postgres://u:planted-value@h"])
  secret_id     = "x"
  secret_string = each.key
}
"""
    verdict = judge(gate, tmp_path, text)
    assert verdict.denied
    assert "planted" not in repr(verdict)


@pytest.mark.parametrize("prefix_list", ['"pl-0123456789abcdef0"', "var.somebodys"])
def test_what_is_in_a_prefix_list_of_others_is_not_known(
    gate: Gate, tmp_path: Path, prefix_list: str
) -> None:
    text = f"""
variable "somebodys" {{}}
resource "aws_vpc_security_group_ingress_rule" "x" {{
  security_group_id = "sg-0123456789abcdef0"
  ip_protocol       = "-1"
  prefix_list_id    = {prefix_list}
}}
"""
    found = {one.policy.id: one.outcome for one in judge(gate, tmp_path, text).findings}
    assert found["NEXUS_NO_OPEN_INGRESS"] is Outcome.DEFERRED


def test_network_that_is_none_is_denied_with_its_place(gate: Gate, tmp_path: Path) -> None:
    text = """
resource "aws_vpc_security_group_ingress_rule" "x" {
  security_group_id = "sg-0123456789abcdef0"
  ip_protocol       = "-1"
  cidr_ipv4         = "000.000.000.000/0"
}
"""
    verdict = judge(gate, tmp_path, text)
    assert verdict.unjudged == ()
    (found,) = [one for one in verdict.denied if one.policy.id == "NEXUS_NO_OPEN_INGRESS"]
    assert "is no network" in found.message


def test_root_without_a_backend_keeps_its_state_locally(gate: Gate, tmp_path: Path) -> None:
    verdict = judge(gate, tmp_path, in_environment("X"))
    (finding,) = [one for one in verdict.denied if one.policy.id == "NEXUS_STATE_REMOTE"]
    assert finding.outcome is Outcome.FAILED


def test_module_call_on_one_line_is_followed(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "m").mkdir()
    (tmp_path / "root/main.tf").write_text('module "m" { source = "../m" }\n')
    (tmp_path / "m/main.tf").write_text("locals {}\n")
    files, missing = read_root(tmp_path / "root")
    assert "../m/main.tf" in files
    assert missing == []


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("locals {}\n")
    os.mkfifo(tmp_path / "x.tf")
    assert read_root(tmp_path)[1] == [f"{tmp_path}/x.tf:1: not read: it is not a file"]


@pytest.mark.parametrize("part", ["change", "configuration", "prior_state", "variables"])
def test_plan_with_a_part_of_another_kind_is_refused(gate: Gate, tmp_path: Path, part: str) -> None:
    plan = plan_of("tls")
    if part == "change":
        plan["resource_changes"][0]["change"] = None  # type: ignore[index]
    else:
        plan[part] = 5
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    with pytest.raises(ToolUnfit, match=r"plan\.json"):
        gate.judge_plan(Case("plan.json", "production", file, {}), file)


@pytest.mark.parametrize("actions", [[], ["explode"], ["delete"], ["forget"]])
def test_plan_whose_actions_are_not_what_comes_of_them_is_not_judged(
    gate: Gate, tmp_path: Path, actions: list[str]
) -> None:
    plan = plan_of("tls")
    plan["resource_changes"][0]["change"]["actions"] = actions  # type: ignore[index]
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    assert gate.judge_plan(Case("plan.json", "production", file, {}), file).unjudged


def test_plan_of_nothing_is_not_judged(gate: Gate, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    plan = {"format_version": "1.2", "planned_values": {}, "configuration": {"root_module": {}}}
    file.write_text(json.dumps(plan))
    verdict = gate.judge_plan(Case("plan.json", "production", file, {}), file)
    assert verdict.unjudged == ("there is no resource in it: nothing was judged",)


# Several groups of one resource, of which the proxy has one.

ONE_RESOURCE_FOR_GROUPS = """
locals {
  flows = { one = { from = "%s", to = "db" } }
}
resource "aws_security_group" "this" {
  for_each = toset(["db", "proxy", "clients"])
}
resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each                     = local.flows
  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
resource "aws_db_instance" "main" {
  vpc_security_group_ids = [aws_security_group.this["db"].id]
}
resource "aws_db_proxy" "main" {
  vpc_security_group_ids = [aws_security_group.this["proxy"].id]
}
"""


@pytest.mark.parametrize(("source", "outcome"), [("proxy", "passed"), ("clients", "failed")])
def test_groups_of_one_resource_are_told_apart(
    gate: Gate, tmp_path: Path, source: str, outcome: str
) -> None:
    verdict = judge(gate, tmp_path, ONE_RESOURCE_FOR_GROUPS % source)
    (found,) = [one for one in verdict.findings if one.policy.id == "NEXUS_DATABASE_REACH"]
    assert found.outcome == outcome


# What a live resource keeps, the plan decides.

IGNORING = """
resource "aws_db_proxy" "main" {
  require_tls = true
  lifecycle {
    ignore_changes = %s
  }
}
"""


@pytest.mark.parametrize("ignored", ["[require_tls]", "all", "[auth]"])
def test_ignored_argument_is_for_the_plan_to_decide(
    gate: Gate, tmp_path: Path, ignored: str
) -> None:
    verdict = judge(gate, tmp_path, IGNORING % ignored)
    (found,) = [one for one in verdict.findings if one.policy.id == "NEXUS_PROXY_TLS"]
    assert found.outcome == ("passed" if ignored == "[auth]" else "deferred")


def test_password_in_an_ignored_argument_is_found(gate: Gate, tmp_path: Path) -> None:
    lifecycle = "  lifecycle {\n    ignore_changes = [environment]\n  }\n}\n"
    text = in_environment("DB_PASSWORD").rstrip().removesuffix("}") + lifecycle
    assert PASSWORDS in {finding.policy.id for finding in judge(gate, tmp_path, text).denied}


def test_proxy_of_another_provider_is_not_judged(gate: Gate, tmp_path: Path) -> None:
    verdict = judge(gate, tmp_path, 'resource "awscc_rds_db_proxy" "main" {}\n')
    assert any("main.tf:1: awscc_rds_db_proxy.main: " in reason for reason in verdict.unjudged)


def test_new_resource_is_planned_as_the_plan_says_that_it_is_written(
    gate: Gate, tmp_path: Path
) -> None:
    plan: Any = plan_of("tls")
    written = plan["configuration"]["root_module"]["resources"]
    (proxy,) = [each for each in written if each["address"] == "aws_db_proxy.pass"]
    assert proxy["expressions"]["require_tls"] == {"constant_value": True}
    proxy["expressions"]["require_tls"] = {"constant_value": False}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    verdict = gate.judge_plan(Case("x", "production", tmp_path, {}), tmp_path / "plan.json")
    said = "aws_db_proxy.pass: require_tls is planned otherwise than the plan's configuration has"
    assert any(said in reason for reason in verdict.unjudged)


# Links.


def test_links_within_the_project_are_read_as_terraform_reads_them(tmp_path: Path) -> None:
    project, root = tmp_path / "project", tmp_path / "project/live/root"
    root.mkdir(parents=True)
    (root / "main.tf").write_text("locals {}\n")
    for place in (root, project / "live", project, tmp_path):
        (place / "target.txt").write_text("locals {}\n")
    (root / "beside.tf").symlink_to("target.txt")
    (root / "above.tf").symlink_to("../target.txt")
    (root / "top.tf").symlink_to("../../target.txt")
    (root / "out.tf").symlink_to(tmp_path / "target.txt")
    (root / "circle.tf").symlink_to("circle.tf")
    # Without git the project is the directory above the root.
    files, missing = read_root(root)
    assert {"beside.tf", "above.tf"} == files.keys() & {"beside.tf", "above.tf", "top.tf", "out.tf"}
    assert missing == [
        f"{root}/circle.tf:1: not read: it is not a file",
        f"{root}/out.tf:1: not read: it is a link out of the project",
        f"{root}/top.tf:1: not read: it is a link out of the project",
    ]
    (project / ".git").mkdir()
    files, missing = read_root(root)
    assert "top.tf" in files
    assert missing[1:] == [f"{root}/out.tf:1: not read: it is a link out of the project"]


def test_hidden_files_alone_are_no_root(tmp_path: Path) -> None:
    (tmp_path / ".main.tf").write_text("locals {}\n")
    with pytest.raises(UsageWrong, match="no Terraform configuration"):
        read_root(tmp_path)


def test_deep_json_is_not_judged(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "x.tf.json").write_text("[" * 50_000)
    assert any("nested too deeply" in each for each in judge(gate, tmp_path, "").unjudged)
