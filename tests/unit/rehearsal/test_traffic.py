"""The transactions of a rehearsal are those of the declared workload."""

from itertools import islice
from random import Random
from statistics import fmean, stdev

import pytest

from nexusctl.capacity.queueing import mean_wait_seconds
from nexusctl.rehearsal.traffic import Load, Transaction, mean_wait, waits


@pytest.mark.parametrize("variability", [0.0, 0.5, 1.0, 2.0])
def test_rate_length_and_variability_are_those_declared(variability: float) -> None:
    load = Load(rate=200, mean_hold=0.03, variability=variability)
    some = list(islice(load.transactions(Random(7)), 40_000))
    holds = [each.hold for each in some]
    assert len(some) / some[-1].at == pytest.approx(200, rel=0.02)
    assert fmean(holds) == pytest.approx(0.03, rel=0.03)
    assert stdev(holds) / fmean(holds) == pytest.approx(variability, abs=0.05)


def test_an_ideal_queue_serves_first_who_asks_first() -> None:
    asked = [Transaction(0, 2), Transaction(0, 1), Transaction(0.5, 1), Transaction(1.5, 1)]
    assert list(waits(iter(asked), servers=2)) == [0, 0, 0.5, 0.5]


def test_the_long_run_waits_as_erlang_says() -> None:
    long_run = Load(rate=80, mean_hold=0.05, variability=1.0).long_run_mean_wait(servers=5)
    assert long_run == pytest.approx(mean_wait_seconds(5, 80, 0.05), rel=0.1)


def test_a_sample_waits_as_the_long_run_does() -> None:
    load = Load(rate=90, mean_hold=0.1, variability=1.0)
    sample = load.sample(12, servers=10, warm_up=1)
    long_run = load.long_run_mean_wait(servers=10)
    assert mean_wait(sample, 10, after=1) == pytest.approx(long_run, rel=0.05)
    assert load.sample(12, servers=10, warm_up=1) == sample, "it is always the same one"


def test_an_overloaded_queue_gets_what_chance_gives() -> None:
    load = Load(rate=200, mean_hold=0.1, variability=1.0)
    assert load.sample(3, servers=10, warm_up=1) == load.stretch(3)
