"""What was measured in each act, and beside it what the budget predicts for the same storm."""

from collections.abc import Iterator
from dataclasses import dataclass

from nexusctl.capacity.queueing import Queue
from nexusctl.rehearsal.acts import BORROW_TIMEOUT, Act
from nexusctl.rehearsal.rehearsal import OUTAGE_SECONDS, WARM_UP, Rehearsal
from nexusctl.rehearsal.storm import Storm

QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: measured, and predicted where the budget says something of it.

    `unit` is `""` for counts, `"/s"`, or `"s"` for times, which are in seconds. `at_most`: the
    prediction is a limit.
    """

    name: str
    measured: float | None
    predicted: float | None
    unit: str = ""
    at_most: bool = False


def figures(rehearsal: Rehearsal) -> list[tuple[Act, list[Figure]]]:
    """The acts, each with its figures."""
    expected = Expected(rehearsal.storm)
    tables = (_direct, _pooled, _restart)
    return [
        (act, list(table(act, expected))) for act, table in zip(rehearsal.acts, tables, strict=True)
    ]


@dataclass(frozen=True)
class Expected:
    """What the model says of a storm."""

    storm: Storm

    @property
    def queue(self) -> Queue:
        """The pool under the storm's load, were it to last."""
        return self.storm.queue

    @property
    def accepted_directly(self) -> int:
        """How many clients get a connection of the database's own."""
        return min(self.storm.clients, self.storm.max_connections)

    def mean_wait(self, seconds: float) -> float:
        """The mean wait of those who ask within so many seconds, after the warm-up."""
        if self.queue.utilisation < 1:
            return self.queue.mean_wait_seconds
        return self._wait_at(WARM_UP + seconds / 2)

    def wait_quantile(self, share: float, seconds: float) -> float:
        """The wait that this share of those who ask within so many seconds do not exceed."""
        if self.queue.utilisation < 1:
            return self.queue.wait_quantile(share)
        return self._wait_at(WARM_UP + share * seconds)

    def timeouts(self, seconds: float) -> float:
        """How many of those who ask within so many seconds are not served in time."""
        begin = 0.0 if self.queue.utilisation < 1 else self.queue.seconds_to_first_timeout
        exposed = max(0.0, min(seconds, WARM_UP + seconds - begin))
        return self.storm.transactions_per_second * exposed * self.queue.timeout_share

    def _wait_at(self, moment: float) -> float:
        """Beyond saturation: the wait of who asks so long after the beginning. It only grows."""
        return min((self.queue.utilisation - 1) * moment, self.storm.borrow_timeout_seconds)

    def recovery(self, outage: float) -> float | None:
        """How long after an outage clients still wait; None if the pool does not catch up."""
        if self.queue.utilisation >= 1:
            return None
        behind = self.storm.transactions_per_second * min(outage, self.storm.borrow_timeout_seconds)
        spare = self.queue.saturation_per_second - self.storm.transactions_per_second
        return behind / spare


def _direct(act: Act, expected: Expected) -> Iterator[Figure]:
    storm, accepted = expected.storm, expected.accepted_directly
    yield from _connections(act, storm, accepted)
    yield Figure("database connections at peak", act.peak_database_connections, accepted)
    rate = storm.transactions_per_second * accepted / storm.clients
    yield Figure("transactions", act.throughput, rate, "/s")


def _pooled(act: Act, expected: Expected) -> Iterator[Figure]:
    storm, queue = expected.storm, expected.queue
    yield from _connections(act, storm, storm.clients)
    yield Figure(
        "database connections at peak", act.peak_database_connections, storm.servers, at_most=True
    )
    rate = min(storm.transactions_per_second, queue.saturation_per_second)
    yield Figure("transactions", act.throughput, rate, "/s")
    yield Figure("mean wait", act.mean_wait, expected.mean_wait(act.seconds), "s")
    yield from (
        Figure(
            f"wait p{share:.0%}".rstrip("%"),
            act.wait_quantile(share),
            expected.wait_quantile(share, act.seconds),
            "s",
        )
        for share in QUANTILES
    )
    yield Figure("borrow timeouts", act.failures[BORROW_TIMEOUT], expected.timeouts(act.seconds))


def _restart(act: Act, expected: Expected) -> Iterator[Figure]:
    storm, outage = expected.storm, act.outage
    assert outage is not None  # noqa: S101 - the third act has one
    lasted = outage.back - outage.stopped
    yield Figure("outage", lasted, OUTAGE_SECONDS, "s")
    broken = sum(act.failures.values()) - act.failures[BORROW_TIMEOUT]
    yield Figure("transactions broken off", broken, min(expected.queue.load, storm.servers))
    longest = min(lasted, storm.borrow_timeout_seconds)
    yield Figure("longest wait", act.wait_quantile(1), longest, "s")
    late = max(0.0, lasted - storm.borrow_timeout_seconds) * storm.transactions_per_second
    yield Figure("borrow timeouts", act.failures[BORROW_TIMEOUT], late)
    recovered = None if outage.recovered is None else outage.recovered - outage.back
    yield Figure("recovery, once the database is back", recovered, expected.recovery(lasted), "s")


def _connections(act: Act, storm: Storm, accepted: int) -> Iterator[Figure]:
    refused = sum(act.refusals.values())
    yield Figure("connections asked", len(act.openings), storm.clients)
    yield Figure("accepted", len(act.openings) - refused, accepted)
    yield Figure("refused", refused, storm.clients - accepted)
