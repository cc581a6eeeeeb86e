"""The chart: a picture of the kind that the file's name says, the same each time."""

from pathlib import Path

import pytest

from nexusctl.capacity.advice import advice
from nexusctl.capacity.budget import budget
from nexusctl.capacity.chart import draw
from nexusctl.environment.model import Duration
from tests.unit.capacity.conftest import Changed


def test_png(changed: Changed, tmp_path: Path) -> None:
    settings = changed()
    draw(budget(settings), advice(settings), "prod", tmp_path / "budget.png")
    assert (tmp_path / "budget.png").read_bytes().startswith(b"\x89PNG")


def test_svg_is_reproducible_and_tells_its_numbers(changed: Changed, tmp_path: Path) -> None:
    settings = changed()
    first, second = tmp_path / "1.svg", tmp_path / "2.svg"
    for picture in (first, second):
        draw(budget(settings), advice(settings), "prod", picture)
    assert first.read_bytes() == second.read_bytes()
    text = first.read_text("utf-8")
    assert "<!-- prod: 100 transactions at once, 100 ms each on average -->" in text
    assert "now 20; up to 30 holds" in text
    assert "the peak: 500 /s, 50% of the pool" in text


@pytest.mark.parametrize(
    "values",
    [
        {"workload__peak_transactions_per_second": 5000.0},
        {"workload__pinned_fraction": 0.9},
        {"proxy__connection_pool__connection_borrow_timeout": Duration.parse("0s")},
        {"workload__mean_transaction_ms": 0.001},
    ],
)
def test_any_budget_can_be_drawn(
    changed: Changed, tmp_path: Path, values: dict[str, object]
) -> None:
    settings = changed(**values)
    draw(budget(settings), advice(settings), "prod", tmp_path / "budget.svg")
    assert (tmp_path / "budget.svg").stat().st_size > 10_000
