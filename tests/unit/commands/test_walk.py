"""The commands that users are told to type next."""

import shlex
from pathlib import Path

import pytest

from nexusctl import cli
from nexusctl.commands.walk import Walk


@pytest.mark.parametrize("name", ["-p", "my project"])
def test_a_command_to_type_is_of_the_same_project_environment_and_engine(
    name: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.rename(project.with_name(name))
    monkeypatch.chdir(project.parent)
    options = [f"--project={name}", "apply", "dev", "--sandbox", "--engine", "tofu"]
    arguments = cli.parser().parse_args(options)
    program, *typed = shlex.split(Walk.begin(arguments).command("apply"))
    assert program == "nexusctl"
    assert cli.parser().parse_args(typed) == arguments
