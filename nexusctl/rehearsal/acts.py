"""The nouns of a rehearsal's result: what was measured in each act, before it is judged."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from nexusctl.rehearsal.crowd import Opening, Served

BORROW_TIMEOUT = "query_wait_timeout"  # pgbouncer's word for it


class Sample(NamedTuple):
    """The state of things at one moment, by the system's clock."""

    at: float
    connected: int
    refused: int
    database_connections: int
    waiting: int
    served: int


@dataclass(frozen=True, slots=True)
class Overheads:
    """What pooler, client and machine cost by themselves, measured before the storm.

    `wait` is the mean time from asking to being served where nobody has to wait, `wait_p99` that of
    the slowest in a hundred; `hold` is how much longer than a transaction sleeps a server is held.
    """

    wait: float = 0.0
    wait_p99: float = 0.0
    hold: float = 0.0


@dataclass(frozen=True, slots=True)
class Outage:
    """When the database was stopped, accepted connections again, and clients waited no more.

    `recovered` is when as few clients waited as before; None if that did not happen in the act.
    """

    stopped: float
    back: float
    recovered: float | None


@dataclass(frozen=True, slots=True)
class Act:
    """One act: the attempts to connect, the transactions, and samples of the state.

    Transactions are counted that are asked for in the `seconds` from `began`; earlier ones warm up.
    The overhead is already taken off what they waited. All moments are those of the system's clock.
    """

    title: str
    openings: Sequence[Opening]
    transactions: Sequence[Served]
    samples: Sequence[Sample]
    began: float
    seconds: float
    outage: Outage | None = None

    @property
    def refusals(self) -> Counter[str]:
        """How many clients were refused, by what the server said."""
        return Counter(each.failure for each in self.openings if each.failure)

    @property
    def failures(self) -> Counter[str]:
        """How many transactions failed, by what the server said."""
        return Counter(each.failure for each in self._counted if each.failure and not each.refused)

    @property
    def served(self) -> list[Served]:
        """The transactions that came to their end."""
        return [each for each in self._counted if each.failure is None]

    @property
    def throughput(self) -> float:
        """Transactions that came to their end in a second, whenever they were asked for."""
        ended = (each.at + each.took for each in self.transactions if each.failure is None)
        return sum(0 <= end - self.began <= self.seconds for end in ended) / self.seconds

    @property
    def mean_wait(self) -> float:
        """The mean wait for a server, in seconds."""
        return fmean([each.waited for each in self.served] or [0.0])

    def wait_quantile(self, share: float) -> float:
        """The wait, in seconds, that this share of the transactions did not exceed."""
        waited = sorted(each.waited for each in self.served)
        return waited[min(int(share * len(waited)), len(waited) - 1)] if waited else 0.0

    @property
    def peak_database_connections(self) -> int:
        """The most database connections of clients that were seen at once."""
        return max((each.database_connections for each in self.samples), default=0)

    @property
    def _counted(self) -> list[Served]:
        return [each for each in self.transactions if each.at >= self.began]
