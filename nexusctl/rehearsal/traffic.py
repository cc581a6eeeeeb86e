"""The transactions of a rehearsal: when each is asked for, and how long it holds a connection."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean
from typing import NamedTuple

LONG_RUN = 300_000  # transactions: enough to know the mean wait within a few percent
TRIES = 100
CLOSE = 0.03  # to the mean wait of the long run


class Transaction(NamedTuple):
    """Asked for at `at` seconds from the start; holds a database connection for `hold` seconds."""

    at: float
    hold: float


@dataclass(frozen=True, slots=True)
class Load:
    """What the transactions are drawn from: a Poisson stream with gamma-distributed hold times.

    `variability` is the coefficient of variation of the hold times: 0 all alike, 1 exponential.
    """

    rate: float
    mean_hold: float
    variability: float

    def transactions(self, chance: random.Random) -> Iterator[Transaction]:
        """An endless stream."""
        at = 0.0
        while True:
            at += chance.expovariate(self.rate)
            yield Transaction(at, self._hold(chance))

    def stretch(self, seconds: float, seed: int = 0) -> list[Transaction]:
        """The transactions asked for in so many seconds; the same ones for the same seed."""
        stream = self.transactions(random.Random(seed))
        return list(takewhile(lambda each: each.at < seconds, stream))

    def _hold(self, chance: random.Random) -> float:
        if self.variability == 0:
            return self.mean_hold
        shape = 1 / self.variability**2
        return chance.gammavariate(shape, self.mean_hold / shape)

    def sample(self, seconds: float, servers: int, *, warm_up: float) -> list[Transaction]:
        """A representative stretch: in an ideal queue it would wait as long as a long run does.

        A short random stretch of a busy queue may wait a third longer or shorter than the long run
        (its waits depend on each other); it would say little about the model. So stretches are
        drawn until one's mean wait in an ideal queue, that of the transactions after `warm_up`, is
        close to the long run's. The model under test plays no part in the choice. An overloaded
        queue has no long run: the first stretch is taken.
        """
        if self.rate * self.mean_hold >= servers:
            return self.stretch(seconds)
        long_run = self.long_run_mean_wait(servers)
        tried = []
        for attempt in range(TRIES):
            stretch = self.stretch(seconds, attempt)
            waited = mean_wait(stretch, servers, after=warm_up)
            # A microsecond: where nobody waits, any stretch will do.
            difference = abs(waited - long_run) / max(long_run, 1e-6)
            if difference <= CLOSE:
                return stretch
            tried.append((difference, attempt))
        return self.stretch(seconds, min(tried)[1])

    def long_run_mean_wait(self, servers: int) -> float:
        """The mean wait of very many transactions in an ideal queue, by simulation."""
        stream = self.transactions(random.Random(0))
        return fmean(wait for wait, _ in zip(waits(stream, servers), range(LONG_RUN), strict=False))


def waits(transactions: Iterator[Transaction], servers: int) -> Iterator[float]:
    """How long each waits in an ideal queue: first come, first served, no time lost."""
    free_at = [0.0] * servers
    for at, hold in transactions:
        begins = max(at, free_at[0])
        heapq.heapreplace(free_at, begins + hold)
        yield begins - at


def mean_wait(transactions: list[Transaction], servers: int, *, after: float = 0.0) -> float:
    """The mean wait in an ideal queue of the transactions asked for after a time."""
    waited = zip(transactions, waits(iter(transactions), servers), strict=True)
    return fmean([wait for each, wait in waited if each.at >= after] or [0.0])
