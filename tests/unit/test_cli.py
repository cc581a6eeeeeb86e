"""The command line as users meet it: what they type, what they read, and the exit code."""

import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from nexusctl import __version__, cli, main
from nexusctl.errors import (
    AwsFailed,
    EnvironmentInvalid,
    Exit,
    Interrupted,
    NexusError,
    Refused,
    RenderFailed,
    TerraformFailed,
    ToolUnfit,
    UsageWrong,
)
from nexusctl.interrupts import held
from nexusctl.terraform.engine import PRODUCTS


@dataclass(frozen=True)
class Said:
    """What a command line came to."""

    exit_code: int
    out: str
    err: str


Nexusctl = Callable[..., Said]


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def nexusctl(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Nexusctl:
    """Runs nexusctl in a project, as the shell would."""
    monkeypatch.chdir(project)

    def nexusctl(*arguments: str) -> Said:
        exit_code = main.main(list(arguments))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Said(exit_code, captured.out, captured.err)

    return nexusctl


class TestCommandLine:
    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("--nonsense", "unrecognized arguments: --nonsense"),
            ("frobnicate", "invalid choice: 'frobnicate'"),
            ("envs extra", "unrecognized arguments: extra"),
            ("plan", "name environments, or say --all"),
            ("plan dev prod --out x --unencrypted", "--out carries one plan"),
            ("drift --all dev", "name environments, or say --all"),
            ("plan prod --nonsense", "unrecognized arguments: --nonsense"),
            ("render dev --out", "argument --out: expected one argument"),
            ("sandbox", "the following arguments are required: action"),
            ("sandbox explode", "invalid choice: 'explode'"),
            ("validate", "name environments, or say --all"),
            ("validate --all dev", "name environments, or say --all"),
            ("terraform dev", "nothing for Terraform to do"),
            ("terraform dev --", "nothing for Terraform to do"),
            ("terraform dev state list", "unrecognized arguments: state list"),
            ("validate -- dev", "only `nexusctl terraform ENV` takes arguments after --"),
            ("plan dev -- -target=x", "only `nexusctl terraform ENV` takes arguments after --"),
            ("--project / envs", "no environments/ directory in / or above it"),
        ],
    )
    def test_a_wrong_one_is_told_and_exits_64(
        self, nexusctl: Nexusctl, line: str, message: str
    ) -> None:
        said = nexusctl(*line.split())
        assert said.exit_code == 64
        assert said.out == ""
        assert said.err.startswith("error: ")
        assert message in said.err

    @pytest.mark.parametrize("line", ["plan x --json", "drift x --json", "drift x --format json"])
    def test_an_error_is_a_document_too_where_one_is_asked_for(
        self, nexusctl: Nexusctl, project: Path, line: str
    ) -> None:
        (project / "environments/x.yaml").write_text("extends: dev\nproxi: {}\n")
        said = nexusctl(*line.split())
        assert said.exit_code == 3
        told = json.loads(said.out)
        (told,) = told if isinstance(told, list) else [told]
        assert told["environment"] == "x"
        assert told["error"]["exit_code"] == 3
        assert "unknown key proxi" in told["error"]["message"]
        assert said.err.startswith("error: ")

    def test_an_error_of_drift_stands_in_its_markdown(
        self, nexusctl: Nexusctl, project: Path
    ) -> None:
        (project / "environments/x.yaml").write_text("extends: dev\nproxi: {}\n")
        said = nexusctl("drift", "x", "--format", "markdown")
        assert said.exit_code == 3
        assert "| ✗ | x | environments/x.yaml:2:1: unknown key proxi" in said.out

    def test_the_engines_are_those_that_are_looked_for(self) -> None:
        assert cli.ENGINES == PRODUCTS

    def test_none_shows_what_there_is(self, nexusctl: Nexusctl) -> None:
        said = nexusctl()
        assert said.exit_code == 64
        assert "start with:  nexusctl doctor" in said.err

    def test_help_and_version(self, nexusctl: Nexusctl) -> None:
        told = nexusctl("--help")
        assert told.exit_code == 0
        for code in Exit:
            assert re.search(rf"(^| ){code.value} \w", told.out, re.MULTILINE), code
        assert nexusctl("plan", "--help").exit_code == 0
        assert nexusctl("--version") == Said(0, f"nexusctl {__version__}\n", "")

    def test_every_command_of_the_help_exists(self) -> None:
        commands = re.findall(r"^    (\w+) ", cli.parser().format_help(), re.MULTILINE)
        assert {"envs", "validate", "render", "check", "plan", "apply"} < set(commands)
        for command in commands:
            assert callable(import_module(f"nexusctl.commands.{command}").run)


class TestProject:
    def test_it_is_found_from_below(
        self, nexusctl: Nexusctl, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        below = project / "some/where"
        below.mkdir(parents=True)
        monkeypatch.chdir(below)
        assert "prod" in nexusctl("envs").out

    def test_it_can_be_named(
        self, nexusctl: Nexusctl, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert nexusctl("envs").exit_code == 64
        assert "prod" in nexusctl("--project", str(project), "envs").out
        assert "prod" in nexusctl("--project=project", "envs").out


class TestEnvs:
    def test_as_text(self, nexusctl: Nexusctl) -> None:
        said = nexusctl("envs")
        assert said.exit_code == 0
        assert re.search(r"^base +abstract: only for others to extend$", said.out, re.MULTILINE)
        assert re.search(r"^prod +extends base$", said.out, re.MULTILINE)

    def test_as_json(self, nexusctl: Nexusctl) -> None:
        listed = {each["name"]: each for each in json.loads(nexusctl("envs", "--json").out)}
        assert listed.keys() == {"base", "dev", "prod", "sandbox", "staging"}
        assert listed["base"]["abstract"] is True
        assert listed["prod"] == {
            "name": "prod",
            "file": "environments/prod.yaml",
            "abstract": False,
            "extends": "base",
            "problem": None,
        }

    def test_a_file_that_cannot_be_read_is_listed_with_its_problem(
        self, nexusctl: Nexusctl, project: Path
    ) -> None:
        (project / "environments/torn.yaml").write_text("tier: [")
        said = nexusctl("envs")
        assert said.exit_code == 3
        assert re.search(
            r"^torn +cannot be read: environments/torn\.yaml:1:", said.out, re.MULTILINE
        )
        assert "prod" in said.out

    def test_without_any(self, nexusctl: Nexusctl, project: Path) -> None:
        shutil.rmtree(project / "environments")
        (project / "environments").mkdir()
        assert nexusctl("envs") == Said(0, "", "")
        assert nexusctl("envs", "--json") == Said(0, "[]\n", "")


class TestValidate:
    def test_all_that_is_shipped_is_valid(self, nexusctl: Nexusctl) -> None:
        valid = "dev: valid\nprod: valid\nsandbox: valid\nstaging: valid\n"
        assert nexusctl("validate", "--all") == Said(0, valid, "")

    def test_all_errors_of_all_files_come_at_once(self, nexusctl: Nexusctl, project: Path) -> None:
        (project / "environments/one.yaml").write_text("extends: dev\ntier: hobby\nproxi: {}\n")
        (project / "environments/two.yaml").write_text("extends: nobody\n")
        said = nexusctl("validate", "one", "prod", "two")
        assert said.exit_code == 3
        assert said.out == "prod: valid\n"
        assert "one: invalid\nenvironments/one.yaml:2:7: tier must be" in said.err
        assert "environments/one.yaml:3:1: unknown key proxi" in said.err
        assert (
            "two: invalid\nenvironments/two.yaml:1:10: there is no environment nobody" in said.err
        )

    def test_as_json(self, nexusctl: Nexusctl, project: Path) -> None:
        (project / "environments/one.yaml").write_text("extends: dev\nproxi: {}\n")
        said = nexusctl("validate", "one", "prod", "absent", "--json")
        assert said.exit_code == 3
        assert said.err == ""
        one, prod, absent = json.loads(said.out)
        assert one == {
            "environment": "one",
            "valid": False,
            "problems": [
                {
                    "file": "environments/one.yaml",
                    "line": 2,
                    "column": 1,
                    "message": "unknown key proxi",
                    "hint": "did you mean proxy?",
                }
            ],
        }
        assert prod == {"environment": "prod", "valid": True, "problems": []}
        assert absent["problems"][0]["message"].startswith("there is no environment absent")
        assert absent["problems"][0]["line"] is None

    @pytest.mark.parametrize("command", ["validate", "render", "check", "plan", "destroy"])
    def test_an_unknown_environment_offers_the_nearest(
        self, nexusctl: Nexusctl, command: str
    ) -> None:
        said = nexusctl(command, "prd")
        assert (said.exit_code, said.out) == (3, "")
        assert "there is no environment prd in environments\n" in said.err
        assert " hint: did you mean prod?\n" in said.err

    def test_an_abstract_one_is_none(self, nexusctl: Nexusctl) -> None:
        said = nexusctl("render", "base")
        assert said.exit_code == 3
        assert "base is abstract" in said.err


class TestRender:
    def test_as_text(self, nexusctl: Nexusctl, project: Path) -> None:
        said = nexusctl("render", "prod")
        assert (said.exit_code, said.err) == (0, "")
        headings = re.findall(r"^# (\S+\.tf)$", said.out, re.MULTILINE)
        assert headings == ["main.tf", "outputs.tf", "providers.tf", "versions.tf"]
        assert 'instance_class  = "db.r6g.xlarge"' in said.out
        assert not (project / ".nexusctl").exists()

    def test_as_json(self, nexusctl: Nexusctl, project: Path) -> None:
        rendered = json.loads(nexusctl("render", "prod", "--json").out)
        assert re.fullmatch("[0-9a-f]{64}", rendered["digest"])
        lines = rendered["files"]["main.tf"].splitlines()
        (number,) = (n for n, text in enumerate(lines, start=1) if "instance_class" in text)
        (printed,) = rendered["source_map"]["main.tf"][str(number)]
        assert printed["path"] == "database.instance_class"
        file, line, column = printed["place"].split(":")
        assert file == "environments/prod.yaml"
        written = (project / file).read_text().splitlines()[int(line) - 1]
        assert written[int(column) - 1 :].startswith("db.r6g.xlarge")

    def test_into_a_directory(self, nexusctl: Nexusctl, tmp_path: Path) -> None:
        out = tmp_path / "new/directory"
        said = nexusctl("render", "prod", "--out", str(out))
        assert re.fullmatch(rf"\d+ files in {out}\n", said.out)
        assert (out / "main.tf").is_file()
        assert (out / "modules/proxy/main.tf").is_file()
        assert json.loads((out / "source-map.json").read_text())["main.tf"]
        (out / "mine.tf").touch()
        refused = nexusctl("render", "prod", "--out", str(out))
        assert refused.exit_code == 9
        assert "mine.tf" in refused.err


class TestExitCodes:
    @pytest.mark.parametrize(
        ("error", "exit_code"),
        [
            (EnvironmentInvalid, 3),
            (RenderFailed, 4),
            (TerraformFailed, 6),
            (AwsFailed, 7),
            (ToolUnfit, 8),
            (Refused, 9),
            (UsageWrong, 64),
            (Interrupted, 130),
        ],
    )
    def test_an_error_becomes_its_message_hint_and_code(
        self,
        nexusctl: Nexusctl,
        monkeypatch: pytest.MonkeyPatch,
        error: type[NexusError],
        exit_code: int,
    ) -> None:
        ending(monkeypatch, error("it is so", hint="do this"))
        said = nexusctl("envs")
        assert said == Said(exit_code, "", "error: it is so\n hint: do this\n")

    def test_an_error_without_a_hint(
        self, nexusctl: Nexusctl, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ending(monkeypatch, Refused("it is so"))
        assert nexusctl("envs") == Said(9, "", "error: it is so\n")

    def test_ctrl_c(self, nexusctl: Nexusctl, monkeypatch: pytest.MonkeyPatch) -> None:
        ending(monkeypatch, KeyboardInterrupt())
        assert nexusctl("envs") == Said(130, "", "error: interrupted\n")

    def test_ctrl_c_in_a_command_tells_how_to_go_on(
        self, nexusctl: Nexusctl, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "nexusctl.commands.plan.run", lambda _arguments: signal.raise_signal(signal.SIGINT)
        )
        said = "error: interrupted: nothing was changed\n hint: to go on: nexusctl plan prod\n"
        assert nexusctl("plan", "prod") == Said(130, "", said)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_other_signals_end_it_in_the_same_way(
        self, nexusctl: Nexusctl, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
    ) -> None:
        monkeypatch.setattr(cli, "main", lambda _arguments: signal.raise_signal(number))
        assert nexusctl("envs") == Said(130, "", "error: interrupted\n")

    def test_a_signal_that_the_caller_has_it_ignore_stays_ignored(
        self, nexusctl: Nexusctl, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def hang_up(_arguments: list[str]) -> int:
            signal.raise_signal(signal.SIGHUP)
            with held() as received:
                signal.raise_signal(signal.SIGHUP)
            assert received == []
            return 0

        monkeypatch.setattr(cli, "main", hang_up)
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
        try:
            assert nexusctl("envs") == Said(0, "", "")
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_a_bug_is_called_one_and_its_traceback_is_in_a_log(
        self, nexusctl: Nexusctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        ending(monkeypatch, ZeroDivisionError("a detail for the log only"))
        said = nexusctl("envs")
        assert said.exit_code == 1
        assert "this is a bug in nexusctl: ZeroDivisionError" in said.err
        assert "a detail" not in said.err
        (log,) = tmp_path.glob("nexusctl-bug-*.log")
        assert str(log) in said.err
        assert "a detail for the log only" in log.read_text()
        assert log.stat().st_mode & 0o077 == 0


def ending(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the command end with an error."""

    def end(_arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr(cli, "main", end)


def test_every_command_on_an_environment_takes_the_sandbox_flag() -> None:
    from nexusctl.cli import parser

    for name in ("validate", "render", "check", "plan", "apply", "destroy", "output", "terraform"):
        assert parser().parse_args([name, "prod", "--sandbox"]).sandbox is True
