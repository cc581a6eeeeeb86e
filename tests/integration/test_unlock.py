"""`nexusctl unlock`: who holds the state's lock, whether it lives, and asking before it breaks."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.faulty_endpoint import BUCKET, SILENT, FaultyAws, faulty_aws
from tests.integration.progress import Progress, locks, reached, until, work_of
from tests.integration.project import NewProject, Project

LOCK = {
    "ID": "11111111-2222-3333-4444-555555555555",
    "Operation": "OperationTypeApply",
    "Info": "",
    "Who": "somebody@elsewhere",
    "Version": "1.11.4",
    "Created": "2026-01-02T03:04:05.678901234Z",
    "Path": "",
}


@pytest.fixture(scope="module")
def aws(new_project: NewProject) -> FaultyAws:
    made = faulty_aws(new_project(), "locked", "important")
    important = made.project.root / "environments/important.yaml"
    important.write_text("extends: sandbox\ntier: production\n")
    return made


def lock(project: Project, environment: str, content: object = LOCK) -> None:
    project.client("s3").put_object(
        Bucket=BUCKET,
        Key=f"keystone-nexus/{environment}/terraform.tfstate.tflock",
        Body=json.dumps(content).encode(),
    )


def audit(project: Project) -> list[dict[str, Any]]:
    log = (project.root / ".nexusctl/audit/locked.jsonl").read_text()
    return [json.loads(line) for line in log.splitlines()]


def audit_in_s3(project: Project) -> list[str]:
    """What the records beside the state are called, without their times."""
    listed = project.client("s3").list_objects_v2(
        Bucket=BUCKET, Prefix="keystone-nexus/locked/terraform.tfstate.audit/"
    )
    return [each["Key"].partition("-unlock-")[2] for each in listed["Contents"]]


def test_what_nobody_holds(aws: FaultyAws) -> None:
    assert "the state of locked is not locked" in aws.project.must("unlock", "locked")


def test_a_holder_on_another_machine_is_named_and_asked_about(aws: FaultyAws) -> None:
    lock(aws.project, "locked")
    said = aws.project.must("plan", "locked", exit_code=6)
    assert "terraform plan failed: the state of locked is locked" in said
    assert "somebody@elsewhere holds the lock (apply) since 2026-01-02 03:04:05 UTC, " in said
    assert "on another machine (elsewhere): whether it lives cannot be known here" in said
    assert "if it has ended, release the lock: nexusctl unlock locked" in said
    said = aws.project.must("unlock", "locked", exit_code=9)
    assert "nexusctl unlock locked --yes" in said
    answered = aws.project.type("no", "unlock", "locked")
    assert answered.returncode == 9
    assert "Type yes to release it:" in answered.stderr
    assert locks(aws.project, "locked")
    answered = aws.project.type("yes", "unlock", "locked")
    assert answered.returncode == 0
    assert "by     somebody@elsewhere, on another machine (elsewhere)" in answered.stdout
    assert "since  2026-01-02 03:04:05 UTC, " in answered.stdout
    assert f"ID     {LOCK['ID']}" in answered.stdout
    assert "next: nexusctl plan locked" in answered.stdout
    assert locks(aws.project, "locked") == []
    refused, declined, begun, done = audit(aws.project)
    assert (refused["outcome"], declined["outcome"]) == ("refused", "refused")
    assert "'yes' was not typed" in declined["why"]
    assert (begun["outcome"], done["outcome"]) == ("begun", "done")
    assert done["command"] == "unlock"
    assert done["what"] == f"the lock {LOCK['ID']} of somebody@elsewhere (apply)"
    assert done["who"] == "arn:aws:sts::000000000000:user/moto"
    assert done["receipt"] is None
    assert audit_in_s3(aws.project) == ["begun.jsonl", "done.jsonl"]


def test_that_of_production_asks_for_its_name(aws: FaultyAws) -> None:
    lock(aws.project, "important")
    answered = aws.project.type("yes", "unlock", "important")
    assert answered.returncode == 9
    assert "Type the environment's name (important) to release it:" in answered.stderr
    assert locks(aws.project, "important")
    answered = aws.project.type("important", "unlock", "important")
    assert answered.returncode == 0
    assert locks(aws.project, "important") == []


def test_nothing_in_a_lock_steers_the_terminal(aws: FaultyAws) -> None:
    evil = {"Who": "\x1b[31mme@\x1b[2Jthere", "Operation": "\x1b[1mapply"}
    lock(aws.project, "locked", LOCK | evil)
    for command, exit_code in (("plan locked", 6), ("unlock locked --yes", 0)):
        said = aws.project.must(*command.split(), exit_code=exit_code)
        assert "there" in said
        assert "\x1b" not in said


@pytest.mark.parametrize("content", [{"ID": 1}, LOCK | {"Created": "2026-02-31T03:04:05Z"}])
def test_a_lock_that_terraform_cannot_read_is_left_alone(aws: FaultyAws, content: object) -> None:
    lock(aws.project, "locked", content)
    said = aws.project.must("plan", "locked", exit_code=6)
    assert "is locked by something that is no lock of Terraform's" in said
    assert "nexusctl unlock locked says what lies there" in said
    said = aws.project.must("unlock", "locked", "--yes", exit_code=7)
    key = "keystone-nexus/locked/terraform.tfstate.tflock"
    assert f"aws s3 rm s3://{BUCKET}/{key}" in said
    assert locks(aws.project, "locked")
    aws.project.client("s3").delete_object(Bucket=BUCKET, Key=key)


def test_a_lock_with_an_option_for_an_id_is_left_alone(aws: FaultyAws) -> None:
    lock(aws.project, "locked", LOCK | {"ID": "-help"})
    said = aws.project.must("unlock", "locked", "--yes", exit_code=7)
    assert "is no lock that Terraform can read, nor release" in said
    (left,) = locks(aws.project, "locked")
    aws.project.client("s3").delete_object(Bucket=BUCKET, Key=left)


def test_a_holder_that_lives_is_not_robbed_of_its_lock(aws: FaultyAws, tmp_path: Path) -> None:
    saving = len(aws.endpoint.seen)
    aws.endpoint.fail(SILENT, lambda request: request.action == STATE_IS_SAVED)
    progress = Progress(work_of(aws.project, "locked"), "apply")
    apply = aws.project.start("apply", "locked")
    reached(apply, progress.completed(1))
    said = aws.project.must("unlock", "locked", "--yes", exit_code=9)
    assert f"another nexusctl (pid {apply.pid}) is at work on locked" in said
    # Another checkout of the same project, as on another machine.
    shutil.copytree(aws.project.root / "environments", tmp_path / "environments")
    elsewhere = aws.beside(tmp_path).project
    said = elsewhere.must("plan", "locked", exit_code=6)
    assert "holds the lock (apply) since" in said
    assert "it may be a Terraform that still runs elsewhere (pid " in said
    apply.send_signal(signal.SIGKILL)
    apply.communicate()
    # Terraform stops in order, but AWS does not take its state.
    until(lambda: any(each.action == STATE_IS_SAVED for each in aws.endpoint.seen[saving:]))
    said = aws.project.must("plan", "locked", exit_code=6)
    assert "on this machine, and it lives: Terraform, pid " in said
    assert "wait until it has ended" in said
    said = aws.project.must("unlock", "locked", "--yes", exit_code=9)
    assert "the lock was not released: the process that holds it is at work" in said
    assert locks(aws.project, "locked")
    aws.endpoint.heal()
    until(lambda: locks(aws.project, "locked") == [])
    assert "the state of locked is not locked" in aws.project.must("unlock", "locked")
    assert "did not come to its end" in aws.project.must("plan", "locked")


STATE_IS_SAVED = f"PUT /{BUCKET}/keystone-nexus/locked/terraform.tfstate"
