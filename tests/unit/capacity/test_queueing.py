"""The queue: against closed forms, exact fractions and a simulation, and what must always be."""

import heapq
import math
import random
from dataclasses import replace
from fractions import Fraction
from statistics import fmean

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nexusctl.capacity.queueing import Queue, erlang_b, erlang_c, mean_wait_seconds

servers = st.integers(1, 5000)
utilisations = st.floats(0.001, 0.999)
rates = st.floats(0.01, 1e6)
holds = st.floats(1e-5, 100)
patiences = st.floats(0, 300)
variabilities = st.floats(0, 3)


def queue(
    count: int, utilisation: float, hold: float, patience: float, variability: float
) -> Queue:
    return Queue(count, utilisation * count / hold, hold, patience, variability)


queues = st.builds(queue, servers, st.floats(0.01, 3), holds, patiences, variabilities)


def exact_erlang_c(count: int, load: Fraction) -> Fraction:
    """The textbook's formula, in exact fractions."""
    busy = load**count / math.factorial(count) * count / (count - load)
    return busy / (sum(load**n / math.factorial(n) for n in range(count)) + busy)


@pytest.mark.parametrize(
    ("count", "load", "waiting"),
    # Tables of Erlang C, as of any textbook.
    [
        (1, 0.5, 0.5),
        (2, 1, 0.3333),
        (3, 2, 0.4444),
        (5, 3, 0.2362),
        (10, 5, 0.0361),
        (10, 8, 0.4092),
    ],
)
def test_erlang_c_of_the_tables(count: int, load: float, waiting: float) -> None:
    assert erlang_c(count, load) == pytest.approx(waiting, abs=5e-5)


@pytest.mark.parametrize(
    ("count", "load", "blocked"), [(1, 1, 0.5), (2, 1, 0.2), (10, 5, 0.0184), (10, 8, 0.1217)]
)
def test_erlang_b_of_the_tables(count: int, load: float, blocked: float) -> None:
    assert erlang_b(count, load) == pytest.approx(blocked, abs=5e-5)


@given(st.integers(1, 60), st.integers(1, 99))
def test_erlang_c_is_exact(count: int, percent: int) -> None:
    load = Fraction(count * percent, 100)
    assert erlang_c(count, float(load)) == pytest.approx(
        float(exact_erlang_c(count, load)), rel=1e-9
    )


@given(st.floats(0.01, 0.99), holds)
def test_one_server_waits_as_mm1_does(utilisation: float, hold: float) -> None:
    wait = mean_wait_seconds(1, utilisation / hold, hold)
    assert wait == pytest.approx(utilisation * hold / (1 - utilisation), rel=1e-6)


@given(servers, utilisations)
def test_erlang_c_is_a_probability_and_grows_with_load(count: int, utilisation: float) -> None:
    low = erlang_c(count, utilisation * count * 0.99)
    high = erlang_c(count, utilisation * count)
    assert 0 <= low <= high <= 1


@given(st.integers(2, 5000), utilisations)
def test_erlang_c_falls_with_more_servers(count: int, utilisation: float) -> None:
    load = utilisation * (count - 1)
    assert erlang_c(count, load) <= erlang_c(count - 1, load)


def test_from_saturation_on_everybody_waits_for_ever() -> None:
    assert erlang_c(10, 10) == 1
    assert mean_wait_seconds(10, 1000, 0.01) == math.inf
    assert mean_wait_seconds(10, 1001, 0.01) == math.inf


@given(servers, utilisations, holds, variabilities)
def test_allen_and_cunneen_stretch_the_wait(
    count: int, utilisation: float, hold: float, variability: float
) -> None:
    rate = utilisation * count / hold
    assume(rate * hold < count)
    exponential = mean_wait_seconds(count, rate, hold)
    stretched = mean_wait_seconds(count, rate, hold, variability)
    assert stretched == pytest.approx(exponential * (1 + variability**2) / 2)


@given(servers, st.floats(0.01, 0.9), holds, variabilities)
def test_with_patience_enough_the_queue_is_allen_and_cunneens(
    count: int, utilisation: float, hold: float, variability: float
) -> None:
    patient = queue(count, utilisation, hold, 300 * hold * (1 + variability**2), variability)
    wait = mean_wait_seconds(count, patient.arrivals_per_second, hold, variability)
    assert patient.mean_wait_seconds == pytest.approx(wait, rel=1e-6, abs=1e-300)
    assert patient.waiting_probability == pytest.approx(
        erlang_c(count, patient.load), rel=1e-6, abs=1e-300
    )


@given(servers, st.floats(0.01, 3), holds)
def test_without_patience_it_is_erlang_b(count: int, utilisation: float, hold: float) -> None:
    impatient = queue(count, utilisation, hold, 0, 1)
    assert impatient.timeout_share == pytest.approx(
        erlang_b(count, impatient.load), rel=1e-6, abs=1e-300
    )
    assert impatient.mean_wait_seconds == 0


@given(queues)
def test_figures_are_in_their_ranges(any_queue: Queue) -> None:
    assert 0 <= any_queue.timeout_share <= any_queue.waiting_probability <= 1 + 1e-9
    assert 0 <= any_queue.mean_wait_seconds <= any_queue.patience_seconds * (1 + 1e-9)
    quantiles = [any_queue.wait_quantile(share) for share in (0.1, 0.5, 0.95, 0.99)]
    assert quantiles == sorted(quantiles)
    assert 0 <= quantiles[0] <= quantiles[-1] <= any_queue.patience_seconds


@given(queues, st.floats(0.5, 0.999))
def test_a_quantile_is_where_that_share_has_waited(any_queue: Queue, share: float) -> None:
    time = any_queue.wait_quantile(share)
    if 0 < time < any_queue.patience_seconds:
        assert any_queue.share_waiting_longer_than(time) == pytest.approx(1 - share, rel=1e-3)


@given(queues)
def test_more_load_waits_longer_and_more_servers_less(any_queue: Queue) -> None:
    busier = replace(any_queue, arrivals_per_second=any_queue.arrivals_per_second * 1.1)
    larger = replace(any_queue, servers=any_queue.servers + 1)
    slack = 1 + 1e-6
    for figure in ("mean_wait_seconds", "timeout_share", "waiting_probability"):
        here = getattr(any_queue, figure)
        assert here <= getattr(busier, figure) * slack + 1e-12
        assert getattr(larger, figure) <= here * slack + 1e-12


@given(servers, st.floats(1.01, 5), holds, variabilities)
def test_in_overload_the_excess_times_out(
    count: int, utilisation: float, hold: float, variability: float
) -> None:
    overloaded = queue(count, utilisation, hold, 3000 * hold, variability)
    assert overloaded.timeout_share == pytest.approx(1 - 1 / utilisation, abs=0.02)
    assert overloaded.backlog_per_second == pytest.approx((utilisation - 1) * count / hold)


@given(servers, holds, st.floats(0.01, 1000))
def test_nothing_jumps_at_saturation(count: int, hold: float, times: float) -> None:
    below, at, above = (queue(count, u, hold, times * hold, 1) for u in (1 - 1e-9, 1, 1 + 1e-9))
    for figure in ("mean_wait_seconds", "timeout_share"):
        assert getattr(below, figure) == pytest.approx(getattr(at, figure), rel=1e-2)
        assert getattr(above, figure) == pytest.approx(getattr(at, figure), rel=1e-2)


def test_the_first_timeouts_come_when_the_backlog_takes_the_patience_to_serve() -> None:
    overloaded = Queue(100, 1200, 0.1, 30)  # serves 1000 a second: 200 more wait in each second
    assert overloaded.saturation_per_second == 1000
    assert overloaded.backlog_per_second == 200
    assert overloaded.seconds_to_first_timeout == pytest.approx(150)  # then 30,000 wait
    assert replace(overloaded, arrivals_per_second=900).seconds_to_first_timeout == math.inf


def test_facts_that_were_measured() -> None:
    # 130 connections at 20 ms, as docs/connections.md tells.
    waits = [mean_wait_seconds(130, rate, 0.02) for rate in (6000, 6400)]
    assert waits == pytest.approx([0.0005, 0.008], rel=0.1)


def test_nothing_to_do_and_nobody_to_do_it() -> None:
    idle = Queue(10, 0, 0.1, 30)
    assert (idle.mean_wait_seconds, idle.timeout_share, idle.wait_quantile(0.99)) == (0, 0, 0)
    nobody = Queue(0, 10, 0.1, 30)
    assert (nobody.mean_wait_seconds, nobody.timeout_share, nobody.wait_quantile(0.5)) == (
        30,
        1,
        30,
    )
    assert nobody.utilisation == math.inf


@pytest.mark.parametrize(
    "numbers", [(-1, 1, 1, 1, 1), (1, -1, 1, 1, 1), (1, 1, math.inf, 1, 1), (1, 1, 1, math.nan, 1)]
)
def test_numbers_that_make_no_queue(numbers: tuple[int, float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="no queue"):
        Queue(*numbers)


def simulated(of: Queue, requests: int) -> tuple[float, float]:
    """Mean wait and share of timeouts: first come, first served; who would wait too long goes."""
    chance = random.Random(7)
    free_at = [0.0] * of.servers
    at, waits, timeouts = 0.0, [], 0
    shape = 1 / of.variability**2
    for _ in range(requests):
        at += chance.expovariate(of.arrivals_per_second)
        wait = max(0.0, free_at[0] - at)
        if wait > of.patience_seconds:
            timeouts += 1
            waits.append(of.patience_seconds)
            continue
        waits.append(wait)
        hold = chance.gammavariate(shape, of.mean_hold_seconds / shape)
        heapq.heapreplace(free_at, at + wait + hold)
    return fmean(waits), timeouts / requests


@pytest.mark.parametrize(
    ("of", "tolerance"),
    [
        (Queue(20, 85, 0.2, 10), 0.05),
        (Queue(20, 99, 0.2, 0.05), 0.05),
        (Queue(20, 120, 0.2, 1), 0.02),
        (Queue(20, 85, 0.2, 10, variability=1.3), 0.15),
        (Queue(20, 120, 0.2, 1, variability=0.5), 0.05),
    ],
)
def test_a_simulation_finds_the_same(of: Queue, tolerance: float) -> None:
    wait, timeouts = simulated(of, 200_000)
    assert of.mean_wait_seconds == pytest.approx(wait, rel=tolerance)
    assert of.timeout_share == pytest.approx(timeouts, rel=tolerance, abs=0.002)
