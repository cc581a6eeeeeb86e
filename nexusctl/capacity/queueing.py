"""Queues with many servers: how long a transaction waits for one of a pool's connections.

Transactions arrive at random (a Poisson stream), and each holds a connection for a random time.
With exponential hold times this is the queue M/M/c of the textbooks, and M/M/c+D with the borrow
timeout as the customers' patience; both have closed forms. Other hold times are taken in by the
approximation of Allen and Cunneen: waits stretch by (1 + cv²) / 2, where cv is the coefficient of
variation of the hold times (their standard deviation by their mean): 0 all alike, 1 exponential.

Sources: L. Kleinrock, Queueing Systems I (1975), ch. 3; A. O. Allen, Probability, Statistics and
Queueing Theory (1990), ch. 5.3; F. Baccelli and G. Hebuterne, On queues with impatient customers
(1981). docs/connections.md explains all this without assuming any of it.
"""

import math
from dataclasses import dataclass
from functools import cached_property

_SERIES = 0.01  # below it a closed form loses digits to cancellation, and its series does not
_HALVINGS = 60


def erlang_b(servers: int, load: float) -> float:
    """The probability that all servers are busy where nobody waits.

    `load` is in erlangs: arrivals per second * mean hold time in seconds.
    """
    return 1 / _inverse_erlang_b(servers, load)


def _inverse_erlang_b(servers: int, load: float) -> float:
    # The usual recursion, upside down: its numbers only grow, so that nothing is lost to rounding.
    inverse = 1.0
    if load == 0:
        return inverse if servers == 0 else math.inf
    for server in range(1, servers + 1):
        inverse = 1 + inverse * server / load
    return inverse


def erlang_c(servers: int, load: float) -> float:
    """The probability that a transaction has to wait; 1 from saturation on (load ≥ servers).

    `load` is in erlangs: arrivals per second * mean hold time in seconds.
    """
    if load >= servers:
        return 1.0
    utilisation = load / servers
    return 1 / (_inverse_erlang_b(servers, load) * (1 - utilisation) + utilisation)


def mean_wait_seconds(
    servers: int, arrivals_per_second: float, mean_hold_seconds: float, variability: float = 1.0
) -> float:
    """The mean wait for a server, those who need not wait included; inf from saturation on.

    Exact for exponential hold times (`variability` 1), else by Allen and Cunneen.
    """
    load = arrivals_per_second * mean_hold_seconds
    if load >= servers:
        return math.inf
    return stretch(variability) * erlang_c(servers, load) * mean_hold_seconds / (servers - load)


def stretch(variability: float) -> float:
    """By how much waits are longer than with exponential hold times."""
    return (1 + variability**2) / 2


@dataclass(frozen=True)
class Queue:
    """A pool of connections under load; whoever waits longer than `patience_seconds` gives up.

    The waiting time of a request is that until it gets a connection or gives up. All figures are
    those of a load that lasts. They go smoothly through saturation: requests that give up keep the
    queue finite.

    Without a server (0) everybody gives up.

    Raises:
        ValueError: a number is negative or not finite.
    """

    servers: int
    arrivals_per_second: float
    mean_hold_seconds: float
    patience_seconds: float
    variability: float = 1.0

    def __post_init__(self) -> None:
        numbers = (
            self.servers,
            self.arrivals_per_second,
            self.mean_hold_seconds,
            self.patience_seconds,
            self.variability,
        )
        if not all(0 <= number < math.inf for number in numbers):
            raise ValueError(f"no queue: {self!r}")

    @property
    def load(self) -> float:
        """What is offered, in erlangs: how many connections would be busy if nobody had to wait."""
        return self.arrivals_per_second * self.mean_hold_seconds

    @property
    def utilisation(self) -> float:
        """The load for each server. From 1 on, the pool is saturated."""
        return self.load / self.servers if self.servers else math.inf

    @property
    def saturation_per_second(self) -> float:
        """How many transactions the pool serves in a second at most; inf where none takes time."""
        return self.servers / self.mean_hold_seconds if self.mean_hold_seconds else math.inf

    @property
    def backlog_per_second(self) -> float:
        """How many waiting transactions are added in each second beyond saturation, else 0."""
        return max(0.0, self.arrivals_per_second - self.saturation_per_second)

    @property
    def seconds_to_first_timeout(self) -> float:
        """After how long beyond saturation the first requests give up; inf below saturation.

        Until then the backlog has grown to what the pool serves within the patience.
        """
        if not self.backlog_per_second:
            return math.inf
        return self.patience_seconds * self.saturation_per_second / self.backlog_per_second

    @property
    def waiting_probability(self) -> float:
        """The share of requests that find no free connection."""
        return self.share_waiting_longer_than(0)

    @property
    def timeout_share(self) -> float:
        """The share of requests that give up, because they would have waited too long."""
        return self.share_waiting_longer_than(self.patience_seconds)

    @property
    def mean_wait_seconds(self) -> float:
        """The mean wait of all requests, those included that need not wait or that give up."""
        if not self.load:
            return 0.0
        if not self.servers:
            return self.patience_seconds
        decay, patience = self._decay, self._patience
        z = decay * patience
        if abs(z) < _SERIES:
            area = patience**2 * sum((-z) ** n / math.factorial(n) / (n + 2) for n in range(5))
        elif z > 0:
            area = (1 - math.exp(-z) * (1 + z)) / decay**2
        else:
            area = (math.expm1(z) - z) / decay**2
        area += patience * self._at_patience / self.saturation_per_second
        return stretch(self.variability) * self.arrivals_per_second * area / self._whole

    def wait_quantile(self, share: float) -> float:
        """The time in seconds within which that share of requests has waited: 0.99 for the p99."""
        low, high = 0.0, self.patience_seconds
        for limit in (low, high):
            if self.share_waiting_longer_than(limit) <= 1 - share:
                high = limit
                break
        else:
            return high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self.share_waiting_longer_than(middle) <= 1 - share:
                high = middle
            else:
                low = middle
        return high

    def share_waiting_longer_than(self, seconds: float) -> float:
        """The share of requests for which no connection comes free within `seconds`.

        At most `patience_seconds`: nobody waits longer.
        """
        if not self.load:
            return 0.0
        if not self.servers:
            return 1.0
        return self.arrivals_per_second * self._tail(seconds) / self._whole

    # The wait that a request with endless patience would have, in M/M/c+D: its density falls by
    # `_decay` up to the patience, and by the rate of service beyond. Divided by the density at 0.
    # In overload, where `_decay` is negative, all is scaled by its value at the patience, which
    # is the greatest.

    @property
    def _decay(self) -> float:
        return self.saturation_per_second - self.arrivals_per_second

    @property
    def _patience(self) -> float:
        return self.patience_seconds / stretch(self.variability)

    @property
    def _at_patience(self) -> float:
        return math.exp(-max(0.0, self._decay) * self._patience)

    def _tail(self, seconds: float) -> float:
        decay, patience = self._decay, self._patience
        before = seconds / stretch(self.variability)
        if decay == 0:
            within = patience - before
        elif decay > 0:
            within = math.exp(-decay * before) * -math.expm1(-decay * (patience - before)) / decay
        else:
            within = math.expm1(decay * (patience - before)) / decay
        return within + self._at_patience / self.saturation_per_second

    @cached_property
    def _whole(self) -> float:
        """What all that can happen adds up to: waiting, and finding a connection free."""
        free = _inverse_erlang_b(self.servers - 1, self.load)
        scale = math.exp(min(0.0, self._decay) * self._patience)
        return free * scale + self.arrivals_per_second * self._tail(0)
