"""Advice: each limit holds, and one step beyond it does not."""

import pytest

from nexusctl.capacity.advice import advice
from nexusctl.capacity.budget import Measured, budget
from tests.unit.capacity.conftest import Changed


def test_of_an_environment_that_holds(changed: Changed) -> None:
    limits = advice(changed())
    assert limits.smallest_pool_percent == 33  # of 200 for 50 * 1.3 = 65
    assert limits.longest_transaction_ms == pytest.approx(153.8, abs=0.1)  # 100 / 1.3 / 500
    assert limits.largest_max_size == 30  # of 25 transactions per second: 75 * 1.3 = 98
    assert limits.largest_max_size_without_proxy == 15  # with 2 + 2 more: 190 of 193
    assert limits.smallest_instance_class is None  # the parameter decides


def test_each_limit_is_where_the_verdict_turns(changed: Changed) -> None:
    limits = advice(changed())
    percent, longest = limits.smallest_pool_percent, limits.longest_transaction_ms
    assert percent is not None
    assert longest is not None
    path = "proxy__connection_pool__max_connections_percent"
    assert budget(changed(**{path: percent})).holds
    assert not budget(changed(**{path: percent - 1})).holds
    assert budget(changed(workload__mean_transaction_ms=longest)).holds
    assert not budget(changed(workload__mean_transaction_ms=longest + 0.01)).holds


def test_of_one_that_does_not(changed: Changed) -> None:
    limits = advice(changed(workload__peak_transactions_per_second=900.0))
    assert limits.smallest_pool_percent == 59
    assert limits.largest_max_size == 17


def test_where_nothing_helps(changed: Changed) -> None:
    limits = advice(changed(workload__pinned_fraction=0.9, workers__max_size=1000))
    assert limits.smallest_pool_percent is None
    assert limits.longest_transaction_ms is None
    assert limits.largest_max_size is not None  # fewer clients, fewer pinned


def test_the_class_is_of_the_same_family(changed: Changed) -> None:
    small = changed(
        database__parameters={},
        database__instance_class="db.r6g.large",
        workload__peak_transactions_per_second=9000.0,
        workers__max_size=300,
    )
    assert not budget(small).holds
    assert advice(small).smallest_instance_class == "db.r6g.xlarge"


def test_what_was_measured_is_true_of_the_present_class_only(changed: Changed) -> None:
    settings = changed(database__parameters={}, database__instance_class="db.t4g.medium")
    assert advice(settings).smallest_instance_class == "db.t4g.small"
    assert advice(settings, Measured(50, "asked")).smallest_instance_class == "db.t4g.small"
    measured = changed(
        database__parameters={},
        database__instance_class="db.t4g.small",
        database__measured_max_connections=100,
    )
    assert advice(measured).smallest_instance_class == "db.t4g.medium"


def test_without_a_workload_there_is_one_limit(changed: Changed) -> None:
    limits = advice(changed(workload=None))
    assert limits.largest_max_size_without_proxy == 15
    assert limits.largest_max_size is None
    assert limits.smallest_pool_percent is None
