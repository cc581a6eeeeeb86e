"""The catalogue, read without running a policy."""

from pathlib import Path

import pytest

from nexusctl.environment.model import Settings, fields
from nexusctl.errors import ToolUnfit
from nexusctl.policy.catalogue import OPTIONAL, REQUIRED, read_catalogue
from nexusctl.policy.reference import REFERENCE_FILE, reference
from nexusctl.policy.verdict import TIERS, Severity
from nexusctl.workspace import PACKAGE, shipped_assets

ONE = """
raise RuntimeError("a catalogue runs nothing")
about = About(
    id="TEST_ONE",
    title="one",
    severity=Severity.HIGH,
    why="to see",
    fact="known",
    fix="none",
    resources=("aws_x",),
    settings=("proxy.require_tls",),
)
"""


def test_shipped_catalogue() -> None:
    catalogue = read_catalogue(shipped_assets().policies)
    assert set(REQUIRED) == catalogue.keys(), "REQUIRED has every policy that is shipped"
    assert set(REQUIRED) > OPTIONAL
    for name, about in catalogue.items():
        assert about.id == name
        assert about.title
        assert about.why.endswith(".")
        assert about.fact
        assert about.fix


def test_settings_of_the_shipped_policies_exist_and_remedies_have_one() -> None:
    known = {".".join(path) for path, _ in fields(Settings)}
    for about in read_catalogue(shipped_assets().policies).values():
        assert set(about.settings) <= known
        assert about.settings or about.remedy is None


def test_reference_is_up_to_date() -> None:
    written = (PACKAGE.parent / REFERENCE_FILE).read_text("utf-8")
    assert written == reference(shipped_assets().policies), "run: make generate"


def test_policy_is_read_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(ONE)
    (tmp_path / "_shared.py").write_text("")
    (about,) = read_catalogue(tmp_path).values()
    assert (about.id, about.severity, about.fact) == ("TEST_ONE", Severity.HIGH, "known")
    assert about.settings == ("proxy.require_tls",)
    assert about.tiers == TIERS
    assert about.waivable
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
        (ONE.replace('("aws_x",)', "()"), "applies to nothing"),
        (ONE.replace("    settings=", '    tiers=("prod",),\n    settings='), "applies to nothing"),
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
