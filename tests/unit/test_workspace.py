"""What stands where nexusctl keeps its files, and is none of its own."""

from pathlib import Path

import pytest

from nexusctl import main


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    # main() has signals become KeyboardInterrupt; a test's process keeps its own.
    monkeypatch.setattr("signal.signal", lambda *_: None)


COMMANDS = ("plan sandbox", "check prod", "watch prod", "drift prod", "sandbox start", "unlock dev")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_in_the_place_of_the_directory_is_told_of(
    command: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / ".nexusctl").touch()
    assert main.main(command.split()) == 8
    said = capsys.readouterr().err
    assert f"error: {project / '.nexusctl'} is not a directory" in said
    assert "hint: move it away; nexusctl makes a directory of that name for its own files" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_so_is_a_link_that_leads_to_no_directory(
    command: str, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link, target = project / ".nexusctl", tmp_path / "gone"
    link.symlink_to(target)
    assert main.main(command.split()) == 8
    said = capsys.readouterr().err
    assert f"error: {link} is a link to {target}, which is no directory" in said
    assert "hint: make that directory, or remove the link" in said


def test_commands_that_keep_nothing_do_without(project: Path) -> None:
    (project / ".nexusctl").touch()
    assert main.main(["envs"]) == 0
    assert main.main(["validate", "--all"]) == 0
