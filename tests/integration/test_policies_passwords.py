"""The search for passwords, on tests/fixtures/policy/passwords: "planted" is in each of them."""

import base64
import shutil
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
    FIXTURES,
    POLICIES,
    judge_both,
    judge_files,
    judge_plan,
    messages,
    named,
    outcomes,
    plan_of,
)
from tests.integration.project import NewProject

_NAMED = "a literal under a name of secrets"
PASSWORDS = "NEXUS_NO_HARDCODED_PASSWORD"

# In the files and in the plan.
PLANTED = {
    *named("aws_db_instance", "fail_literal", "fail_variable", "fail_write_only", "none"),
    *named("aws_secretsmanager_secret_version", "fail_json", "fail_json_write_only"),
    *named("aws_secretsmanager_secret", "fail_tag", "fail_provisioner"),
    *named("aws_launch_template", "fail_user_data", "fail_gzip"),
    *named("aws_lambda_function", "fail_environment", "fail_url"),
    *("aws_ssm_parameter.fail_value", "aws_ecs_task_definition.fail_container"),
    *("aws_mq_broker.fail_dynamic", "output.database_password"),
    *("module.user", 'module.user["a"].aws_ssm_parameter.fail'),
    *("aws_secretsmanager_secret_version.fail_unknown_key", "terraform_data.fail_input"),
    "aws_lambda_function.fail_twice",
}
# A plan has neither a local that is handed to a write-only argument nor what is partly unknown.
IN_FILES_ONLY = {
    "aws_db_instance.fail_local_write_only",
    "aws_secretsmanager_secret_version.fail_json_with_unknown",
    "aws_launch_template.fail_user_data_with_unknown",
    "aws_secretsmanager_secret_version.fail_condition",
    "aws_db_instance.fail_joined",
    "aws_secretsmanager_secret.fail_connection",
}
CLEAN = {
    *("aws_db_instance.pass", "aws_secretsmanager_secret.pass", "aws_launch_template.pass"),
    *named("aws_secretsmanager_secret_version", "pass_ephemeral", "pass_joined"),
}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path_factory.mktemp("log") / "policy.log") as gate:
        yield gate


@pytest.fixture(scope="module")
def files(gate: Gate) -> Verdict:
    return judge_files(gate, "passwords")


@pytest.fixture(scope="module")
def plan(gate: Gate) -> Verdict:
    return judge_plan(gate, "passwords")


def test_in_files(files: Verdict) -> None:
    found = outcomes(files, PASSWORDS)
    variables = named("variable", "plain", "database_url", "options")
    others = {"locals.passwords", "provider.aws", "main.tf"}  # the file, for what is commented out
    assert found["failed"] == PLANTED | IN_FILES_ONLY | variables | others
    assert found["passed"] == CLEAN | {"backend.local"}


def test_in_plan(plan: Verdict) -> None:
    found = outcomes(plan, PASSWORDS)
    assert found["failed"] == PLANTED | named("var", "plain", "database_url", "options")
    assert found["passed"] == CLEAN | IN_FILES_ONLY


def test_in_plan_with_its_files(gate: Gate, plan: Verdict) -> None:
    both, alone = outcomes(judge_both(gate, "passwords"), PASSWORDS), outcomes(plan, PASSWORDS)
    # What a value that the plan does not know yet is made of, the files know.
    made_of = {
        "aws_launch_template.fail_user_data_with_unknown",
        *named("aws_secretsmanager_secret_version", "fail_json_with_unknown", "fail_condition"),
        "aws_db_instance.fail_joined",
    }
    assert both["failed"] - alone["failed"] == alone["passed"] - both["passed"] == made_of


def test_no_finding_holds_a_password(gate: Gate, files: Verdict, plan: Verdict) -> None:
    assert "planted" not in repr((files, plan, judge_both(gate, "passwords")))
    assert "planted" in repr(plan_of("passwords"))


def test_finding_names_its_line_and_the_length(files: Verdict) -> None:
    lines = (FIXTURES / "passwords" / "main.tf").read_text().splitlines()
    (finding,) = [
        one
        for one in files.denied
        if one.resource == "aws_db_instance.fail_literal" and one.policy.id == PASSWORDS
    ]
    assert finding.line is not None
    assert "planted-literal" in lines[finding.line - 1]
    assert "15 characters" in finding.message


def test_each_password_of_a_resource_is_told_with_its_line(files: Verdict) -> None:
    lines = (FIXTURES / "passwords" / "main.tf").read_text().splitlines()
    first, second = (
        next(number for number, line in enumerate(lines, 1) if planted in line)
        for planted in ("planted-first", "planted-second")
    )
    assert messages(files, PASSWORDS)["aws_lambda_function.fail_twice"] == (
        f"environment.variables.DB_PASSWORD: {_NAMED}, 13 characters (line {first}); "
        f"environment.variables.REDIS_AUTH: {_NAMED}, 14 characters (line {second})"
    )


def test_file_that_a_module_reads(gate: Gate) -> None:
    texts = {"main.tf": "", "boot.sh.tftpl": "#!/bin/sh\nexport PGPASSWORD=planted-boot\n"}
    verdict = gate.judge_files(Case("x", "production", Path("main.tf"), texts))
    (finding,) = verdict.denied
    assert (finding.file, finding.line) == ("boot.sh.tftpl", 2)
    assert "planted" not in repr(finding)


def test_password_in_the_environment(gate: Gate) -> None:
    # Loading refuses it as well, so it is put in afterwards.
    environment = load("prod", Path("environments"))
    tags = {"note": "postgresql://a:planted-yaml@h/d"}
    settings = environment.settings.model_copy(update={"tags": tags})
    case = Case.of_environment(environment, render(environment, shipped_assets()))
    verdict = gate.judge_files(replace(case, environment=replace(environment, settings=settings)))
    assert {(one.resource, one.message) for one in verdict.denied} == {
        ("environment prod", "tags.note: a URL with a password, 12 characters")
    }
    assert ("tags", "note") in [one.setting.origin.path for one in verdict.denied if one.setting]
    assert "planted" not in repr(verdict)


def test_state(gate: Gate) -> None:
    resource = {
        "address": "aws_db_instance.main",
        "mode": "managed",
        "type": "aws_db_instance",
        "values": {"password": "planted-in-state"},
    }
    state = {"format_version": "1.0", "values": {"root_module": {"resources": [resource]}}}
    verdict = gate.judge_state(Case("x", "production", Path("state.json"), {}), state)
    assert messages(verdict, PASSWORDS) == {
        "aws_db_instance.main": "password: a literal in a sensitive argument, 16 characters"
    }


@pytest.mark.parametrize("tier", TIERS)
def test_in_every_tier(gate: Gate, tier: str) -> None:
    assert outcomes(judge_files(gate, "passwords", tier), PASSWORDS)["failed"] >= PLANTED
    assert not gate.catalogue[PASSWORDS].waivable


def test_no_report_and_no_file_holds_what_was_found(new_project: NewProject) -> None:
    project = new_project()
    root = project.root / "infra"
    shutil.copytree(FIXTURES / "passwords", root)
    (root / "boot.sh").write_text(
        "mysql -pplanted-flag\ncurl -u admin:planted-user h\n"
        f"echo {base64.b64encode(b'TOKEN=planted-base64').decode()} | base64 -d\n"
    )
    (root / "prod.tfbackend").write_text('secret_key = "planted-backend"\n')
    (root / ".env").write_text("API_KEY=planted-env\n")
    formats = ("text", "json", "sarif", "junit", "github", "markdown")
    reports = [part for name in formats for part in ("--format", name, "--output", f"{name}.out")]
    plan = ("--plan", str(FIXTURES / "passwords.json"))
    for more in ((), plan, ("--write-baseline", "known.json")):
        project.must("check", "--path", "infra", "--defer", *more, *reports, exit_code=5)
        said = [(project.root / f"{name}.out").read_text() for name in formats]
        assert all("15 characters" in each for each in said)
        written = {file for file in project.root.rglob("*") if file.is_file()}
        told = {file for file in written if b"planted" in file.read_bytes()}
        assert {file for file in told if root not in file.parents} == set()
        assert (root / "boot.sh") in told
    text = (project.root / "text.out").read_text()
    assert all(f"infra/{name}:" in text for name in ("boot.sh", "prod.tfbackend", ".env"))
