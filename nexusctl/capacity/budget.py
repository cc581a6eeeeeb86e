"""The connection budget: from an environment's settings to how its peak will go.

`budget` is a pure function. Each field of `Budget` says in its name what unit it has; the formulas
are in docs/connections.md.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nexusctl.capacity.instance_classes import DEFAULT_FORMULA, evaluate, instance_class
from nexusctl.capacity.queueing import Queue
from nexusctl.environment.model import Database, Settings, Workers
from nexusctl.errors import EnvironmentInvalid

# EC2 Auto Scaling User Guide, Rebalancing activities: the group may exceed its maximum by 10 % or
# by one instance, whichever is greater.
REBALANCING_MARGIN = 0.1
# PostgreSQL's superuser_reserved_connections and RDS's rds.rds_reserved_connections.
RESERVED = {"superuser_reserved_connections": 3, "rds.rds_reserved_connections": 4}
# RDS User Guide, RDS Proxy connection considerations: 30 % more than the peak needs.
HEADROOM = 1.3
# RDS User Guide, Limitations for IAM database authentication: connections are throttled at 200 per
# second, but for those that share an authentication token. Of proxies no other limit is stated.
IAM_CONNECTIONS_PER_SECOND = 200
# The share of requests that may run into the borrow timeout: one in a thousand.
TOLERATED_TIMEOUTS = 0.001

POOL_PERCENT = "proxy.connection_pool.max_connections_percent"

Source = Literal["measured", "setting", "parameter", "estimate"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a running database was found to have. `origin` says how it was found out.

    Not `exact`: the running database's own formula is known, but not what it came to.
    """

    max_connections: int
    origin: str
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the peak does not hold.

    `setting` is the dotted path of the value to change first, `remedy` what to write there, where
    that follows at once; see also advice.py.
    """

    message: str
    setting: str
    remedy: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Connections asked for and had at the peak, and what follows for transactions.

    Without a declared workload (`has_workload` is false) its numbers are 0, and so are the load's
    and the waits: then the budget is one of connections only.
    """

    # Clients of the proxy
    max_instances: int
    rebalancing_instances: int
    refresh_instances: int
    connections_per_instance: int
    worker_connections: int
    lambda_connections: int
    other_client_connections: int
    starting_connections: int  # those of min_size, before the ramp

    # Connections of the database
    instance_class: str
    max_connections: int
    max_connections_source: Source
    max_connections_origin: str
    reserved_connections: int
    direct_connections: int
    other_proxies_connections: int
    pool_percent: int
    pinned_connections: int

    # The pool under load
    has_workload: bool
    transactions_per_second: float
    mean_transaction_seconds: float
    variability: float
    ramp_seconds: float
    borrow_timeout_seconds: float
    idle_client_timeout_seconds: float
    iam_authentication: bool

    @property
    def peak_instances(self) -> int:
        """Instances at most: the largest group, while it rebalances and is refreshed."""
        return self.max_instances + self.rebalancing_instances + self.refresh_instances

    @property
    def peak_client_connections(self) -> int:
        """Connections of all clients to the proxy, at most."""
        return self.worker_connections + self.lambda_connections + self.other_client_connections

    @property
    def refused_without_proxy(self) -> int:
        """How many of the clients the database would refuse if they connected to it directly."""
        return max(0, self.peak_client_connections - self.free_connections)

    @property
    def free_connections(self) -> int:
        """What of max_connections is nobody else's: neither reserved nor past the proxy."""
        taken = self.reserved_connections + self.direct_connections + self.other_proxies_connections
        return max(0, self.max_connections - taken)

    @property
    def pool_share(self) -> int:
        """Connections that the pool's percentage allows the proxy."""
        return self.max_connections * self.pool_percent // 100

    @property
    def pool_size(self) -> int:
        """Connections that the proxy can open: its share, as far as others leave it room."""
        return min(self.pool_share, self.free_connections)

    @property
    def servers(self) -> int:
        """Transactions served at once: the pool less the pinned connections."""
        return max(0, self.pool_size - self.pinned_connections)

    @property
    def queue(self) -> Queue:
        """The pool as a queue of the transactions that have no connection of their own."""
        return Queue(
            self.servers,
            self.transactions_per_second,
            self.mean_transaction_seconds,
            self.borrow_timeout_seconds,
            self.variability,
        )

    @property
    def offered_load(self) -> float:
        """Erlangs: transactions in progress on average if none has to wait."""
        return self.queue.load

    @property
    def wanted_servers(self) -> int:
        """The servers that the load needs, with headroom."""
        return math.ceil(self.offered_load * HEADROOM)

    @property
    def utilisation(self) -> float:
        """Load by servers; from 1 on the pool is saturated. inf without a server."""
        return self.queue.utilisation

    @property
    def mean_wait_seconds(self) -> float:
        """How long a transaction waits for a connection on average, until it gives up at most."""
        return self.queue.mean_wait_seconds

    def wait_quantile(self, share: float) -> float:
        """The seconds within which that share of transactions has waited: 0.99 for the p99."""
        return self.queue.wait_quantile(share)

    @property
    def timeout_share(self) -> float:
        """The share of transactions that run into the borrow timeout, while the peak lasts."""
        return self.queue.timeout_share

    @property
    def backlog_per_second(self) -> float:
        """Transactions per second that the pool cannot serve; 0 below saturation."""
        return self.queue.backlog_per_second

    @property
    def new_connections_per_second(self) -> float:
        """Connections that clients open during the ramp; 0 if no workload says how long it is."""
        if not self.has_workload:
            return 0.0
        return (self.peak_client_connections - self.starting_connections) / self.ramp_seconds

    @property
    def holds(self) -> bool:
        """Whether the environment holds its own peak."""
        return not self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why it does not hold; those of the connections first."""
        return tuple(self._problems())

    def _problems(self) -> Iterator[Problem]:
        if self.pool_share > self.free_connections:
            yield Problem(
                f"the pool may open {self.pool_share} connections ({self.pool_percent} % of "
                f"{self.max_connections}), and others leave {self.free_connections}",
                POOL_PERCENT,
                self.free_connections * 100 // self.max_connections or None,
            )
        if not self.has_workload:
            return
        if self.servers == 0:
            yield Problem(
                f"{self.pinned_connections} pinned sessions take all {self.pool_size} connections "
                "of the pool",
                "workload.pinned_fraction",
            )
            return
        if self.wanted_servers > self.servers:
            yield Problem(
                f"{self.offered_load:.6g} transactions at once need {self.wanted_servers} "
                f"connections with {(HEADROOM - 1) * 100:.0f} % headroom, and the pool has "
                f"{self.servers}",
                POOL_PERCENT,
            )
        elif self.timeout_share > TOLERATED_TIMEOUTS:
            yield Problem(
                f"{self.timeout_share:.2%} of the transactions would wait longer than the borrow "
                f"timeout of {self.borrow_timeout_seconds:g} s",
                "proxy.connection_pool.connection_borrow_timeout",
            )
        if self.offered_load >= self.peak_client_connections:
            yield Problem(
                f"{self.offered_load:.6g} transactions at once are more than the "
                f"{self.peak_client_connections} client connections carry",
                "workers.connections_per_process",
            )
        if self.iam_authentication and self.new_connections_per_second > IAM_CONNECTIONS_PER_SECOND:
            yield Problem(
                f"clients open {self.new_connections_per_second:.0f} connections per second, and "
                f"AWS throttles IAM authentication at {IAM_CONNECTIONS_PER_SECOND}",
                "workload.ramp",
            )


def budget(settings: Settings, measured: Measured | None = None) -> Budget:
    """The budget of an environment; `measured` goes before what its settings say.

    Raises:
        EnvironmentInvalid: nobody knows the instance class, or a parameter is no number.
    """
    database, workers, workload = settings.database, settings.workers, settings.workload
    pool = settings.proxy.connection_pool
    per_instance = workers.processes_per_instance * workers.connections_per_process
    lambdas = sum(client.reserved_concurrency for client in settings.lambda_clients)
    rebalancing = max(1, math.ceil(workers.max_size * REBALANCING_MARGIN))
    refresh = _refresh_instances(workers)
    instances = workers.max_size + rebalancing + refresh
    others = settings.proxy.other_client_connections
    clients = instances * per_instance + lambdas + others
    maximum, source, origin = _max_connections(database, measured)
    return Budget(
        max_instances=workers.max_size,
        rebalancing_instances=rebalancing,
        refresh_instances=refresh,
        connections_per_instance=per_instance,
        worker_connections=instances * per_instance,
        lambda_connections=lambdas,
        other_client_connections=others,
        starting_connections=min(workers.min_size, workers.max_size) * per_instance,
        instance_class=database.instance_class,
        max_connections=maximum,
        max_connections_source=source,
        max_connections_origin=origin,
        reserved_connections=sum(
            _parameter(database, name, str(default)) for name, default in RESERVED.items()
        ),
        direct_connections=database.direct_connections,
        other_proxies_connections=maximum * database.other_proxies_percent // 100,
        pool_percent=pool.max_connections_percent,
        pinned_connections=math.ceil(clients * workload.pinned_fraction) if workload else 0,
        has_workload=workload is not None,
        transactions_per_second=workload.peak_transactions_per_second if workload else 0.0,
        mean_transaction_seconds=workload.mean_transaction_ms / 1000 if workload else 0.0,
        variability=workload.variability if workload else 1.0,
        ramp_seconds=float(workload.ramp.seconds) if workload else 0.0,
        borrow_timeout_seconds=float(pool.connection_borrow_timeout.seconds),
        idle_client_timeout_seconds=float(settings.proxy.idle_client_timeout.seconds),
        iam_authentication=settings.proxy.iam_auth == "REQUIRED",
    )


def _refresh_instances(workers: Workers) -> int:
    """EC2 Auto Scaling API, RefreshPreferences: a percentage of the desired capacity."""
    above = workers.instance_refresh.max_healthy_percentage - 100
    return math.ceil(workers.max_size * above / 100)


def _max_connections(database: Database, measured: Measured | None) -> tuple[int, Source, str]:
    """max_connections, and where it is from: what is surest goes first."""
    written = database.parameters.get("max_connections", "")
    if measured:
        source: Source = "measured" if measured.exact else "estimate"
        return measured.max_connections, source, measured.origin
    if written.isdecimal():
        return int(written), "parameter", "database.parameters.max_connections"
    if database.measured_max_connections is not None:
        known = database.measured_max_connections
        return known, "setting", "database.measured_max_connections"
    memory = instance_class(database.instance_class).available_bytes
    number = _parameter(database, "max_connections", DEFAULT_FORMULA, memory)
    formula = written or DEFAULT_FORMULA
    origin = formula.replace("DBInstanceClassMemory", f"{memory / 2**30:.3g} GiB")
    return number, "estimate", origin


def _parameter(database: Database, name: str, default: str, memory_bytes: int = 0) -> int:
    formula = database.parameters.get(name, default)
    try:
        return evaluate(formula, memory_bytes)
    except ValueError:
        raise EnvironmentInvalid(
            f"database.parameters.{name}: {formula!r} is no number and no formula of RDS",
            hint=f"write a number in quotes, or remove it: RDS takes {default}",
        ) from None
