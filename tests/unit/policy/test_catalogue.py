"""The catalogue, read without running a policy."""

from pathlib import Path

import pytest

from nexusctl.errors import ToolUnfit
from nexusctl.policy.catalogue import REQUIRED, read_catalogue
from nexusctl.policy.verdict import Severity
from nexusctl.workspace import shipped_assets

ONE = """
raise RuntimeError("a catalogue runs nothing")
about = About(
    id="TEST_ONE",
    title="one",
    severity=Severity.HIGH,
    why="to see",
    fix="none",
    resources=("aws_x",),
    setting="proxy.require_tls",
)
"""


def test_shipped_catalogue() -> None:
    catalogue = read_catalogue(shipped_assets().policies)
    assert set(REQUIRED) <= catalogue.keys()
    for name, about in catalogue.items():
        assert about.id == name
        assert about.title
        assert about.why.endswith(".")
        assert about.fix


def test_policy_is_read_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(ONE)
    (tmp_path / "_shared.py").write_text("")
    (about,) = read_catalogue(tmp_path).values()
    assert (about.id, about.severity, about.setting) == (
        "TEST_ONE",
        Severity.HIGH,
        "proxy.require_tls",
    )
    assert about.applies_to("aws_x")
    assert not about.applies_to("aws_y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def", "not Python"),
        ("x = 1", "holds no policy"),
        (ONE + ONE, "there twice"),
        (ONE.replace('"one"', "str(1)"), "cannot be read"),
        (ONE.replace("    why=", "    because="), "cannot be read"),
        (ONE.replace("Severity.HIGH", "Severity.HUGE"), "cannot be read"),
    ],
)
def test_bad_policy_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "one.py").write_text(text)
    with pytest.raises(ToolUnfit, match=message) as error:
        read_catalogue(tmp_path)
    assert "one.py" in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_no_policies(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ToolUnfit, match="no policies"):
        read_catalogue(tmp_path / name)
