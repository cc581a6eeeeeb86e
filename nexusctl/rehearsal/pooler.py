"""pgbouncer in transaction mode, the stand-in of RDS Proxy in a rehearsal."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg

from nexusctl.errors import ToolUnfit
from nexusctl.rehearsal.find import Programs
from nexusctl.rehearsal.postgres import CLIENT, DATABASE, OBSERVER, Postgres, address
from nexusctl.rehearsal.stage import HOST, Stage, free_port
from nexusctl.rehearsal.storm import Storm

CONSOLE = "pgbouncer"  # the database that is pgbouncer's own console
PATIENCE = 10.0  # seconds for a start
POLL = 0.02  # seconds
SENT = 0.002  # seconds: by then a command is on its way
# Spare connections for calibration and for clients that connect anew.
SPARE_CLIENTS = 100


def configuration(storm: Storm, *, port: int, postgres: Postgres, users: Path) -> str:
    """The text of pgbouncer.ini."""
    certificate = postgres.stage.certificate
    settings = {
        "listen_addr": HOST,
        "listen_port": port,
        "unix_socket_dir": "",
        "listen_backlog": 4096,
        "pool_mode": "transaction",
        "default_pool_size": storm.servers,
        "max_client_conn": storm.clients + SPARE_CLIENTS,
        # The borrow timeout. 0 would mean no limit to pgbouncer, and means no waiting to RDS Proxy.
        "query_wait_timeout": max(storm.borrow_timeout_seconds, 0.001),
        "client_idle_timeout": storm.idle_client_timeout_seconds,
        # Servers stay open for the length of a rehearsal, and a lost database is tried again soon.
        "server_idle_timeout": 0,
        "server_login_retry": 0.1,
        "auth_type": "scram-sha-256",
        "auth_file": users,
        "admin_users": OBSERVER,
        "client_tls_sslmode": "require",
        "client_tls_cert_file": certificate.chain,
        "client_tls_key_file": certificate.key,
        "server_tls_sslmode": "verify-full",
        "server_tls_ca_file": certificate.authority,
        "log_connections": 0,
        "log_disconnections": 0,
        "log_stats": 0,
    }
    database = f"{DATABASE} = host={HOST} port={postgres.port} dbname={DATABASE}"
    lines = (f"{name} = {value}" for name, value in settings.items())
    return "\n".join(["[databases]", database, "[pgbouncer]", *lines, ""])


@dataclass(frozen=True, slots=True)
class Pooler:
    """A running pgbouncer; made by `run`."""

    stage: Stage
    port: int
    process: "subprocess.Popen[bytes]"
    console: psycopg.AsyncConnection

    @classmethod
    @asynccontextmanager
    async def run(
        cls, storm: Storm, postgres: Postgres, programs: Programs
    ) -> AsyncIterator["Pooler"]:
        """A pgbouncer before a running PostgreSQL, gone with its connections after the block.

        Raises:
            ToolUnfit: it does not start.
        """
        stage, port = postgres.stage, free_port()
        verifiers = await postgres.password_verifiers()
        lines = (f'"{user}" "{verifier}"\n' for user, verifier in verifiers)
        users = stage.write("users.txt", "".join(lines))
        text = configuration(storm, port=port, postgres=postgres, users=users)
        process = stage.start([programs.pgbouncer, stage.write("pgbouncer.ini", text)])
        try:
            async with await _connect(stage, port, process) as console:
                yield cls(stage, port, process, console)
        finally:
            process.kill()
            process.wait()

    @property
    def address(self) -> str:
        """How clients connect, without the password."""
        return address(self.stage, self.port, CLIENT, DATABASE)

    async def database_and_waiting(self) -> tuple[int, int]:
        """How many connections to the database are open, and how many clients wait for one."""
        pool = await self._show("POOLS", user=CLIENT)
        servers = ("sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login")
        return sum(pool.get(state, 0) for state in servers), pool.get("cl_waiting", 0)

    async def totals(self) -> "Totals":
        """What the pooler has counted since it started."""
        stats = await self._show("STATS")
        return Totals(
            stats.get("total_xact_count", 0),
            stats.get("total_xact_time", 0) / 1e6,
            stats.get("total_wait_time", 0) / 1e6,
        )

    @asynccontextmanager
    async def holding_clients(self) -> AsyncIterator[None]:
        """Let clients wait, while the block runs, for a database that is about to go away.

        RDS Proxy does so by itself. pgbouncer would turn clients away once it has failed to log in
        to the database, so it is told to pause.
        """
        async with await _connect(self.stage, self.port, self.process) as console:
            # It pauses at once, and answers when no transaction is under way any more.
            pause = asyncio.create_task(console.execute(f"PAUSE {DATABASE}".encode()))
            await asyncio.sleep(SENT)
            yield
            await pause
            await console.execute(f"RESUME {DATABASE}".encode())

    async def version(self) -> str:
        """Such as `PgBouncer 1.18.0`."""
        cursor = await self.console.execute("SHOW VERSION")
        ((version,),) = await cursor.fetchall()
        return str(version)

    async def _show(self, what: str, **conditions: str) -> Mapping[str, int]:
        """The numbers in the row of our database, or none if there is no such row yet."""
        cursor = await self.console.execute(f"SHOW {what}".encode())
        names = [column.name for column in cursor.description or ()]
        for row in await cursor.fetchall():
            entry = dict(zip(names, row, strict=True))
            if {"database": DATABASE, **conditions}.items() <= entry.items():
                numbers = ((k, v) for k, v in entry.items() if isinstance(v, int | Decimal))
                return {name: int(number) for name, number in numbers}
        return {}


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all transactions: their number, the time of clients in them, and thereof waiting.

    Times are in seconds. pgbouncer counts a transaction's time from when it was asked for.
    """

    transactions: int
    in_transactions: float
    waiting: float

    def mean_hold_since(self, earlier: "Totals") -> float:
        """How long, on average, transactions since then have held a server, in seconds."""
        asked = self.in_transactions - earlier.in_transactions
        waited = self.waiting - earlier.waiting
        return (asked - waited) / (self.transactions - earlier.transactions)


async def _connect(
    stage: Stage, port: int, process: "subprocess.Popen[bytes]"
) -> psycopg.AsyncConnection:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await psycopg.AsyncConnection.connect(
                address(stage, port, OBSERVER, CONSOLE),
                password=stage.password,
                autocommit=True,
                prepare_threshold=None,  # the console has no extended protocol
            )
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = stage.log("pgbouncer") or str(error)
                raise ToolUnfit(f"pgbouncer does not start: {said}") from None
        await asyncio.sleep(POLL)
