"""The policies through the gate: checkov in its worker, on rendered roots and on real plans.

The roots are in tests/fixtures/policy; NAME.json is the plan Terraform made of NAME/.
"""

import json
import os
import shutil
import signal
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nexusctl.environment.environment import Environment
from nexusctl.environment.model import ConnectionPool, Duration, Proxy, Settings
from nexusctl.environment.origin import Origin
from nexusctl.environment.tree import ValuePath
from nexusctl.errors import Location, ToolUnfit
from nexusctl.policy.gate import Gate
from nexusctl.policy.verdict import Verdict
from nexusctl.render.rendered import Rendered
from nexusctl.workspace import shipped_assets

FIXTURES = Path(__file__).parent.parent / "fixtures" / "policy"
POLICIES = shipped_assets().policies
PASSWORDS = "NEXUS_NO_HARDCODED_PASSWORD"
YAML = Path("environments/test.yaml")


def environment(**values: Any) -> Environment:
    pool = ConnectionPool(
        max_connections_percent=80,
        max_idle_connections_percent=40,
        connection_borrow_timeout=Duration.parse("30s"),
    )
    settings = Settings.model_construct(proxy=Proxy(connection_pool=pool), **values)
    places: dict[ValuePath, Location] = {
        ("proxy",): Location(YAML, 3),
        ("proxy", "require_tls"): Location(YAML, 4, 16),
    }
    return Environment("test", settings, places, (YAML,))


def rendered(directory: Path) -> Rendered:
    files = {
        file.relative_to(directory).as_posix(): file.read_text()
        for file in directory.rglob("*")
        if file.is_file()
    }
    return Rendered(files, {})


def root(directory: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path_factory.mktemp("log") / "policy.log") as gate:
        yield gate


def judge(gate: Gate, directory: Path, **values: Any) -> Verdict:
    return gate.judge_rendered(directory, rendered(directory), environment(**values))


def judge_plan(gate: Gate, name: str) -> Verdict:
    return gate.judge_plan(FIXTURES / f"{name}.json", rendered(FIXTURES / name), environment())


def outcomes(verdict: Verdict, policy: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"passed": set(), "failed": set(), "deferred": set()}
    for finding in verdict.findings:
        if finding.policy == policy:
            found["passed" if finding.passed else "failed"].add(finding.resource)
    for text in verdict.deferred:
        name, address = text.split(": ")[0].split(" ", 1)
        if name == policy:
            found["deferred"].add(address)
    return found


def named(kind: str, *names: str) -> set[str]:
    return {f"{kind}.{name}" for name in names}


# TLS.


def test_proxy_tls_in_hcl(gate: Gate) -> None:
    verdict = judge(gate, FIXTURES / "tls")
    assert verdict.unjudged == ()
    found = outcomes(verdict, "NEXUS_PROXY_TLS")
    assert found["passed"] == named("aws_db_proxy", "pass")
    # checkov takes a comparison with an unknown value for false: that one fails early.
    assert found["failed"] == named(
        "aws_db_proxy", "fail_absent", 'fail_variable["a"]', 'fail_variable["b"]', "unknown"
    )
    assert found["deferred"] == named("aws_db_proxy", "none")


def test_proxy_tls_in_plan(gate: Gate) -> None:
    verdict = judge_plan(gate, "tls")
    assert verdict.unjudged == verdict.deferred == ()
    found = outcomes(verdict, "NEXUS_PROXY_TLS")
    assert found["passed"] == named("aws_db_proxy", "pass")
    assert found["failed"] == named(
        "aws_db_proxy", "fail_absent", 'fail_variable["a"]', 'fail_variable["b"]', "unknown"
    )


def test_database_tls_in_hcl(gate: Gate) -> None:
    found = outcomes(judge(gate, FIXTURES / "tls"), "NEXUS_DATABASE_TLS")
    assert found == {
        "passed": named("aws_db_instance", "pass"),
        "failed": named("aws_db_instance", "fail_absent", "fail_off", "fail_silent", "fail_mysql"),
        "deferred": named("aws_db_instance", "pass_dynamic", "unknown", "unknown_group"),
    }


def test_database_tls_in_plan(gate: Gate) -> None:
    found = outcomes(judge_plan(gate, "tls"), "NEXUS_DATABASE_TLS")
    assert found == {
        "passed": named("aws_db_instance", "pass", "pass_dynamic"),
        "failed": named(
            "aws_db_instance",
            *("fail_absent", "fail_off", "fail_silent", "fail_mysql", "unknown", "unknown_group"),
        ),
        "deferred": set(),
    }


# Authentication.


def test_authentication_in_hcl(gate: Gate) -> None:
    verdict = judge(gate, FIXTURES / "authentication")
    assert verdict.unjudged == ()
    found = outcomes(verdict, "NEXUS_PROXY_AUTHENTICATION")
    assert found["passed"] == named("aws_db_proxy", "pass_known")
    assert found["failed"] == named(
        "aws_db_proxy",
        *("fail_second", "fail_scheme", "fail_variable", "fail_username", "fail_no_secret"),
        *("fail_md5", "fail_dynamic", "unknown_second"),
    )
    assert found["deferred"] == named(
        "aws_db_proxy",
        *("pass_unknown_arn", "pass_dynamic", "fail_one_of_dynamic", "fail_static_beside_dynamic"),
    )


def test_authentication_in_plan(gate: Gate) -> None:
    verdict = judge_plan(gate, "authentication")
    assert verdict.unjudged == ()
    assert outcomes(verdict, "NEXUS_PROXY_AUTHENTICATION") == {
        "passed": named("aws_db_proxy", "pass_known", "pass_unknown_arn", "pass_dynamic"),
        "failed": named(
            "aws_db_proxy",
            *("fail_second", "fail_scheme", "fail_variable", "fail_username", "fail_no_secret"),
            *("fail_md5", "fail_dynamic", "fail_one_of_dynamic", "fail_static_beside_dynamic"),
            "unknown_second",
        ),
        "deferred": set(),
    }


# Passwords.

PLANTED = {
    *named("aws_db_instance", "fail_literal", "fail_variable", "fail_write_only"),
    *named("aws_secretsmanager_secret_version", "fail_json", "fail_json_write_only"),
    *named("aws_launch_template", "fail_user_data", "fail_gzip"),
    *named("aws_lambda_function", "fail_environment", "fail_url"),
    "aws_ssm_parameter.fail_value",
    "output.database_password",
}


def test_passwords_in_hcl(gate: Gate) -> None:
    verdict = judge(gate, FIXTURES / "passwords")
    assert verdict.unjudged == ()
    found = outcomes(verdict, PASSWORDS)
    assert found["failed"] == PLANTED | {"aws_db_instance.fail_local_write_only"}
    assert "planted-" not in repr(verdict)


def test_passwords_in_plan(gate: Gate) -> None:
    verdict = judge_plan(gate, "passwords")
    assert verdict.unjudged == ()
    found = outcomes(verdict, PASSWORDS)
    # Of a local in a write-only argument the plan says nothing: only the rendered root shows it.
    assert found["failed"] == PLANTED | {"var.plain"}
    assert "planted-" not in repr(verdict)


def test_password_is_found_on_its_line_with_its_length(gate: Gate) -> None:
    verdict = judge(gate, FIXTURES / "passwords")
    lines = (FIXTURES / "passwords" / "main.tf").read_text().splitlines()
    (finding,) = [
        one
        for one in verdict.denied
        if one.resource == "aws_db_instance.fail_literal" and one.policy == PASSWORDS
    ]
    assert finding.line is not None
    assert "planted-literal" in lines[finding.line - 1]
    assert "15 characters" in finding.message


def test_password_in_the_environment(gate: Gate) -> None:
    verdict = judge(gate, FIXTURES / "stack", tags={"note": "postgresql://a:planted-yaml@h/d"})
    (finding,) = verdict.denied
    assert finding.policy == PASSWORDS
    assert finding.resource == "environment test"
    assert finding.message == "tags.note: a URL with a password, 12 characters"
    assert finding.origin == Origin(("tags", "note"), None)


def test_password_in_a_template_of_a_module(gate: Gate, tmp_path: Path) -> None:
    root(tmp_path, {"main.tf": "", "boot.sh.tftpl": "#!/bin/sh\nexport PGPASSWORD=planted-boot\n"})
    (finding,) = judge(gate, tmp_path).denied
    assert (finding.file, finding.line) == ("boot.sh.tftpl", 2)
    assert "planted" not in repr(finding)


# A whole stack of modules.


def test_stack_passes_what_hcl_knows_and_defers_the_rest(gate: Gate) -> None:
    verdict = judge(gate, FIXTURES / "stack")
    assert verdict.passed
    assert outcomes(verdict, "NEXUS_PROXY_TLS")["passed"] == {"module.proxy.aws_db_proxy.main"}
    assert outcomes(verdict, "NEXUS_PROXY_AUTHENTICATION")["deferred"] == {
        "module.proxy.aws_db_proxy.main"
    }
    assert outcomes(verdict, "NEXUS_DATABASE_TLS")["deferred"] == {
        "module.database.aws_db_instance.main"
    }


def test_stack_passes_in_plan(gate: Gate) -> None:
    verdict = judge_plan(gate, "stack")
    assert verdict.passed
    assert verdict.deferred == ()
    assert outcomes(verdict, PASSWORDS)["passed"] == {
        "module.database.aws_db_instance.main",
        "module.database.aws_db_parameter_group.main",
        "module.proxy.aws_db_proxy.main",
        'module.secrets.aws_secretsmanager_secret.user["app"]',
        'module.secrets.aws_secretsmanager_secret_version.user["app"]',
    }


@pytest.mark.parametrize(
    ("good", "bad", "policy"),
    [
        ("require_tls = true", "require_tls = false", "NEXUS_PROXY_TLS"),
        ('iam_auth    = "REQUIRED"', 'iam_auth    = "DISABLED"', "NEXUS_PROXY_AUTHENTICATION"),
    ],
)
def test_setting_passed_to_a_module_is_denied_before_any_plan(
    gate: Gate, tmp_path: Path, good: str, bad: str, policy: str
) -> None:
    shutil.copytree(FIXTURES / "stack", tmp_path / "root")
    main = tmp_path / "root" / "main.tf"
    assert good in main.read_text()
    main.write_text(main.read_text().replace(good, bad))
    (finding,) = judge(gate, tmp_path / "root").denied
    assert finding.policy == policy
    assert finding.resource == "module.proxy.aws_db_proxy.main"


@pytest.mark.parametrize("plan", [False, True])
def test_finding_names_the_rendered_line_and_the_environment_value(gate: Gate, plan: bool) -> None:
    verdict = judge_plan(gate, "stack") if plan else judge(gate, FIXTURES / "stack")
    (finding,) = [one for one in verdict.findings if one.policy == "NEXUS_PROXY_TLS"]
    assert finding.file == "modules/proxy/main.tf"
    assert finding.line is not None
    text = (FIXTURES / "stack" / finding.file).read_text().splitlines()[finding.line - 1]
    assert text == 'resource "aws_db_proxy" "main" {'
    assert str(finding.origin) == f"{YAML}:4:16  proxy.require_tls"


# Failing closed.


def test_file_that_does_not_parse_is_unjudged(gate: Gate, tmp_path: Path) -> None:
    root(tmp_path, {"main.tf": 'resource "aws_db_proxy" "main" {\n  require_tls = true\n'})
    verdict = judge(gate, tmp_path)
    assert not verdict.passed
    assert any("main.tf" in text for text in verdict.unjudged)


def test_resource_that_checkov_loses_is_unjudged(gate: Gate, tmp_path: Path) -> None:
    # Not HCL to checkov, which drops the file; its resource is counted all the same.
    root(tmp_path, {"main.tf": 'resource "aws_db_proxy" "main" {\n  require_tls = = true\n}\n'})
    verdict = judge(gate, tmp_path)
    assert "NEXUS_PROXY_TLS aws_db_proxy.main: no record" in verdict.unjudged
    assert "checkov cannot parse main.tf" in verdict.unjudged


def test_file_beside_the_rendered_ones_is_unjudged(gate: Gate, tmp_path: Path) -> None:
    root(tmp_path, {"main.tf": ""})
    subject = rendered(tmp_path)
    root(tmp_path, {"override.tf.json": "{}"})
    verdict = gate.judge_rendered(tmp_path, subject, environment())
    assert verdict.unjudged == ("override.tf.json was not rendered, but Terraform reads it",)


def test_plan_resource_without_record_is_unjudged(gate: Gate, tmp_path: Path) -> None:
    # checkov reads planned_values only; a plan that lacks one of its changes there is not believed.
    plan = json.loads((FIXTURES / "tls.json").read_text())
    resources = plan["planned_values"]["root_module"]["resources"]
    gone = [one for one in resources if one["address"] != "aws_db_proxy.pass"]
    plan["planned_values"]["root_module"]["resources"] = gone
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    verdict = gate.judge_plan(file, rendered(FIXTURES / "tls"), environment())
    assert set(verdict.unjudged) == {
        f"{policy} aws_db_proxy.pass: no record"
        for policy in ("NEXUS_PROXY_TLS", "NEXUS_PROXY_AUTHENTICATION", PASSWORDS)
    }


@pytest.mark.parametrize("content", ["", "[]", '{"format_version": "1.2"}'])
def test_plan_that_is_none_is_an_error(gate: Gate, tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(ToolUnfit, match="plan"):
        gate.judge_plan(tmp_path / "plan.json", Rendered({}, {}), environment())


@pytest.mark.parametrize("directory", ["missing", "empty"])
def test_no_policies_is_an_error(tmp_path: Path, directory: str) -> None:
    (tmp_path / "empty").mkdir()
    with Gate(tmp_path / directory, tmp_path / "log") as gate, pytest.raises(ToolUnfit):
        judge(gate, FIXTURES / "stack")


RAISING = """
from nexusctl.policy.check import About, Answer, Policy, Resource
from nexusctl.policy.verdict import Severity


class Raising(Policy):
    about = About(
        id="TEST_RAISING",
        title="raises",
        severity=Severity.LOW,
        why="to see",
        fix="none",
        resources=("aws_db_proxy",),
    )

    def judge(self, resource: Resource) -> Answer:
        raise ValueError(str(resource.conf))


raising = Raising()
"""


def broken_policies(tmp_path: Path, text: str) -> Path:
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    (policies / "more.py").write_text(text)
    return policies


@pytest.mark.parametrize(
    ("text", "unjudged"),
    [
        (RAISING, "TEST_RAISING module.proxy.aws_db_proxy.main: no record"),
        (RAISING.replace("raising = Raising()", ""), "TEST_RAISING: not loaded as declared"),
        (f"{RAISING}\n1 / 0\n", "more.py cannot be loaded: ZeroDivisionError"),
    ],
)
def test_policy_that_gives_no_answer_is_unjudged(tmp_path: Path, text: str, unjudged: str) -> None:
    with Gate(broken_policies(tmp_path, text), tmp_path / "log") as gate:
        verdict = judge(gate, FIXTURES / "stack")
    assert not verdict.passed
    assert unjudged in verdict.unjudged
    assert "keystone" not in (tmp_path / "log").read_text()


def test_missing_required_policy_is_unjudged(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    (policies / "authentication.py").unlink()
    with Gate(policies, tmp_path / "log") as gate:
        verdict = judge(gate, FIXTURES / "stack")
    assert verdict.unjudged == ("NEXUS_PROXY_AUTHENTICATION: there is no such policy",)


# The worker.


def worker_of(gate: Gate) -> int:
    assert gate._worker is not None
    return gate._worker._process.pid


@pytest.fixture
def own_gate(tmp_path: Path) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path / "logs" / "policy.log", tmp_path / "cache") as own:
        yield own


def test_start_returns_at_once_and_the_terminal_does_not_reach_the_worker(own_gate: Gate) -> None:
    started = time.monotonic()
    own_gate.start()
    assert time.monotonic() - started < 0.5
    assert os.getsid(worker_of(own_gate)) == worker_of(own_gate)


def test_killed_worker_is_unjudged_and_the_next_question_gets_a_new_one(own_gate: Gate) -> None:
    own_gate.start()
    pid = worker_of(own_gate)
    os.kill(pid, signal.SIGSTOP)  # so that it is asked, and cannot have answered when it dies
    threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
    verdict = judge(own_gate, FIXTURES / "stack")
    assert not verdict.passed
    assert any("the policy worker gave no answer" in text for text in verdict.unjudged)
    assert judge(own_gate, FIXTURES / "stack").passed


def test_worker_that_takes_too_long_is_unjudged(tmp_path: Path) -> None:
    with Gate(POLICIES, tmp_path / "log", patience_seconds=0.01) as impatient:
        verdict = judge(impatient, FIXTURES / "stack")
    assert not verdict.passed
    assert any("did not answer in time" in text for text in verdict.unjudged)


def test_worker_ends_with_the_gate(own_gate: Gate) -> None:
    with own_gate:
        own_gate.start()
        pid = worker_of(own_gate)
    assert not Path(f"/proc/{pid}").exists()


def test_log_is_closed_to_others(own_gate: Gate, tmp_path: Path) -> None:
    own_gate.start()
    assert stat.S_IMODE((tmp_path / "logs" / "policy.log").stat().st_mode) == 0o600


def test_unchanged_root_needs_no_worker(own_gate: Gate, tmp_path: Path) -> None:
    with own_gate:
        first = judge(own_gate, FIXTURES / "stack")
    assert judge(own_gate, FIXTURES / "stack") == first
    assert own_gate._worker is None
    (entry,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700

    # An altered entry is no answer: the root is judged again, and the entry made anew.
    content = entry.read_text()
    entry.write_text(content.replace('"passed": true', '"passed": false', 1))
    assert judge(own_gate, FIXTURES / "stack") == first
    assert entry.read_text() == content
    assert worker_of(own_gate)


def test_password_in_the_environment_is_found_beside_a_kept_answer(own_gate: Gate) -> None:
    assert judge(own_gate, FIXTURES / "stack").passed
    assert not judge(own_gate, FIXTURES / "stack", description="password=planted").passed


def test_unjudged_is_not_kept(own_gate: Gate, tmp_path: Path) -> None:
    judge(own_gate, root(tmp_path / "root", {"main.tf": 'resource "aws_db_proxy" "main" {\n'}))
    assert not (tmp_path / "cache").exists()
