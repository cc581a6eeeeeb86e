"""The clients: `python -m nexusctl.rehearsal.clients`, a process with thousands of connections.

Commands come as lines of JSON on standard input, results go as lines of JSON to standard output;
`crowd.py` is the other end. Times are those of the system's clock, which the database shares.
"""

import asyncio
import json
import random
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

REPORT_EVERY = 0.1  # seconds
PAUSE = 0.1  # seconds before a lost connection is opened anew
REFUSED = "no connection"

# In one message, so that the time for which a server is held is the database's own and no delay
# of this process lengthens it. The database says when the transaction began to be served.
TRANSACTION = (
    "BEGIN; SELECT extract(epoch FROM clock_timestamp())::float8, pg_sleep({seconds}); COMMIT"
)
# pg_sleep rounds up to whole milliseconds. A little less than what is wanted is rounded to it.
ROUNDING = 0.0003


@dataclass
class Clients:
    """Some of the storm's clients: each is idle, or in a transaction, or was refused."""

    address: str
    password: str
    idle: deque[psycopg.AsyncConnection] = field(default_factory=deque)
    asking: deque["asyncio.Future[psycopg.AsyncConnection]"] = field(default_factory=deque)
    connected: int = 0
    refused: int = 0
    connections: list[tuple[float, float, str | None]] = field(default_factory=list)
    transactions: list[tuple[float, float, float, str | None]] = field(default_factory=list)

    async def open(self, at: float, offsets: list[float]) -> None:
        """Open a connection at each of the offsets from the time `at`, and keep it."""
        async with asyncio.TaskGroup() as group:
            for offset in offsets:
                await sleep_until(at + offset)
                group.create_task(self._open())

    async def ask(self, at: float, transactions: list[tuple[float, float]]) -> None:
        """Ask for transactions, each at its offset from `at`, whether or not earlier ones ended."""
        chance = random.Random(0)
        async with asyncio.TaskGroup() as group:
            for offset, hold in transactions:
                await sleep_until(at + offset)
                if chance.random() * (self.connected + self.refused) < self.refused:
                    self.transactions.append((time.time(), 0.0, 0.0, REFUSED))
                else:
                    group.create_task(self._transact(hold))

    async def _open(self) -> None:
        asked = time.time()
        try:
            connection = await self._connect()
        except psycopg.OperationalError as error:
            self.refused += 1
            self.connections.append((asked, time.time() - asked, reason(error)))
        else:
            self.connected += 1
            self.connections.append((asked, time.time() - asked, None))
            self._rest(connection)

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            self.address, password=self.password, autocommit=True, prepare_threshold=None
        )

    async def _transact(self, hold: float) -> None:
        asked = time.time()
        if self.idle:
            connection = self.idle.popleft()
        else:
            self.asking.append(asyncio.get_running_loop().create_future())
            connection = await self.asking[-1]
        began, failure = asked, None
        try:
            seconds = max(hold - ROUNDING, 0)
            cursor = await connection.execute(TRANSACTION.format(seconds=seconds).encode())
            cursor.nextset()
            ((began, _),) = await cursor.fetchall()
        except psycopg.Error as error:
            failure = reason(error)
        ended = time.time()
        self.transactions.append((asked, began - asked, ended - asked, failure))
        self._rest(await self._anew() if connection.broken or connection.closed else connection)

    async def _anew(self) -> psycopg.AsyncConnection:
        while True:
            with suppress(psycopg.OperationalError):
                return await self._connect()
            await asyncio.sleep(PAUSE)

    def _rest(self, connection: psycopg.AsyncConnection) -> None:
        if self.asking:
            self.asking.popleft().set_result(connection)
        else:
            self.idle.append(connection)


def reason(error: psycopg.Error) -> str:
    """What the server said, without what the client library puts around it."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    fatal = [line for line in said if "FATAL:" in line]
    return (fatal or said)[-1].rpartition("FATAL:")[2].strip()


async def sleep_until(moment: float) -> None:
    """Sleep, unless it is too late already."""
    if (left := moment - time.time()) > 0:
        await asyncio.sleep(left)


async def main() -> None:
    """Carry out the commands on standard input until it ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**30)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    greeting = json.loads(await lines.readline())
    clients = Clients(greeting["address"], greeting["password"])
    while line := await lines.readline():
        command = json.loads(line)
        work = clients.open if command["do"] == "open" else clients.ask
        task = asyncio.create_task(work(command["at"], command["what"]))
        while not task.done():
            await asyncio.wait([task], timeout=REPORT_EVERY)
            report(clients, done=task.done())
        task.result()


def report(clients: Clients, *, done: bool) -> None:
    """Write what has happened since the last report."""
    happened: dict[str, Any] = {
        "connections": clients.connections,
        "transactions": clients.transactions,
        "done": done,
    }
    sys.stdout.write(json.dumps(happened) + "\n")
    sys.stdout.flush()
    clients.connections, clients.transactions = [], []


if __name__ == "__main__":
    asyncio.run(main())
