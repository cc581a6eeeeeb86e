from pathlib import Path

from nexusctl.terraform import command


def test_init() -> None:
    assert command.init(readonly_lock_file=False) == [
        "init",
        "-json",
        "-input=false",
        "-reconfigure",
    ]
    assert command.init(readonly_lock_file=True)[-1] == "-lockfile=readonly"


def test_plan() -> None:
    usual = ["plan", "-json", "-input=false", "-detailed-exitcode"]
    assert command.plan(out=Path("/w/p.tfplan")) == [*usual, "-out=/w/p.tfplan"]
    assert command.plan(out=Path("/w/p"), mode="destroy") == [*usual, "-destroy", "-out=/w/p"]


def test_show_apply_and_output() -> None:
    assert command.show(Path("p")) == ["show", "-json", "p"]
    assert command.apply(Path("p")) == ["apply", "-json", "-input=false", "p"]
    assert command.output() == ["output", "-json"]


def test_the_state_and_its_lock() -> None:
    assert command.state_push(Path("/w/errored.tfstate")) == ["state", "push", "/w/errored.tfstate"]
    assert command.force_unlock("1111-22") == ["force-unlock", "-force", "1111-22"]


def test_a_path_with_spaces_stays_one_argument() -> None:
    assert command.show(Path("/a b/$(x) p")) == ["show", "-json", "/a b/$(x) p"]
