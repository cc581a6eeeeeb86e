"""From an environment to a storm, and to one that fits on a machine."""

from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.capacity.budget import budget
from nexusctl.environment.load import load
from nexusctl.errors import EnvironmentInvalid, Refused
from nexusctl.rehearsal.machine import LONGEST_RAMP, Machine
from nexusctl.rehearsal.storm import Storm
from tests.unit.rehearsal.played import STORM

BIG = Machine(cores=64, memory_bytes=1 << 40, files=1_000_000)


def test_the_storm_is_that_of_the_budget(project: Path) -> None:
    figures = budget(load("prod", project / "environments").settings)
    storm = Storm.of(figures)
    assert storm.clients == figures.peak_client_connections
    assert storm.max_connections == figures.free_connections
    assert storm.servers == figures.servers
    assert storm.transactions_per_second == figures.transactions_per_second


def test_without_a_workload_there_is_nothing_to_rehearse(project: Path) -> None:
    figures = budget(load("prod", project / "environments").settings)
    with pytest.raises(EnvironmentInvalid, match="declares no workload") as raised:
        Storm.of(replace(figures, has_workload=False))
    assert "peak_transactions_per_second" in str(raised.value.hint)


def test_scaling_keeps_times_and_utilisation() -> None:
    scaled = STORM.scaled(0.25)
    assert (scaled.clients, scaled.max_connections, scaled.servers) == (25, 10, 2)
    assert scaled.queue.utilisation == pytest.approx(STORM.queue.utilisation)
    assert scaled.mean_transaction_seconds == STORM.mean_transaction_seconds
    assert scaled.borrow_timeout_seconds == STORM.borrow_timeout_seconds


def test_nothing_is_scaled_away() -> None:
    scaled = STORM.scaled(0.0001)
    assert min(scaled.clients, scaled.max_connections, scaled.servers) == 1


def test_a_storm_that_fits_is_not_scaled() -> None:
    fitted = BIG.fit(STORM)
    assert fitted.storm == STORM
    assert fitted.scale.factor == 1


@pytest.mark.parametrize(
    ("machine", "storm", "because"),
    [
        (replace(BIG, cores=1), replace(STORM, transactions_per_second=1000), "transactions"),
        (replace(BIG, cores=1), replace(STORM, clients=20_000), "connections"),
        (replace(BIG, memory_bytes=1 << 26), STORM, "memory"),
        (replace(BIG, files=256), STORM, "files open"),
    ],
)
def test_what_a_machine_lacks_decides_the_scale(
    machine: Machine, storm: Storm, because: str
) -> None:
    fitted = machine.fit(storm)
    assert fitted.scale.factor < 1
    assert because in fitted.scale.because
    assert fitted.declared == storm
    assert fitted.storm.clients < storm.clients


def test_the_scale_and_the_clients_can_be_asked_for() -> None:
    fitted = BIG.fit(STORM, scale=0.5, clients=5000)
    assert fitted.scale.factor == 0.5
    assert fitted.storm.clients == 5000
    assert fitted.storm.servers == 5


def test_clients_connect_no_faster_than_declared_nor_than_the_machine_can() -> None:
    assert BIG.fit(replace(STORM, ramp_seconds=3)).storm.ramp_seconds == 3
    assert BIG.fit(replace(STORM, ramp_seconds=300)).storm.ramp_seconds == LONGEST_RAMP
    slow = replace(BIG, cores=1).fit(STORM, clients=9000)
    assert slow.storm.ramp_seconds > LONGEST_RAMP


def test_more_files_than_the_system_allows_are_refused() -> None:
    with pytest.raises(Refused, match="open files") as raised:
        Machine(cores=2, memory_bytes=1 << 34, files=1024).allow_files(replace(STORM, clients=5000))
    assert "--clients" in str(raised.value.hint)
