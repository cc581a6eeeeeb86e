"""Production, planned on one machine and applied on another, and destroyed in the end.

The tests of this module are steps of one story and run in their order. Two projects are the two
machines; they share one embedded AWS.
"""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nexusctl.sandbox.sandbox import Running
from tests.integration.faulty_endpoint import Fault, FaultyEndpoint
from tests.integration.project import REGION, NewProject, Project

ACCOUNT = "111122223333"
BUCKET = "keystone-nexus-tfstate"
AUDIT = "keystone-nexus/prod/terraform.tfstate.audit/"
KEY = "a key of at least twenty characters"
PROTECTION = "  deletion_protection: true\n"
WAIVER = f"""
waivers:
  - policy: NEXUS_DELETION_PROTECTION
    resource: module.database.aws_db_instance.main
    reason: it goes
    owner: platform
    expires: "{datetime.now(UTC).date() + timedelta(days=300)}"
"""


@pytest.fixture(scope="module")
def ci(new_project: NewProject) -> Project:
    """The machine that plans."""
    project = new_project()
    project.variables["NEXUSCTL_PLAN_KEY"] = KEY
    project.must("sandbox", "start")
    return project


@pytest.fixture(scope="module")
def machine(ci: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The machine that applies, with the same AWS in reach."""
    root = tmp_path_factory.mktemp("another") / "at a different path"
    shutil.copytree(ci.root / "environments", root / "environments")
    (root / ".nexusctl").mkdir(mode=0o700)
    (root / ".nexusctl/sandbox-server").symlink_to(ci.root / ".nexusctl/sandbox-server")
    return Project(root, {"NEXUSCTL_PLAN_KEY": KEY})


@pytest.fixture(scope="module")
def carried(ci: Project, machine: Project) -> str:
    """A plan of everything, on the machine that applies."""
    ci.must("plan", "prod", "--sandbox", "--out", "prod.nexus-plan")
    shutil.copy(ci.root / "prod.nexus-plan", machine.root)
    return "prod.nexus-plan"


@pytest.fixture
def faulty(ci: Project, machine: Project) -> Iterator[FaultyEndpoint]:
    """The same AWS with faults, reached by `machine` as the real one is."""
    running = ci.sandbox.status()
    assert isinstance(running, Running)
    endpoint = FaultyEndpoint(int(running.endpoint.rpartition(":")[2]))
    reached = ci.sandbox.environment_variables(running, {}, account_id=ACCOUNT, region=REGION)
    before = dict(machine.variables)
    machine.variables.update(reached | {"AWS_ENDPOINT_URL": endpoint.url})
    yield endpoint
    machine.variables.clear()
    machine.variables.update(before)
    endpoint.close()


def audit_of(project: Project) -> list[dict[str, Any]]:
    file = project.root / ".nexusctl/audit/prod.jsonl"
    assert file.stat().st_mode & 0o077 == 0
    return [json.loads(line) for line in file.read_text().splitlines()]


def audit_in_s3(project: Project) -> list[dict[str, Any]]:
    s3 = project.client("s3", ACCOUNT)
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=AUDIT)["Contents"]
    bodies = [s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in listed]
    assert all(body.count(b"\n") == 1 for body in bodies)
    return [json.loads(body) for body in bodies]


def test_a_plan_is_not_carried_without_a_key(ci: Project) -> None:
    plan = ("plan", "prod", "--sandbox", "--out", "new.nexus-plan")
    said = Project(ci.root).must(*plan, exit_code=9)
    assert "there is no key to encrypt new.nexus-plan with" in said
    assert "NEXUSCTL_PLAN_KEY or with --key-file" in said
    weak = Project(ci.root, {"NEXUSCTL_PLAN_KEY": "password"})
    assert "fewer than 20 characters" in weak.must(*plan, exit_code=64)
    assert "Plan:" not in said, "it is asked for before anything is planned"
    assert "prod.nexus-plan" in ci.must("plan", "prod", "--out", "prod", exit_code=64)
    taken = ("plan", "prod", "--out", "environments/prod.yaml")
    assert "is no sealed plan" in ci.must(*taken, exit_code=9)


def test_a_carried_plan_is_one_encrypted_file(ci: Project, carried: str) -> None:
    file = ci.root / carried
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    assert json.loads(content)["encryption"]["method"] == "scrypt, AES-256-GCM"
    for clear in (b"keystone", b"tfstate", b"sha256", b"prod"):
        assert clear not in content
    work = ci.root / ".nexusctl/sandbox/prod"
    assert [*work.rglob("*.tfplan"), *work.rglob("receipt.json"), *work.glob("*.json")] == []


def test_only_the_key_opens_it_and_only_as_it_is(machine: Project, carried: str) -> None:
    file = machine.root / carried
    whole = file.read_bytes()
    said = Project(machine.root).must("apply", carried, exit_code=9)
    assert "prod.nexus-plan is encrypted" in said
    (machine.root / "other.key").write_text("another key, and long enough\n")
    said = machine.must("apply", carried, "--key-file", "other.key", exit_code=9)
    assert "encrypted with another key, or altered" in said
    file.write_bytes(whole[: len(whole) // 2])
    assert "cut off" in machine.must("apply", carried, exit_code=9)
    document = json.loads(whole)
    document["content"] = document["content"][:1000] + "AAAA" + document["content"][1004:]
    file.write_text(json.dumps(document))
    assert "altered since" in machine.must("apply", carried, exit_code=9)
    file.write_text(json.dumps({**json.loads(whole), "encryption": None}))
    assert "is not encrypted" in machine.must("apply", carried, exit_code=9)
    file.write_bytes(whole)


def test_what_moved_between_the_machines_is_named(machine: Project, carried: str) -> None:
    machine.edit("prod", "max_size: 48", "max_size: 47")
    said = machine.must("apply", carried, "--yes", exit_code=9)
    assert "rendered file main.tf: " in said
    machine.edit("prod", "max_size: 47", "max_size: 48")
    assert (machine.root / carried).exists(), "it may be good elsewhere"


def test_it_is_applied_elsewhere(machine: Project, carried: str) -> None:
    said = machine.must("apply", carried, exit_code=9)
    assert "the environment's name was not typed" in said
    assert f"in automation: nexusctl apply {carried} --yes" in said
    said = machine.must("apply", carried, "--yes")
    assert re.search(r"sealed at \d\d:\d\d by arn:aws:sts::111122223333:", said)
    instances = machine.client("rds", ACCOUNT).describe_db_instances()["DBInstances"]
    assert [each["DBInstanceIdentifier"] for each in instances] == ["keystone-nexus-prod"]


def test_it_is_applied_once(machine: Project, carried: str) -> None:
    said = machine.must("apply", carried, "--yes", exit_code=9)
    assert re.search(r"state: none → serial \d+ of \w+ \(somebody applied meanwhile\)", said)


def test_the_audit_log_tells_of_it_here_and_beside_the_state(machine: Project) -> None:
    here = audit_of(machine)
    outcomes = [each["outcome"] for each in here]
    assert outcomes == ["refused", "refused", "begun", "done", "refused"]
    assert "main.tf" in here[0]["why"]
    begun, done = here[2:4]
    assert {each["receipt"] for each in here} == {done["receipt"]}
    assert done["who"] == done["planned_by"] == "arn:aws:sts::111122223333:user/moto"
    assert done["planned"]["create"] == done["done"]["create"] > 50
    assert audit_in_s3(machine) == [begun, done], "what changed nothing is not noted there"


def test_destroy_says_what_it_takes(ci: Project) -> None:
    said = ci.must("destroy", "prod", "--sandbox", exit_code=9)
    assert "the database of prod is protected from deletion" in said
    steps = (
        "1. in environments/prod.yaml set database.deletion_protection: false",
        "- policy: NEXUS_DELETION_PROTECTION",
        "resource: module.database.aws_db_instance.main",
        "2. nexusctl apply prod --sandbox",
        "3. nexusctl destroy prod --sandbox",
    )
    assert [step for step in steps if step not in said] == []


def test_an_edit_alone_takes_no_protection_away(ci: Project, machine: Project) -> None:
    for project in (ci, machine):
        project.edit("prod", PROTECTION, PROTECTION.replace("true", "false"))
    assert "NEXUS_DELETION_PROTECTION" in ci.must("check", "prod", exit_code=5)
    for project in (ci, machine):
        project.edit("prod", "\ntags:\n", f"{WAIVER}\ntags:\n")
    said = ci.must("destroy", "prod", "--sandbox", "--yes", exit_code=9)
    assert "the database is protected from deletion" in said
    assert "turn that off in a change of its own" in said
    assert "nexusctl apply prod --sandbox" in said


def test_an_apply_whose_record_cannot_be_stored_is_applied_and_says_so(
    machine: Project, faulty: FaultyEndpoint
) -> None:
    faulty.fail(Fault(403, "AccessDenied"), lambda request: ".audit/" in request.action)
    said = machine.must("apply", "prod", "--yes", exit_code=7)
    assert "0 created, 1 changed, 0 destroyed" in said
    assert "apply is done, but the audit log beside the state lacks records of it" in said
    assert [each["outcome"] for each in audit_of(machine)][-2:] == ["begun", "done"]
    (database,) = machine.client("rds", ACCOUNT).describe_db_instances()["DBInstances"]
    assert database["DeletionProtection"] is False


def test_what_stands_is_production_whatever_is_written_now(ci: Project) -> None:
    file = ci.root / "environments/prod.yaml"
    before = file.read_text()
    ci.edit("prod", "tier: production", "tier: development")
    ci.edit("prod", WAIVER, "")  # which that tier has no use for
    said = ci.must("apply", "prod", "--sandbox", exit_code=9)
    assert "the tier falls from production to development" in said
    assert "not applied: the environment's name was not typed" in said
    said = ci.must("destroy", "prod", "--sandbox", "--yes", exit_code=9)
    assert "production is not destroyed with --yes" in said
    file.write_text(before)


def test_production_is_destroyed_when_its_name_is_typed(ci: Project) -> None:
    wrong = ci.type("production", "destroy", "prod", "--sandbox")
    assert wrong.returncode == 9, wrong.stderr
    rds = ci.client("rds", ACCOUNT)
    assert len(rds.describe_db_instances()["DBInstances"]) == 1
    done = ci.type("prod", "destroy", "prod", "--sandbox")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rds.describe_db_instances()["DBInstances"] == []
    assert re.search(r"The final snapshot keystone-nexus-prod-final-\w+ stays", done.stdout)
    assert "aws kms cancel-key-deletion --key-id arn:aws:kms:" in done.stdout


def test_a_final_snapshot_is_left(ci: Project) -> None:
    snapshots = ci.client("rds", ACCOUNT).describe_db_snapshots()["DBSnapshots"]
    names = [each["DBSnapshotIdentifier"] for each in snapshots]
    assert [each for each in names if each.startswith("keystone-nexus-prod-final-")] == names
    assert len(names) == 1
    last = audit_in_s3(ci)[-1]
    assert (last["command"], last["outcome"]) == ("destroy", "done")
    assert last["done"]["destroy"] > 50
