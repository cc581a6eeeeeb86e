"""The gate fails closed: whatever is done to policies, files or plan, nothing passes.

The files are those of the shipped `sandbox` environment, the plan is Terraform's of them.
"""

import copy
import json
import os
import shutil
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nexusctl.environment.load import load
from nexusctl.errors import ToolUnfit
from nexusctl.policy.gate import Case, Gate
from nexusctl.policy.verdict import Outcome, Verdict
from nexusctl.render.render import render
from nexusctl.workspace import PACKAGE, shipped_assets
from tests.integration.judging import judge_both, judge_files, named, outcomes, sets
from tests.integration.project import NewProject

POLICIES = shipped_assets().policies
ENVIRONMENTS = PACKAGE.parent / "environments"
PROXY = "module.proxy.aws_db_proxy.main"
DATABASE = "module.database.aws_db_instance.main"


def case_of(name: str) -> Case:
    environment = load(name, ENVIRONMENTS)
    return Case.of_environment(environment, render(environment, shipped_assets()))


@pytest.fixture(scope="module")
def case() -> Case:
    return case_of("sandbox")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with Gate(POLICIES, tmp_path_factory.mktemp("log") / "policy.log") as gate:
        yield gate


@pytest.fixture(scope="module")
def files(gate: Gate, case: Case) -> Verdict:
    return gate.judge_files(case)


@pytest.fixture(scope="module")
def plan(new_project: NewProject) -> dict[str, Any]:
    project = new_project()
    project.must("terraform", "sandbox", "--", "plan", "-out=plan")
    made: dict[str, Any] = json.loads(
        project.run("terraform", "sandbox", "--", "show", "-json", "plan").stdout
    )
    return made


def judge_plan(
    gate: Gate, case: Case, plan: object, files: Verdict | None, directory: Path
) -> Verdict:
    (directory / "plan.json").write_text(json.dumps(plan))
    return gate.judge_plan(case, directory / "plan.json", files)


@pytest.mark.parametrize("name", ["prod", "staging", "dev", "sandbox"])
def test_the_shipped_environments_pass_and_every_policy_of_their_tier_judges(
    gate: Gate, name: str
) -> None:
    case = case_of(name)
    verdict = gate.judge_files(case)
    assert verdict.denied == ()
    assert verdict.unjudged == ()
    pairs = [(finding.policy.id, finding.resource) for finding in verdict.findings]
    assert len(pairs) == len(set(pairs))
    assert {finding.outcome for finding in verdict.findings} <= {Outcome.PASSED, Outcome.DEFERRED}


def test_the_plan_decides_what_the_files_left_to_it(
    gate: Gate, case: Case, plan: dict[str, Any], files: Verdict, tmp_path: Path
) -> None:
    verdict = judge_plan(gate, case, plan, files, tmp_path)
    assert verdict.denied == ()
    assert verdict.passed
    assert verdict.of(Outcome.DEFERRED) == ()
    assert len(verdict.findings) > 100


def test_what_the_plan_does_not_know_yet_the_files_decide(
    gate: Gate, case: Case, plan: dict[str, Any], files: Verdict, tmp_path: Path
) -> None:
    connect = 'module.proxy.aws_iam_policy.connect["ingest"]'
    assert "policy" not in change_in(plan, connect)["change"]["after"]
    verdict = judge_plan(gate, case, plan, files, tmp_path)
    assert (connect, Outcome.PASSED) in {
        (finding.resource, finding.outcome)
        for finding in verdict.findings
        if finding.policy.id == "NEXUS_CONNECT_SCOPE"
    }


def test_without_its_files_a_plan_does_not_pass_on_what_it_does_not_know(
    gate: Gate, plan: dict[str, Any], tmp_path: Path
) -> None:
    alone = Case("plan.json", "sandbox", tmp_path / "plan.json", {})
    verdict = judge_plan(gate, alone, plan, None, tmp_path)
    assert any("--path DIR" in finding.message for finding in verdict.denied)


def test_documents_of_the_provider_are_judged_before_their_arns_are_made(gate: Gate) -> None:
    of_arns = named(
        "aws_iam_role_policy", "pass_of_its_own_secret", "fail_everything", "unknown_statements"
    )
    found = outcomes(judge_files(gate, "documents"), "NEXUS_IAM_SCOPE")
    assert {name: addresses & of_arns for name, addresses in found.items()} == sets(
        passed={"aws_iam_role_policy.pass_of_its_own_secret"},
        failed={"aws_iam_role_policy.fail_everything"},
        deferred={"aws_iam_role_policy.unknown_statements"},
    )
    # The plan knows none of the three yet, and what the files do not know either does not pass.
    found = outcomes(judge_both(gate, "documents"), "NEXUS_IAM_SCOPE")
    assert found["passed"] & of_arns == {"aws_iam_role_policy.pass_of_its_own_secret"}


def test_finding_on_one_of_several_points_at_its_entry(gate: Gate, case: Case) -> None:
    rotation = {
        finding.resource: finding.setting
        for finding in gate.judge_files(replace(case, tier="production")).denied
        if finding.policy.id == "NEXUS_SECRET_ROTATION"
    }
    (setting,) = rotation.values()
    assert setting is not None
    assert setting.origin.path == ("users", "ingest")
    assert setting.value is None


# The policies folder.

RAISING = """
from nexusctl.policy.check import About, Answer, Policy, Resource
from nexusctl.policy.verdict import Severity


class Raising(Policy):
    about = About(
        id="TEST_RAISING",
        title="raises",
        severity=Severity.LOW,
        why="to see",
        fact="none",
        fix="none",
        resources=("aws_db_proxy",),
    )

    def judge(self, resource: Resource) -> Answer:
        raise ValueError(str(resource.values))


raising = Raising()
"""
SILENT = RAISING.replace(
    "    def judge",
    "    def scan_entity_conf(self, conf, entity_type):\n"
    "        from checkov.common.models.enums import CheckResult\n"
    "        return CheckResult.PASSED\n\n    def judge",
)
TWICE = RAISING.replace("raise ValueError(str(resource.values))", 'return Answer.passed("yes")')


def append(name: str, text: str) -> Callable[[Path], object]:
    def change(policies: Path) -> None:
        with (policies / name).open("a") as file:
            file.write(text)

    return change


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    def change(policies: Path) -> None:
        text = (policies / name).read_text()
        assert old in text
        (policies / name).write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (append("more.py", RAISING), f"TEST_RAISING {PROXY}: no record"),
        (append("more.py", SILENT), f"TEST_RAISING {PROXY}: no record"),
        (append("more.py", f"{TWICE}\nagain = Raising()\n"), f"TEST_RAISING {PROXY}: 2 records"),
        (
            append("more.py", RAISING.replace("raising = Raising()", "")),
            "TEST_RAISING: not loaded as declared",
        ),
        (append("more.py", f"{RAISING}\n1 / 0\n"), "more.py cannot be loaded: ZeroDivisionError"),
        (append("tls.py", "\nimport nothing_of_that_name\n"), "NEXUS_PROXY_TLS: not loaded"),
        (lambda policies: (policies / "tls.py").unlink(), "NEXUS_PROXY_TLS: there is no such"),
        (
            edit("tls.py", '"NEXUS_PROXY_TLS"', '"NEXUS_PROXY_TSL"'),
            "NEXUS_PROXY_TLS: there is no such policy",
        ),
        (
            edit("tls.py", '("aws_db_proxy",)', '("aws_db_prxy",)'),
            "NEXUS_PROXY_TLS: applies to nothing here",
        ),
        (
            edit("durability.py", '("aws_db_instance", "aws_rds_cluster_instance")', '("aws_x",)'),
            "NEXUS_MINOR_UPGRADES: applies to nothing here",
        ),
    ],
)
def test_broken_policies_are_unjudged(
    case: Case, tmp_path: Path, change: Callable[[Path], object], said: str
) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    change(policies)
    with Gate(policies, tmp_path / "log") as gate:
        verdict = gate.judge_files(case)
    assert not verdict.passed
    assert any(said in reason for reason in verdict.unjudged)
    assert "keystone-nexus" not in (tmp_path / "log").read_text(), (
        "no value of a resource is logged"
    )


@pytest.mark.parametrize(
    "gone", sorted(file.name for file in POLICIES.glob("*.py") if file.name[0] != "_")
)
def test_policies_that_are_gone_are_missed(case: Case, tmp_path: Path, gone: str) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    (policies / gone).unlink()
    with Gate(policies, tmp_path / "log") as gate:
        verdict = gate.judge_files(case)
    assert any("there is no such policy" in reason for reason in verdict.unjudged)


@pytest.mark.parametrize(
    "change",
    [
        shutil.rmtree,
        lambda policies: [file.unlink() for file in policies.glob("*.py")],
        lambda policies: [file.rename(file.with_suffix(".txt")) for file in policies.glob("*.py")],
        append("tls.py", "\ndef (:\n"),
        append("tls.py", "\nx = 1\n" + RAISING + RAISING),
        append("empty.py", "x = 1\n"),
        edit("tls.py", 'id="NEXUS_PROXY_TLS"', "id=str(1)"),
        edit("tls.py", 'resources=("aws_db_proxy",)', "resources=()"),
        append("more.py", RAISING.replace("fact=", 'tiers=("prod",), fact=')),
    ],
)
def test_policies_that_cannot_be_read_are_an_error(
    case: Case, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    change(policies)
    with Gate(policies, tmp_path / "log") as gate, pytest.raises(ToolUnfit):
        gate.judge_files(case)


# The files.


def changed(case: Case, file: str, old: str, new: str) -> Case:
    """The case with a file changed; what its files leave to a plan counts as not judged."""
    text = case.files[file]
    assert old in text
    return replace(case, strict=True, files={**case.files, file: text.replace(old, new)})


def test_unchanged_files_leave_nothing_to_the_plan(gate: Gate, case: Case) -> None:
    assert gate.judge_files(replace(case, strict=True)).passed


PROXY_FILE = "modules/proxy/main.tf"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (PROXY_FILE, "require_tls            = var.require_tls", "require_tls = false"),
        (PROXY_FILE, "require_tls            = var.require_tls", "require_tls = false // true"),
        (PROXY_FILE, "require_tls            = var.require_tls", ""),
        (PROXY_FILE, "require_tls            = var.require_tls", 'require_tls = "${var.nothing}"'),
        (PROXY_FILE, "require_tls            = var.require_tls", "require_tls = !var.require_tls"),
        (PROXY_FILE, "require_tls            = var.require_tls", "require_tls = 1 > 2"),
        (PROXY_FILE, "require_tls            = var.require_tls", "require_tls = = true"),
        (PROXY_FILE, 'resource "aws_db_proxy" "main" {', 'resource "aws_db_proxy" "main" {{'),
        (PROXY_FILE, 'resource "aws_db_proxy" "main" {', 'resource "aws_db_prxy" "main" {'),
        (PROXY_FILE, 'resource "aws_db_proxy" "main" {', '/* resource "aws_db_proxy" "main" {'),
        (
            PROXY_FILE,
            'resource "aws_db_proxy" "main" {',
            'resource "aws_db_proxy" "main" {\n  #checkov:skip=NEXUS_PROXY_TLS\n  require_tls = 0',
        ),
        (
            PROXY_FILE,
            '  dynamic "auth" {',
            '  auth {\n    iam_auth = "DISABLED"\n  }\n  dynamic "auth" {',
        ),
        (PROXY_FILE, "for_each = var.secrets", "for_each = {}"),
        ("main.tf", 'module "proxy" {', 'module "proxy" {\n  count = 0\n'),
        ("main.tf", '"./modules/proxy"', '"./modules/proxies"'),
        ("main.tf", '"./modules/proxy"', '"terraform-aws-modules/rds-proxy/aws"'),
        ("main.tf", '"./modules/proxy"', '"git::https://example.com/proxy.git"'),
        ("main.tf", '"./modules/proxy"', '"./"'),
        ("main.tf", "require_tls                 = true", "require_tls = false"),
        ("main.tf", 'iam_auth                    = "REQUIRED"', 'iam_auth = "DISABLED"'),
        ("modules/database/main.tf", '"rds.force_ssl" = "1"', '"rds.force_ssl" = "0"'),
        ("modules/database/main.tf", '"rds.force_ssl" = "1"', ""),
        (
            "modules/database/main.tf",
            "manage_master_user_password         = true",
            'password = "planted-password"',
        ),
        ("modules/database/main.tf", "identifier = var.name\n", 'identifier = var.name "\n'),
    ],
)
def test_changed_files_do_not_pass(gate: Gate, case: Case, file: str, old: str, new: str) -> None:
    verdict = gate.judge_files(changed(case, file, old, new))
    assert not verdict.passed
    assert "planted-password" not in repr(verdict)


@pytest.mark.parametrize("share", [0.1, 0.37, 0.5, 0.83, 0.99])
@pytest.mark.parametrize("file", [PROXY_FILE, "main.tf", "modules/database/main.tf"])
def test_files_that_were_cut_off_do_not_pass(
    gate: Gate, case: Case, file: str, share: float
) -> None:
    text = case.files[file]
    cut = text[: int(len(text) * share)]
    assert not gate.judge_files(replace(case, files={**case.files, file: cut})).passed


@pytest.mark.parametrize(
    "gone",
    [PROXY_FILE, "main.tf", "modules/database/main.tf", "modules/proxy/variables.tf"],
)
def test_files_that_are_missing_do_not_pass(gate: Gate, case: Case, gone: str) -> None:
    files = {name: text for name, text in case.files.items() if name != gone}
    assert not gate.judge_files(replace(case, files=files, strict=True)).passed
    assert not gate.judge_files(replace(case, files={})).passed


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("override.tf", "x = 1"),
        (
            "modules/proxy/main_override.tf",
            'resource "aws_db_proxy" "main" {\n  require_tls = false\n}\n',
        ),
        (
            "modules/proxy/override.tf.json",
            '{"resource": {"aws_db_proxy": {"main": {"auth": {"iam_auth": "DISABLED"}}}}}',
        ),
        ("override.tf", 'module "proxy" {\n  require_tls = false\n}\n'),
        ("more.tf.json", '{"resource": {"aws_db_proxy": {"more": {"require_tls": false}}}}'),
        ("modules/proxy/more.tf.json", '{"resource"'),
        ("more.tofu", ""),
        ("more.tf", 'resource "aws_db_proxy" "more" {\n  require_tls = false\n}\n'),
        ("more.tf", "\x00"),
        ("more.tf", "{" * 100_000),
        ("more.tf", 'variable "db_password" {\n  default = "planted-password"\n}\n'),
        ("terraform.tfvars", 'db_password = "planted-password"\n'),
    ],
)
def test_files_beside_the_rendered_ones_do_not_pass(
    gate: Gate, case: Case, name: str, text: str
) -> None:
    verdict = gate.judge_files(replace(case, files={**case.files, name: text}))
    assert not verdict.passed
    assert "planted-password" not in repr(verdict)


# The plan.


def resource_in(plan: dict[str, Any], address: str) -> dict[str, Any]:
    todo = [plan["planned_values"]["root_module"]]
    while todo:
        module = todo.pop()
        todo += module.get("child_modules", [])
        for resource in module.get("resources", []):
            if resource["address"] == address:
                found: dict[str, Any] = resource
                return found
    raise KeyError(address)


def change_in(plan: dict[str, Any], address: str) -> dict[str, Any]:
    (found,) = (each for each in plan["resource_changes"] if each["address"] == address)
    change: dict[str, Any] = found
    return change


def without_value(plan: dict[str, Any]) -> None:
    resource_in(plan, PROXY)["values"].pop("require_tls")


def tls_off(plan: dict[str, Any]) -> None:
    resource_in(plan, PROXY)["values"]["require_tls"] = False
    change_in(plan, PROXY)["change"]["after"]["require_tls"] = False


def tls_off_in_values(plan: dict[str, Any]) -> None:
    resource_in(plan, PROXY)["values"]["require_tls"] = False


def tls_off_in_changes(plan: dict[str, Any]) -> None:
    change_in(plan, PROXY)["change"]["after"]["require_tls"] = False


def one_bad_auth(plan: dict[str, Any]) -> None:
    for values in (
        resource_in(plan, PROXY)["values"],
        change_in(plan, PROXY)["change"]["after"],
    ):
        values["auth"].append({**values["auth"][0], "iam_auth": "DISABLED"})


def all_removed(plan: dict[str, Any]) -> None:
    plan["resource_changes"] = []
    plan["planned_values"] = {}


def removed_from_changes(plan: dict[str, Any]) -> None:
    plan["resource_changes"].remove(change_in(plan, PROXY))


def removed_from_values(plan: dict[str, Any]) -> None:
    for module in plan["planned_values"]["root_module"]["child_modules"]:
        module["resources"] = [each for each in module["resources"] if each["address"] != PROXY]


def removed_from_both(plan: dict[str, Any]) -> None:
    removed_from_changes(plan)
    removed_from_values(plan)


def called_a_deletion(plan: dict[str, Any]) -> None:
    change_in(plan, PROXY)["change"]["actions"] = ["delete"]
    change_in(plan, PROXY)["change"]["after"] = None


def called_a_data_source(plan: dict[str, Any]) -> None:
    change_in(plan, PROXY)["mode"] = resource_in(plan, PROXY)["mode"] = "data"


def called_another_type(plan: dict[str, Any]) -> None:
    change_in(plan, PROXY)["type"] = resource_in(plan, PROXY)["type"] = "aws_db_prxy"


def set_at(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(plan: dict[str, Any]) -> None:
        plan[name] = value

    return change


def state_missing(plan: dict[str, Any]) -> None:
    change = change_in(plan, PROXY)["change"]
    change["actions"], change["before"] = ["no-op"], change["after"]
    plan.pop("prior_state")


def password_planted(plan: dict[str, Any]) -> None:
    for values in (
        resource_in(plan, DATABASE)["values"],
        change_in(plan, DATABASE)["change"]["after"],
    ):
        values["password"] = "planted-password"


@pytest.mark.parametrize(
    "mutate",
    [
        without_value,
        tls_off,
        tls_off_in_values,
        tls_off_in_changes,
        one_bad_auth,
        all_removed,
        removed_from_changes,
        removed_from_values,
        removed_from_both,
        called_a_deletion,
        called_a_data_source,
        called_another_type,
        password_planted,
        state_missing,
        set_at("format_version", "2.0"),
        set_at("format_version", None),
        set_at("errored", True),
        set_at("complete", False),
        set_at("deferred_changes", [{}]),
        set_at("configuration", {}),
        set_at("variables", {"password": {"value": "planted-password"}}),
    ],
)
def test_changed_plans_do_not_pass(  # noqa: PLR0917 - fixtures
    gate: Gate,
    case: Case,
    plan: dict[str, Any],
    files: Verdict,
    tmp_path: Path,
    mutate: Callable[[dict[str, Any]], None],
) -> None:
    mutated = copy.deepcopy(plan)
    mutate(mutated)
    assert mutated != plan
    verdict = judge_plan(gate, case, mutated, files, tmp_path)
    assert not verdict.passed
    assert "planted-password" not in repr(verdict)


def without_configuration_of_the_proxy(plan: dict[str, Any]) -> dict[str, Any]:
    removed_from_both(plan)
    module = plan["configuration"]["root_module"]["module_calls"]["proxy"]
    (proxy,) = (
        each for each in module["module"]["resources"] if each["address"] == "aws_db_proxy.main"
    )
    return {"call": module, "resource": proxy}


@pytest.mark.parametrize("where", ["call", "resource"])
@pytest.mark.parametrize(
    ("expressions", "said"),
    [
        ({}, "in the configuration of the plan, but not planned"),
        ({"count_expression": {"constant_value": 1}}, "but not planned"),
        ({"for_each_expression": {"constant_value": {"a": "b"}}}, "but not planned"),
        ({"count_expression": {"references": ["var.x"]}}, "none is planned"),
        ({"for_each_expression": {}}, "none is planned"),
        ({"count_expression": {"constant_value": "${floor(1)}"}}, "none is planned"),
        ({"count_expression": {"constant_value": 0}}, None),
        ({"for_each_expression": {"constant_value": {}}}, None),
    ],
)
def test_plan_alone_from_which_a_resource_was_taken(  # noqa: PLR0917 - fixtures
    gate: Gate,
    plan: dict[str, Any],
    tmp_path: Path,
    expressions: dict[str, Any],
    said: str | None,
    where: str,
) -> None:
    torn = copy.deepcopy(plan)
    without_configuration_of_the_proxy(torn)[where].update(expressions)
    alone = Case("plan.json", "sandbox", tmp_path / "plan.json", {})
    verdict = judge_plan(gate, alone, torn, None, tmp_path)
    about = [reason for reason in verdict.unjudged if reason.startswith(f"{PROXY}: ")]
    if said is None:
        assert about == []
    else:
        (reason,) = about
        assert said in reason


def test_files_say_whether_a_plan_is_right_to_plan_none(
    gate: Gate, case: Case, plan: dict[str, Any], tmp_path: Path
) -> None:
    torn = copy.deepcopy(plan)
    computed = {"count_expression": {"references": ["var.x"]}}
    without_configuration_of_the_proxy(torn)["resource"].update(computed)
    head = 'resource "aws_db_proxy" "main" {'
    none = changed(case, PROXY_FILE, head, f"{head}\n  count = 0")
    assert not any(
        PROXY in reason for reason in judge_plan(gate, none, torn, None, tmp_path).unjudged
    )
    assert any(
        f"{PROXY}: in the files, but not in the plan" in reason
        for reason in judge_plan(gate, case, torn, None, tmp_path).unjudged
    )


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", '{"format_version": "1.2"}', '{"planned_values": {}}', "{" * 100_000],
)
def test_what_is_no_plan_is_an_error(gate: Gate, case: Case, tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(ToolUnfit, match="plan"):
        gate.judge_plan(case, tmp_path / "plan.json")


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


def test_killed_worker_is_unjudged_and_the_next_question_gets_a_new_one(
    own_gate: Gate, case: Case
) -> None:
    own_gate.start()
    pid = worker_of(own_gate)
    os.kill(pid, signal.SIGSTOP)  # so that it is asked, and cannot have answered when it dies
    threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
    verdict = own_gate.judge_files(case)
    assert not verdict.passed
    assert any("the policy worker gave no answer" in text for text in verdict.unjudged)
    assert own_gate.judge_files(case).passed


def test_worker_that_takes_too_long_is_unjudged(tmp_path: Path, case: Case) -> None:
    with Gate(POLICIES, tmp_path / "log", patience_seconds=0.01) as impatient:
        verdict = impatient.judge_files(case)
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


def test_unchanged_root_needs_no_worker(own_gate: Gate, case: Case, tmp_path: Path) -> None:
    with own_gate:
        first = own_gate.judge_files(case)
    assert own_gate.judge_files(case) == first
    assert own_gate._worker is None
    (entry,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700

    # An altered entry is no answer: the root is judged again, and the entry made anew.
    content = entry.read_text()
    entry.write_text(content.replace('"passed"', '"failed"', 1))
    assert own_gate.judge_files(case) == first
    assert entry.read_text() == content
    assert worker_of(own_gate)


def test_kept_answer_is_not_given_for_another_tier_or_root(own_gate: Gate, case: Case) -> None:
    assert own_gate.judge_files(case).passed
    stricter = own_gate.judge_files(replace(case, tier="production"))
    assert any(finding.policy.id == "NEXUS_MULTI_AZ" for finding in stricter.denied)
    other = changed(case, "main.tf", "require_tls                 = true", "require_tls = false")
    assert not own_gate.judge_files(other).passed


def test_unjudged_is_not_kept(own_gate: Gate, case: Case, tmp_path: Path) -> None:
    own_gate.judge_files(changed(case, PROXY_FILE, "{", "{{"))
    assert not (tmp_path / "cache").exists()
