"""What the command line says of carried plans before anything is planned or applied."""

import shlex
from pathlib import Path

import pytest

from nexusctl import cli, main
from nexusctl.change.bundle import write_bundle
from nexusctl.change.sealed import Sealed
from nexusctl.commands.carrying import apply_command
from tests.unit.change.receipts import RECEIPT


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.delenv("NEXUSCTL_PLAN_KEY", raising=False)
    # main() has signals become KeyboardInterrupt; a test's process keeps its own.
    monkeypatch.setattr("signal.signal", lambda *_: None)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        ("plan prod --out prod", 64, "apply would take it for an environment"),
        ("plan prod --out missing/prod.nexus-plan", 64, "there is no directory missing"),
        ("plan prod --out prod.nexus-plan", 9, "openssl rand -base64 32"),
        ("plan prod --out prod.nexus-plan --key-file missing", 64, "No such file"),
        ("plan prod --out environments/prod.yaml", 9, "is no sealed plan"),
        ("plan prod --key-file key", 64, "about the file that --out names"),
        ("plan prod --unencrypted", 64, "about the file that --out names"),
        ("plan prod dev --out both.nexus-plan", 64, "name one environment"),
        ("plan prod --expires-in soon", 64, "write 30m, 8h or 2d"),
        ("plan prod --expires-in 8d", 64, "from 1s to 7d"),
        ("plan prod --expires-in 0s", 64, "from 1s to 7d"),
        ("apply prod --unencrypted", 64, "about a file of plan --out"),
        ("apply missing.nexus-plan", 64, "No such file"),
        ("apply environments/prod.yaml", 9, "is no sealed plan of nexusctl's"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    arguments: str, exit_code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(arguments.split()) == exit_code
    assert said in capsys.readouterr().err


def test_a_plan_in_clear_is_taken_only_when_asked_for_and_where_its_environment_is(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt = RECEIPT.model_copy(update={"environment": "elsewhere"})
    write_bundle(project / "x.nexus-plan", Sealed(receipt, b"a plan"), None)
    assert main.main(["apply", "x.nexus-plan"]) == 9
    assert "anybody may have made it" in capsys.readouterr().err
    assert main.main(["apply", "x.nexus-plan", "--unencrypted"]) == 3
    assert "elsewhere" in capsys.readouterr().err
    assert main.main(["apply", "x.nexus-plan", "--unencrypted", "--sandbox"]) == 9
    assert "was planned on AWS, not on the sandbox" in capsys.readouterr().err


def test_the_command_that_applies_a_carried_plan_can_be_typed_as_it_is_shown() -> None:
    options = "plan prod --engine tofu --key-file=-k --unencrypted --out=-x.nexus-plan"
    planned = cli.parser().parse_args(["--project=-p", *options.split()])
    program, *typed = shlex.split(apply_command(planned.out, planned))
    assert program == "nexusctl"
    applied = cli.parser().parse_args(typed)
    assert applied.project == planned.project
    assert Path(applied.environment) == planned.out
    assert applied.engine == planned.engine
    assert applied.key_file == planned.key_file
    assert applied.unencrypted
