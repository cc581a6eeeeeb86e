"""`nexusctl budget` as users meet it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nexusctl import cli
from nexusctl.errors import EnvironmentInvalid, Exit, UsageWrong

Write = Callable[[str, str], None]


@pytest.fixture
def edit(project: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Replaces text in environments/prod.yaml of a project, which is the current directory."""
    monkeypatch.chdir(project)
    file = Path("environments/prod.yaml")

    def edit(old: str, new: str) -> None:
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")

    return edit


def test_a_peak_that_holds(edit: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["budget", "prod"]) == Exit.DONE
    assert "✓ prod holds its peak." in capsys.readouterr().out


def test_one_that_does_not_is_a_denial(edit: Write, capsys: pytest.CaptureFixture[str]) -> None:
    edit("mean_transaction_ms: 300", "mean_transaction_ms: 900")
    assert cli.main(["budget", "prod"]) == Exit.POLICY_DENIED
    assert "✗ prod does not hold its peak." in capsys.readouterr().out


def test_json(edit: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["budget", "prod", "--json"]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["environment"], told["holds"]) == ("nexusctl/budget", "prod", True)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_chart(edit: Write, kind: str) -> None:
    assert cli.main(["budget", "prod", "--chart", f"budget.{kind}"]) == Exit.DONE
    assert Path(f"budget.{kind}").stat().st_size > 10_000


def test_a_chart_of_another_kind(edit: Write) -> None:
    with pytest.raises(UsageWrong, match=r"budget\.pdf"):
        cli.main(["budget", "prod", "--chart", "budget.pdf"])


def test_a_chart_without_a_workload(edit: Write) -> None:
    text = Path("environments/prod.yaml").read_text("utf-8")
    edit(text[text.index("workload:") : text.index("tags:")], "")
    with pytest.raises(EnvironmentInvalid, match="declares no workload"):
        cli.main(["budget", "prod", "--chart", "budget.svg"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("db.r6g.xlarge", "db.r6q.xlarge", "db.r6q.xlarge is not a class whose memory"),
        ("peak_transactions_per_second: 3000", "peak_transactions_per_second: 0", "more than 0"),
        ("mean_transaction_ms: 300", "mean_transaction_ms: 0", "more than 0"),
        ("mean_transaction_ms: 300", "mean_transaction_ms: 20ms", "must be a number"),
        ("pinned_fraction: 0.02", "pinned_fraction: 1", "less than 1"),
        ("pinned_fraction: 0.02", "pinned_fraction: -0.1", "at least 0"),
        ("variability: 1.2", "variability: -1", "at least 0"),
        ("ramp: 5m", "ramp: 0s", "from 1s to 1d"),
    ],
)
def test_wrong_input(edit: Write, old: str, new: str, message: str) -> None:
    edit(old, new)
    with pytest.raises(EnvironmentInvalid, match=message) as error:
        cli.main(["budget", "prod"])
    assert error.value.exit_code == 3
    assert error.value.hint or "hint" in str(error.value)
    assert "prod.yaml:" in str(error.value)
