"""The screen and the document of a budget."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nexusctl.capacity.advice import advice
from nexusctl.capacity.budget import budget
from nexusctl.environment.load import load
from nexusctl.report import budget as report

Shown = Callable[..., str]


@pytest.fixture
def edited(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Edits environments/prod.yaml of a project, which becomes the current directory."""
    monkeypatch.chdir(project)

    def edited(*edits: tuple[str, str]) -> Path:
        file = Path("environments/prod.yaml")
        text = file.read_text("utf-8")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        file.write_text(text, "utf-8")
        return file

    return edited


@pytest.fixture
def shown(edited: Callable[..., Path]) -> Shown:
    """The screen of prod with edits of its file."""

    def shown(*edits: tuple[str, str]) -> str:
        edited(*edits)
        environment = load("prod", Path("environments"))
        settings = environment.settings
        lines = report.budget(environment, budget(settings), advice(settings))
        return "\n".join(line.plain.rstrip() for line in lines)

    return shown


def line_of(file: str, text: str) -> int:
    lines = Path(file).read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


class TestScreen:
    def test_a_peak_that_holds(self, shown: Shown) -> None:
        screen = shown()
        assert "prod · connection budget · db.r6g.xlarge · tier production" in screen
        assert "58 instances × 16 processes × 4 connections" in screen
        assert "an estimate: LEAST({30.9 GiB/9531392},5000)" in screen
        assert "✓ prod holds its peak." in screen
        assert "✗" not in screen
        assert "backlog" not in screen

    def test_it_fits_one_screen(self, shown: Shown) -> None:
        lines = shown().splitlines()
        assert len(lines) <= 40
        assert max(map(len, lines)) <= 120

    def test_numbers_name_the_lines_they_come_from(self, shown: Shown) -> None:
        screen = shown()
        for text in ("max_size: 48", "max_connections_percent: 70", "pinned_fraction: 0.02"):
            assert f"environments/prod.yaml:{line_of('environments/prod.yaml', text)}" in screen
        refresh = line_of("environments/base.yaml", "max_healthy_percentage")
        assert f"up to 110 % · environments/base.yaml:{refresh}" in screen

    def test_a_peak_that_does_not_hold(self, shown: Shown) -> None:
        screen = shown(("mean_transaction_ms: 300", "mean_transaction_ms: 900"))
        assert "✗ prod does not hold its peak." in screen
        assert "2700 transactions at once need 3510 connections with 30 % headroom" in screen
        assert "Each would mend it:" in screen
        assert "+374 /s" in screen  # 3000 less 2363 / 0.9 s
        place = line_of("environments/prod.yaml", "mean_transaction_ms")
        assert f"{'605 or less':<26}environments/prod.yaml:{place}" in screen

    def test_where_no_single_setting_helps(self, shown: Shown) -> None:
        screen = shown(
            ("mean_transaction_ms: 300", "mean_transaction_ms: 60000"),
            ("max_connections_percent: 70", "max_connections_percent: 100"),
        )
        assert "No single setting mends it" in screen

    def test_other_takers_of_connections_are_shown(self, shown: Shown) -> None:
        screen = shown(
            (
                "multi_az: true",
                "multi_az: true\n  direct_connections: 40\n  other_proxies_percent: 5",
            ),
            ("require_tls: true", "require_tls: true\n  other_client_connections: 12"),
        )
        assert "− past the proxy             40" in screen
        assert "− of other proxies          174" in screen
        assert "+ of other clients           12" in screen

    def test_without_a_workload(self, shown: Shown) -> None:
        text = Path("environments/prod.yaml").read_text("utf-8")
        workload = text[text.index("workload:") : text.index("tags:")]
        screen = shown((workload, ""))
        assert "no workload is declared" in screen
        assert "✓ prod holds its clients." in screen


class TestDocument:
    def test_it_is_json_with_every_number(self, edited: Callable[..., Path]) -> None:
        edited()
        environment = load("prod", Path("environments"))
        made, limits = budget(environment.settings), advice(environment.settings)
        told = json.loads(json.dumps(report.document(environment, made, limits), allow_nan=False))
        assert told["holds"] is True
        assert told["inputs"]["max_instances"] == 48
        assert told["connections"]["peak_client_connections"] == 3812
        assert told["load"]["offered_load_erlangs"] == 900
        assert told["limits"]["largest_max_size"] == limits.largest_max_size

    def test_what_is_infinite_is_null(self, edited: Callable[..., Path]) -> None:
        edited(("pinned_fraction: 0.02", "pinned_fraction: 0.9"))
        environment = load("prod", Path("environments"))
        made, limits = budget(environment.settings), advice(environment.settings)
        told = json.loads(json.dumps(report.document(environment, made, limits), allow_nan=False))
        assert told["holds"] is False
        assert told["load"]["utilisation"] is None
        assert told["problems"][0]["setting"] == "workload.pinned_fraction"


@pytest.mark.parametrize(
    ("time", "told"),
    [
        (0, "0 ms"),
        (1e-9, "0 ms"),
        (0.0000126, "0.0126 ms"),
        (0.00125, "1.25 ms"),
        (0.0299999, "29.9 ms"),
        (0.605, "605 ms"),
        (30, "30 s"),
        (157.04, "157 s"),
    ],
)
def test_times_are_rounded_down(time: float, told: str) -> None:
    assert report.seconds(time) == told


@pytest.mark.parametrize(
    ("share", "told"), [(0, "0 %"), (0.00012, "0.012 %"), (0.38, "38 %"), (1.2, "120 %")]
)
def test_shares(share: float, told: str) -> None:
    assert report.percent(share) == told
