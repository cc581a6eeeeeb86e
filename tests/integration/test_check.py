"""`nexusctl check`, `watch` and `policies` as a user runs them, without AWS and Terraform."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nexusctl.terraform.engine import find_engine
from nexusctl.workspace import PACKAGE
from tests.integration.judging import FIXTURES
from tests.integration.project import Project

TIMEOUT_WAIVER = """
waivers:
  - policy: NEXUS_IDLE_CLIENT_TIMEOUT
    resource: module.proxy.aws_db_proxy.main
    reason: the legacy importer holds its connections
    owner: data-platform
    expires: "{expires}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(PACKAGE.parent / "environments", tmp_path / "environments")
    return Project(tmp_path)


def line_of(project: Project, name: str, text: str) -> int:
    lines = (project.root / "environments" / f"{name}.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_shipped_environments_pass(project: Project) -> None:
    said = project.must("check", "--all")
    assert all(name in said for name in ("dev", "prod", "sandbox", "staging"))
    assert "base" not in said


def test_denied_setting_is_named_by_its_line_and_fixed(project: Project) -> None:
    project.edit("prod", "  require_tls: true\n", "  require_tls: false # for a test\n")
    file = project.root / "environments/prod.yaml"
    text = file.read_text()
    line = line_of(project, "prod", "require_tls")
    said = project.must("check", "prod", exit_code=5)
    assert f"environments/prod.yaml:{line}:16  proxy.require_tls: false" in said
    assert "NEXUS_PROXY_TLS" in said
    assert "modules/proxy/main.tf" in said
    assert re.search(r"^\s*-.*require_tls: false # for a test$", said, re.MULTILINE)
    assert re.search(r"^\s*\+.*require_tls: true # for a test$", said, re.MULTILINE)
    assert file.read_text() == text, "check alone changes nothing"
    project.must("check", "prod", "--fix")
    assert file.read_text() == text.replace("require_tls: false #", "require_tls: true #")


def test_inherited_value_is_mended_where_it_was_written(project: Project) -> None:
    project.edit("prod", "  require_tls: true\n", "")
    project.edit("base", "require_tls: true", "require_tls: false")
    line = line_of(project, "base", "require_tls")
    said = project.must("check", "prod", exit_code=5)
    assert f"environments/base.yaml:{line}:16  proxy.require_tls: false" in said
    project.must("check", "prod", "--fix")
    assert "require_tls: true" in (project.root / "environments/base.yaml").read_text()


def test_rule_of_a_tier_is_mended_in_the_environments_own_file(project: Project) -> None:
    project.edit("base", "  deletion_protection: true\n", "")
    project.edit("base", "  multi_az: true\n", "  multi_az: false\n")
    project.edit("staging", "  max_allocated_storage_gib: 500\n", "  deletion_protection: true\n")
    said = project.must("check", "staging", exit_code=5)
    assert "environments/base.yaml" in said
    assert "NEXUS_MULTI_AZ" in said
    project.must("check", "staging", "--fix")
    assert "multi_az: true" in (project.root / "environments/staging.yaml").read_text()
    assert "multi_az: false" in (project.root / "environments/base.yaml").read_text()


def test_fixes_that_do_not_go_together_change_nothing(project: Project) -> None:
    project.edit("prod", "max_connections_percent: 70", "max_connections_percent: 95")
    project.edit("prod", "max_idle_connections_percent: 35", "max_idle_connections_percent: 94")
    file = project.root / "environments/prod.yaml"
    text = file.read_text()
    assert "nothing was changed" in project.must("check", "prod", "--fix", exit_code=9)
    assert file.read_text() == text


def test_waived_finding_passes_and_stays_visible(project: Project) -> None:
    project.edit("prod", "idle_client_timeout: 30m", "idle_client_timeout: 1h")
    assert "NEXUS_IDLE_CLIENT_TIMEOUT" in project.must("check", "prod", exit_code=5)
    file = project.root / "environments/prod.yaml"
    text = file.read_text()
    file.write_text(
        text + TIMEOUT_WAIVER.format(expires=datetime.now(UTC).date() + timedelta(days=300))
    )
    for format_ in ("text", "json", "sarif", "junit", "github", "markdown"):
        said = project.must("check", "prod", "--format", format_)
        assert "NEXUS_IDLE_CLIENT_TIMEOUT" in said, format_
        assert "data-platform" in said, format_
    for expires in ("2020-01-01", "next year"):
        file.write_text(text + TIMEOUT_WAIVER.format(expires=expires))
        said = project.must("check", "prod", exit_code=5)
        assert "NEXUS_WAIVER" in said
        assert "NEXUS_IDLE_CLIENT_TIMEOUT" in said
    project.edit("prod", "idle_client_timeout: 1h", "idle_client_timeout: 30m")
    assert "matches nothing" in project.must("check", "prod", exit_code=5)


def test_proxy_tls_cannot_be_waived(project: Project) -> None:
    project.edit("prod", "  require_tls: true\n", "  require_tls: false\n")
    waiver = TIMEOUT_WAIVER.format(expires=datetime.now(UTC).date() + timedelta(days=300))
    with (project.root / "environments/prod.yaml").open("a") as file:
        file.write(waiver.replace("NEXUS_IDLE_CLIENT_TIMEOUT", "NEXUS_PROXY_TLS"))
    assert "NEXUS_PROXY_TLS cannot be waived" in project.must("check", "prod", exit_code=5)


def test_second_run_says_the_same_and_an_edit_is_judged(project: Project) -> None:
    first = project.run("check", "prod", "--json").stdout
    assert project.run("check", "prod", "--json").stdout == first
    project.edit("base", "idle_client_timeout: 30m", "idle_client_timeout: 31m")
    assert project.run("check", "prod", "--json").stdout == first, "prod has its own value"
    project.edit("prod", "  idle_client_timeout: 30m\n", "")
    project.must("check", "prod", exit_code=5)
    assert project.run("check", "prod", "--json").stdout != first


def test_formats_go_to_their_outputs_and_name_the_line(project: Project) -> None:
    project.edit("prod", "  require_tls: true\n", "  require_tls: false\n")
    line = line_of(project, "prod", "require_tls")
    said = project.must(
        *("check", "prod", "--format", "sarif", "--output", "a.sarif", "--format", "junit"),
        *("--output", "b.xml", "--format", "github"),
        exit_code=5,
    )
    assert f"file=environments/prod.yaml,line={line}" in said
    (result,) = [
        each
        for each in json.loads((project.root / "a.sarif").read_text())["runs"][0]["results"]
        if each["ruleId"] == "NEXUS_PROXY_TLS"
    ]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "environments/prod.yaml"
    assert place["region"]["startLine"] == line
    assert "NEXUS_PROXY_TLS" in (project.root / "b.xml").read_text()


def test_all_names_the_bad_ones_and_ends_with_the_worst(project: Project) -> None:
    project.edit("staging", "tier: staging", "tier: stagnation")
    project.edit("dev", "debug_logging: true", "idle_client_timeout: 2h")
    result = project.run("check", "--all")
    assert result.returncode == 3, "what is invalid was not even judged"
    assert "NEXUS_IDLE_CLIENT_TIMEOUT" in result.stdout
    assert "environments/staging.yaml" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("prod", "--all"),
        ("prod", "--path", "."),
        ("--all", "--fix"),
        ("prod", "--tier", "production"),
        ("prod", "--output", "a", "--output", "b"),
        ("prod", "--format", "json", "--format", "sarif"),
        ("prod", "--format", "yaml"),
        ("prod", "--baseline", "nothing.json"),
        ("--path", "nothing"),
        ("prod", "--var-file", "environments/prod.yaml"),
        ("--path", "environments", "--var-file", "nothing.tfvars"),
        ("--path", "environments"),
        ("--state", "nothing"),
        ("--state", "environments/prod.yaml"),
    ],
)
def test_wrong_command_lines(project: Project, arguments: tuple[str, ...]) -> None:
    project.must("check", *arguments, exit_code=64)


def test_environment_that_is_not_there(project: Project) -> None:
    assert "did you mean prod?" in project.must("check", "prd", exit_code=3)


# Terraform that nobody here wrote.


def foreign(project: Project, files: dict[str, str]) -> Project:
    for name, text in files.items():
        (project.root / "infra" / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / "infra" / name).write_text(text)
    return project


PROXY = """
resource "aws_db_proxy" "main" {{
  name           = "main"
  engine_family  = "POSTGRESQL"
  require_tls    = {tls}
  role_arn       = "arn:aws:iam::111122223333:role/proxy"
  vpc_subnet_ids = ["subnet-1", "subnet-2"]
}}
"""


def test_foreign_root_is_judged_on_its_own_lines(project: Project) -> None:
    foreign(project, {"main.tf": PROXY.format(tls="false")})
    said = project.must("check", "--path", "infra", "--defer", exit_code=5)
    assert "infra/main.tf:5" in said
    assert "NEXUS_PROXY_TLS" in said


def test_modules_beside_the_root_are_read(project: Project) -> None:
    module = 'variable "tls" {}\n' + PROXY.format(tls="var.tls")
    call = 'module "proxy" {\n  source = "../modules/proxy"\n  tls    = false\n}\n'
    foreign(project, {"live/main.tf": call, "modules/proxy/main.tf": module})
    said = project.must("check", "--path", "infra/live", "--defer", exit_code=5)
    assert "module.proxy.aws_db_proxy.main" in said
    assert "NEXUS_PROXY_TLS" in said


def test_what_only_a_plan_knows_is_not_judged_without_one(project: Project) -> None:
    foreign(project, {"main.tf": 'variable "tls" {}\n' + PROXY.format(tls="var.tls")})
    said = project.must("check", "--path", "infra", exit_code=8)
    place = "infra/main.tf:6: NEXUS_PROXY_TLS aws_db_proxy.main: require_tls is not known"
    assert place in said
    assert "nexusctl check --path infra --plan plan.json" in said


def test_variables_that_terraform_may_be_given_are_not_known(project: Project) -> None:
    variable = 'variable "tls" {\n  default = true\n}\n'
    foreign(project, {"main.tf": variable + PROXY.format(tls="var.tls"), "p.tfvars": "tls = false"})
    said = project.must("check", "--path", "infra", exit_code=8)
    assert "infra/p.tfvars sets var.tls: not known here" in said
    assert "infra/main.tf:8: NEXUS_PROXY_TLS aws_db_proxy.main: require_tls is not known" in said
    given = ("--var-file", "infra/p.tfvars")
    said = project.must("check", "--path", "infra", "--defer", *given, exit_code=5)
    assert "require_tls is false" in said
    (project.root / "later.json").write_text('{"tls": true}')
    said = project.must(
        "check", "--path", "infra", "--defer", *given, "--var-file", "later.json", exit_code=5
    )
    assert "NEXUS_PROXY_TLS" not in said
    (project.root / "later.json").write_text('{"tls": ')
    said = project.must("check", "--path", "infra", "--var-file", "later.json", exit_code=8)
    assert "later.json:1: Expecting" in said


def test_overridden_argument_is_found_in_the_override(project: Project) -> None:
    override = '\nresource "aws_db_proxy" "main" {\n  require_tls = false\n}\n'
    foreign(project, {"main.tf": PROXY.format(tls="true"), "override.tf": override})
    said = project.must("check", "--path", "infra", "--defer", exit_code=5)
    assert "infra/override.tf:3  aws_db_proxy.main" in said


def test_modules_that_terraform_init_fetched_are_read(project: Project) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(project.root)]
    module = 'variable "tls" {}\n' + PROXY.format(tls="var.tls")
    unused = {
        "published/examples/main.tf": module,
        "published/examples/a.yaml": "password: hunter22",
    }
    foreign(project, {"published/main.tf": module, **unused})
    for command in (["init", "-q"], ["add", "infra"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    source = f"git::file://{project.root}//infra/published"
    call = f'module "proxy" {{\n  source = "{source}"\n  tls    = false\n}}\n'
    root = project.root / "infra" / "live"
    foreign(project, {"live/main.tf": call})
    said = project.must("check", "--path", "infra/live", exit_code=8)
    assert "module proxy is not read" in said
    assert "run terraform init" in said
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    subprocess.run(
        [*find_engine().argv, "get"],
        cwd=root,
        env=environment | {"CHECKPOINT_DISABLE": "1"},
        check=True,
        capture_output=True,
    )
    said = project.must("check", "--path", "infra/live", "--defer", exit_code=5)
    assert "infra/live/.terraform/modules/proxy/infra/published/main.tf:6" in said
    assert "NEXUS_NO_HARDCODED_PASSWORD" not in said
    # The call is another one now.
    foreign(project, {"live/main.tf": call.replace("published", "other")})
    said = project.must("check", "--path", "infra/live", "--defer", exit_code=8)
    assert "another one was fetched" in said


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"main.tf": 'module "a" {\n  source = "terraform-aws-modules/rds-proxy/aws"\n}\n'},
            "module a is not read",
        ),
        ({"main.tf": PROXY.format(tls="= true")}, "main.tf:5"),
        ({"main.tf": "# nothing\n"}, "there is no resource in it"),
        ({"main.tf.json": "{}"}, "there is no resource in it"),
        ({"main.tf.json": '{"locals": 5}'}, "infra/main.tf.json:1: an object expected"),
        ({"main.tf": PROXY.format(tls="true"), "override.tf": "x {\n"}, "infra/override.tf:2"),
        ({"main.tf": PROXY.format(tls="true"), "main.tofu": ""}, "infra/main.tofu:1"),
        ({"main.tf": PROXY.format(tls="true") + "\ufeff\x00"}, "main.tf"),
    ],
)
def test_what_cannot_be_read_is_not_judged(
    project: Project, files: dict[str, str], said: str
) -> None:
    foreign(project, files)
    assert said in project.must("check", "--path", "infra", "--defer", exit_code=8)


def test_baseline_lets_old_findings_be_and_fails_new_ones(project: Project) -> None:
    foreign(project, {"main.tf": PROXY.format(tls="true")})
    check = ("check", "--path", "infra", "--defer")
    assert "NEXUS_PROXY_AUTHENTICATION" in project.must(*check, exit_code=5)
    project.must(*check, "--write-baseline", "known.json")
    project.must(*check, "--baseline", "known.json")
    foreign(project, {"main.tf": PROXY.format(tls="false")})
    said = project.must(*check, "--baseline", "known.json", exit_code=5)
    assert "NEXUS_PROXY_TLS" in said
    again = project.must(*check, "--write-baseline", "known.json", exit_code=5)
    assert "1 more cannot be waived" in again
    project.must(*check, "--baseline", "known.json", exit_code=5)


def test_plan_and_state_of_others(project: Project) -> None:
    plan = str(FIXTURES / "tls.json")
    said = project.must("check", "--plan", plan, exit_code=5)
    assert "aws_db_proxy.fail_absent" in said
    both = project.must("check", "--plan", plan, "--path", str(FIXTURES / "tls"), exit_code=5)
    assert "aws_db_proxy.fail_absent" in both
    state = {"version": 4, "resources": [], "outputs": {}}
    state["resources"] = [
        {
            "mode": "managed",
            "type": "aws_db_instance",
            "name": "main",
            "instances": [{"attributes": {"identifier": "a", "password": "planted-in-state"}}],
        }
    ]
    (project.root / "terraform.tfstate").write_text(json.dumps(state))
    said = project.must("check", "--state", "terraform.tfstate", exit_code=5)
    assert "aws_db_instance.main" in said
    assert "16 characters" in said
    assert "planted" not in said


def test_a_secret_that_was_found_is_told_by_place_and_length_in_every_format(
    project: Project,
) -> None:
    planted = 'variable "db_password" {\n  default = "planted-in-default"\n}\n'
    foreign(project, {"main.tf": planted + PROXY.format(tls="true")})
    for format_ in ("text", "json", "sarif", "junit", "github", "markdown"):
        said = project.must("check", "--path", "infra", "--defer", "--format", format_, exit_code=5)
        assert "18 characters" in said, format_
        assert "planted" not in said, format_
    kept = [file for file in (project.root).rglob("*") if file.is_file()]
    assert [f for f in kept if b"planted" in f.read_bytes()] == [project.root / "infra/main.tf"]


@pytest.mark.parametrize(
    "command",
    [
        "env PGSSLMODE=disable run planted-word --pw planted-word",
        "redis-cli -a planted-word --sslmode disable",
        "x --sslmode=disable db.internal.corp:5432:nexus:app:planted-word",
        "x --sslmode=disable "
        + base64.b64encode(b"x --sslmode=disable --pw planted-word").decode(),
    ],
)
def test_a_secret_in_a_setting_is_in_no_report_and_in_no_file(
    project: Project, command: str
) -> None:
    text = json.dumps(command)
    project.edit("prod", "command: python3 -m nexus.ingest", f"command: {text}")
    line = line_of(project, "prod", "  command:")
    formats = ("text", "json", "sarif", "junit", "github", "markdown")
    reports = [part for name in formats for part in ("--format", name, "--output", f"{name}.out")]
    for _ in range(2):  # the second one is out of the cache
        project.must("check", "prod", *reports, exit_code=5)
        assert f"environments/prod.yaml:{line}" in (project.root / "text.out").read_text()
        secrets = (b"planted-word", command.rsplit(maxsplit=1)[-1].encode())
        written = [file for file in project.root.rglob("*") if file.is_file()]
        told = [file for file in written if any(each in file.read_bytes() for each in secrets)]
        assert told == [project.root / "environments/prod.yaml"]


def test_a_secret_beside_what_is_mended_is_in_no_diff(project: Project) -> None:
    project.edit("prod", "  require_tls: true\n", "  require_tls: false # --pw planted-word\n")
    for fix in ((), ("--fix",)):
        said = project.must("check", "prod", *fix, exit_code=0 if fix else 5)
        assert "***" in said
        assert "planted" not in said


def test_a_secret_in_a_waiver_is_not_told(project: Project) -> None:
    waiver = TIMEOUT_WAIVER.replace("the legacy importer", "redis-cli -a planted-word is what")
    with (project.root / "environments/prod.yaml").open("a") as file:
        file.write(
            waiver.format(expires="2020-01-01").replace("data-platform", "vault login planted")
        )
    said = project.must("check", "prod", "--format", "json", exit_code=5)
    assert "expired on 2020-01-01" in said
    assert "planted" not in said


# policies and watch.


def test_policies_are_listed_and_explained(project: Project) -> None:
    listed = project.must("policies")
    assert "NEXUS_PROXY_TLS" in listed
    explained = project.must("policies", "nexus_proxy_tls")
    assert all(
        word in explained for word in ("why", "fact", "fix", "proxy.require_tls", "critical")
    )
    assert "NEXUS_PROXY_TLS" in project.must("policies", "NEXUS_PROXY_TSL", exit_code=64)
    assert len(json.loads(project.must("policies", "--json"))) > 30


def test_watch_judges_at_every_save(project: Project) -> None:
    watching = project.start("watch", "prod", "--json")
    assert watching.stdout is not None
    try:
        assert json.loads(watching.stdout.readline())["passed"] is True
        project.edit("prod", "require_tls: true", "require_tls: false")
        assert json.loads(watching.stdout.readline())["passed"] is False
        project.edit("prod", "require_tls: false", "require_tls: maybe")
        assert json.loads(watching.stdout.readline())["exit_code"] == 3
        project.edit("prod", "require_tls: maybe", "require_tls: true")
        assert json.loads(watching.stdout.readline())["passed"] is True
    finally:
        watching.send_signal(signal.SIGINT)
        _, complaint = watching.communicate(timeout=20)
    assert watching.returncode == 130
    assert "Traceback" not in complaint


def test_terminal_without_signs_gets_the_verdict(project: Project) -> None:
    foreign(project, {"main.tf": PROXY.format(tls="false")})
    ascii_only = Project(project.root, {"PYTHONIOENCODING": "ascii"})
    said = ascii_only.must("check", "--path", "infra", "--defer", exit_code=5)
    assert "NEXUS_PROXY_TLS" in said
    assert said.isascii()


def test_what_is_no_file_is_not_waited_for(project: Project) -> None:
    foreign(project, {"main.tf": PROXY.format(tls="true")})
    os.mkfifo(project.root / "pipe")
    path = ("check", "--path", "infra")
    for arguments, code in (
        (("check", "--plan", "pipe"), 8),
        (("check", "--state", "/dev/zero"), 64),
        ((*path, "--baseline", "pipe"), 64),
        ((*path, "--var-file", "pipe"), 64),
    ):
        assert "not a regular file" in project.must(*arguments, exit_code=code)


def test_output_that_cannot_be_written_is_named(project: Project) -> None:
    arguments = ("check", "prod", "--format", "json", "--output", "/dev/full")
    assert "--output /dev/full: No space left" in project.must(*arguments, exit_code=8)
