"""What was measured, beside what the model predicts."""

from dataclasses import replace

import pytest

from nexusctl.rehearsal.acts import BORROW_TIMEOUT, Act
from nexusctl.rehearsal.figures import Expected, Figure, figures
from nexusctl.rehearsal.rehearsal import ACTS, WARM_UP, Rehearsal
from tests.unit.rehearsal.played import BEGAN, STORM, openings, rehearsal, served

BUSY = replace(STORM, transactions_per_second=600)  # 20 % more than the pool serves


def tables(played: Rehearsal) -> list[dict[str, Figure]]:
    return [{figure.name: figure for figure in table} for _, table in figures(played)]


def test_clients_beyond_max_connections_are_predicted_to_be_refused() -> None:
    direct, _, _ = tables(rehearsal())
    assert (direct["refused"].measured, direct["refused"].predicted) == (60, 60)
    assert (direct["accepted"].measured, direct["accepted"].predicted) == (40, 40)
    assert direct["transactions"].predicted == 400 * 40 / 100


def test_the_pooler_is_predicted_to_serve_all_within_the_pool() -> None:
    _, pooled, _ = tables(rehearsal())
    assert (pooled["accepted"].predicted, pooled["refused"].predicted) == (100, 0)
    connections = pooled["database connections at peak"]
    assert (connections.predicted, connections.at_most) == (10, True)
    assert pooled["mean wait"].measured == pytest.approx(0.004)
    assert pooled["mean wait"].predicted == STORM.queue.mean_wait_seconds
    assert pooled["wait p99"].predicted == STORM.queue.wait_quantile(0.99)


def test_after_an_outage_the_backlog_is_worked_off_with_what_is_spare() -> None:
    _, _, restart = tables(rehearsal())
    recovery = restart["recovery, once the database is back"]
    # What came in 2.1 s at 400/s is behind, and of 500/s a fifth is spare.
    assert recovery.predicted == pytest.approx(2.1 * 400 / 100)
    assert recovery.measured == pytest.approx(7.9)
    assert restart["longest wait"].predicted == pytest.approx(2.1)
    assert restart["transactions broken off"].measured == 8


def test_beyond_saturation_waits_grow_and_nothing_recovers() -> None:
    expected = Expected(BUSY)
    assert expected.recovery(2) is None
    assert expected.mean_wait(10) == pytest.approx(0.2 * (WARM_UP + 5))
    assert expected.wait_quantile(0.5, 10) == pytest.approx(expected.mean_wait(10))
    assert expected.timeouts(10) == 0, "nobody has waited for 30 s yet"


def test_borrow_timeouts_are_counted_apart_from_what_broke_off() -> None:
    transactions = (*served(100, 0.0), *served(7, 30.0, BORROW_TIMEOUT))
    act = Act(ACTS[1], openings(100, 0), transactions, (), BEGAN, 10)
    _, pooled, _ = tables(rehearsal(pooled=act))
    assert pooled["borrow timeouts"].measured == 7


def test_the_warm_up_is_not_counted_but_what_ends_after_it_is_throughput() -> None:
    early = [each._replace(at=each.at - 0.5, took=1.0) for each in served(10, 0.9)]
    act = Act(ACTS[1], (), early, (), BEGAN, 10)
    assert act.mean_wait == 0
    assert act.throughput == 1
