"""The storm of a rehearsal: an environment's connection budget at the scale of a machine."""

from dataclasses import dataclass, replace

from nexusctl.capacity.budget import Budget
from nexusctl.capacity.queueing import Queue
from nexusctl.errors import EnvironmentInvalid


@dataclass(frozen=True, slots=True)
class Storm:
    """What is rehearsed.

    `max_connections` is what the database has for clients, `servers` what the pooler may use of
    them; each of `servers` carries one transaction at a time. `variability` is the coefficient of
    variation of the transactions' lengths: 0 all alike, 1 exponential.
    """

    clients: int
    max_connections: int
    servers: int
    transactions_per_second: float
    mean_transaction_seconds: float
    variability: float
    ramp_seconds: float
    borrow_timeout_seconds: float
    idle_client_timeout_seconds: float

    @classmethod
    def of(cls, budget: Budget) -> "Storm":
        """The storm that an environment's peak would be.

        Raises:
            EnvironmentInvalid: it declares no workload, or its proxy can serve no transaction.
        """
        if not budget.has_workload:
            raise EnvironmentInvalid(
                "there is nothing to rehearse: the environment declares no workload",
                hint="workload: {peak_transactions_per_second: 400, mean_transaction_ms: 20}",
            )
        if budget.servers == 0:
            raise EnvironmentInvalid(
                "there is nothing to rehearse: no connection is left to the proxy's transactions",
                hint="nexusctl budget shows where they go",
            )
        return cls(
            clients=budget.peak_client_connections,
            max_connections=budget.free_connections,
            servers=budget.servers,
            transactions_per_second=budget.transactions_per_second,
            mean_transaction_seconds=budget.mean_transaction_seconds,
            variability=budget.variability,
            ramp_seconds=budget.ramp_seconds,
            borrow_timeout_seconds=budget.borrow_timeout_seconds,
            idle_client_timeout_seconds=budget.idle_client_timeout_seconds,
        )

    @property
    def queue(self) -> Queue:
        """The pool under the storm's load, were it to last."""
        return Queue(
            self.servers,
            self.transactions_per_second,
            self.mean_transaction_seconds,
            self.borrow_timeout_seconds,
            self.variability,
        )

    def scaled(self, scale: float) -> "Storm":
        """The same storm with that share of clients, connections, servers and transactions.

        Times stay, and so does the utilisation: the rate follows the servers, which are whole.
        """
        servers = max(1, round(self.servers * scale))
        return replace(
            self,
            clients=max(1, round(self.clients * scale)),
            max_connections=max(servers, round(self.max_connections * scale)),
            servers=servers,
            transactions_per_second=self.transactions_per_second * servers / self.servers,
        )
