"""The throw-away PostgreSQL of a rehearsal."""

import asyncio
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT

import psycopg
from psycopg.conninfo import make_conninfo

from nexusctl.errors import ToolUnfit
from nexusctl.rehearsal.find import Programs
from nexusctl.rehearsal.stage import HOST, Stage, free_port

DATABASE = "rehearsal"
OBSERVER = "observer"  # the superuser; watches, and takes a connection that no client can have
CLIENT = "client"
PATIENCE = 30.0  # seconds for a start
POLL = 0.02  # seconds


def configuration(*, port: int, max_connections: int, stage: Stage) -> str:
    """The text of postgresql.conf.

    No connections are kept for superusers: RDS keeps some, and `max_connections` is what is left.
    """
    certificate = stage.certificate
    settings = {
        "listen_addresses": f"'{HOST}'",
        "port": port,
        "unix_socket_directories": "''",
        "max_connections": max_connections + 1,
        "superuser_reserved_connections": 0,
        "ssl": "on",
        "ssl_min_protocol_version": "'TLSv1.2'",
        "ssl_cert_file": f"'{certificate.chain}'",
        "ssl_key_file": f"'{certificate.key}'",
        "password_encryption": "'scram-sha-256'",
        "shared_buffers": "'32MB'",
        # Nothing but the directory outlives even a power failure, and nothing in it need be right.
        "dynamic_shared_memory_type": "mmap",
        "fsync": "off",
        "max_wal_senders": 0,
        "wal_level": "minimal",
        "autovacuum": "off",
        "jit": "off",
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


# TLS and a password for everybody, over the loopback interface alone.
ACCESS = f"hostssl all all {HOST}/32 scram-sha-256\n"


@dataclass
class Postgres:
    """A PostgreSQL server with a database of its own; made by `start`."""

    stage: Stage
    programs: Programs
    port: int
    process: "subprocess.Popen[bytes]" = field(init=False)

    @classmethod
    async def start(cls, stage: Stage, programs: Programs, *, max_connections: int) -> "Postgres":
        """Make a cluster and start it.

        `max_connections` is what clients can have; the observer has one more for itself.

        Raises:
            ToolUnfit: PostgreSQL does not start.
        """
        server = cls(stage, programs, free_port())
        file = stage.write("password", stage.password)
        stage.run(
            [
                *(programs.initdb, "--pgdata", server.data, "--username", OBSERVER),
                *("--auth", "scram-sha-256", "--pwfile", file),
                *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ]
        )
        file.unlink()
        text = configuration(port=server.port, max_connections=max_connections, stage=stage)
        stage.write("data/postgresql.conf", text)
        stage.write("data/pg_hba.conf", ACCESS)
        server.launch()
        async with await server.observer("postgres") as observer:
            await observer.execute(f"CREATE DATABASE {DATABASE}".encode())
            password, user = stage.password.encode(), CLIENT.encode()
            verifier = observer.pgconn.encrypt_password(password, user, b"scram-sha-256").decode()
            await observer.execute(f"CREATE ROLE {CLIENT} LOGIN PASSWORD '{verifier}'".encode())
        return server

    @property
    def data(self) -> Path:
        """The cluster's directory."""
        return self.stage.directory / "data"

    def launch(self) -> None:
        """Start the server's process."""
        self.process = self.stage.start([self.programs.postgres, "-D", self.data])

    async def stop(self) -> None:
        """Shut it down as a restart does: every connection is closed at once (a fast shutdown)."""
        self.process.send_signal(SIGINT)
        await asyncio.to_thread(self.process.wait)

    async def password_verifiers(self) -> list[tuple[str, str]]:
        """The roles and what their SCRAM passwords are checked against, as PostgreSQL keeps it."""
        async with await self.observer() as observer:
            roles = await observer.execute(
                "SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin"
            )
            return await roles.fetchall()

    async def version(self) -> str:
        """Such as `PostgreSQL 15.18`."""
        async with await self.observer() as observer:
            rows = await observer.execute("SHOW server_version")
            ((version,),) = await rows.fetchall()
        return f"PostgreSQL {version.split()[0]}"

    async def observer(self, database: str = DATABASE) -> psycopg.AsyncConnection:
        """Connect as superuser, as soon as the server lets us.

        Raises:
            ToolUnfit: it does not, or it has ended.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await psycopg.AsyncConnection.connect(
                    self.address(OBSERVER, database), password=self.stage.password, autocommit=True
                )
            except psycopg.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said = self.stage.log("postgres") or str(error)
                    raise ToolUnfit(f"PostgreSQL does not start: {said}") from None
            await asyncio.sleep(POLL)

    def address(self, user: str = CLIENT, database: str = DATABASE) -> str:
        """How to connect, without the password."""
        return address(self.stage, self.port, user, database)


def address(stage: Stage, port: int, user: str, database: str) -> str:
    """A connection string for a server of the stage: TLS, its certificate checked."""
    return make_conninfo(
        host=HOST,
        port=port,
        user=user,
        dbname=database,
        sslmode="verify-full",
        sslrootcert=str(stage.certificate.authority),
        gssencmode="disable",
        connect_timeout=60,
    )
