"""All the clients of a storm, spread over a few processes."""

import asyncio
import json
import os
import random
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nexusctl.errors import ToolUnfit
from nexusctl.rehearsal.clients import REFUSED
from nexusctl.rehearsal.stage import MODULE, Stage
from nexusctl.rehearsal.traffic import Transaction

CLIENTS_PER_PROCESS = 250
MOST_PROCESSES = 4
LINE_LIMIT = 2**24  # bytes of one report
LEAD = 0.2  # seconds from a command to its beginning, so that all processes have read it


class Opening(NamedTuple):
    """One client's attempt to connect: when, how long it took, why it failed."""

    at: float
    took: float
    failure: str | None


class Served(NamedTuple):
    """One transaction: when asked for, how long until it had a server, and until it was over."""

    at: float
    waited: float
    took: float
    failure: str | None

    @property
    def refused(self) -> bool:
        """Whether its client had no connection to begin with."""
        return self.failure == REFUSED


@dataclass
class Crowd:
    """Clients of one server. `connections` and `transactions` grow while they are at it."""

    processes: Sequence[Process]
    connections: list[Opening] = field(default_factory=list)
    transactions: list[Served] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def gather(cls, stage: Stage, address: str, clients: int) -> AsyncIterator["Crowd"]:
        """Processes enough for so many clients, gone when the block is left."""
        wanted = -(-clients // CLIENTS_PER_PROCESS)
        count = min(wanted, os.cpu_count() or 1, MOST_PROCESSES)
        processes = [
            await asyncio.create_subprocess_exec(
                *(*MODULE, "nexusctl.rehearsal.clients"),
                stdin=PIPE,
                stdout=PIPE,
                limit=LINE_LIMIT,
                process_group=stage.group,
                cwd=stage.directory,
            )
            for _ in range(count)
        ]
        for process in processes:
            await _tell(process, {"address": address, "password": stage.password})
        try:
            yield cls(processes)
        finally:
            for process in processes:
                if process.returncode is None:
                    process.kill()
                await process.wait()

    async def open(self, clients: int, ramp: float) -> float:
        """Connect so many clients, evenly over `ramp` seconds; returns when it began.

        Raises:
            ToolUnfit: one of the processes ended by itself; so does `ask`.
        """
        return await self._all("open", [number * ramp / clients for number in range(clients)])

    async def ask(self, transactions: Sequence[Transaction], *, overhead: float = 0.0) -> float:
        """Ask for transactions, each at its time; returns when it began.

        `overhead` is how much longer a server is held than the transaction asks it to sleep. Sleeps
        are whole milliseconds, up or down by chance, so that their mean is right.
        """
        chance = random.Random(1)
        asked = [
            (each.at, _whole_milliseconds(each.hold - overhead, chance)) for each in transactions
        ]
        return await self._all("ask", asked)

    async def _all(self, what: str, work: Sequence[Any]) -> float:
        at = time.time() + LEAD
        count = len(self.processes)
        try:
            async with asyncio.TaskGroup() as group:
                for number, process in enumerate(self.processes):
                    command = {"do": what, "at": at, "what": work[number::count]}
                    group.create_task(self._one(process, command))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return at

    async def _one(self, process: Process, command: dict[str, Any]) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        await _tell(process, command)
        while line := await process.stdout.readline():
            happened = json.loads(line)
            self.connections += map(Opening._make, happened["connections"])
            self.transactions += map(Served._make, happened["transactions"])
            if happened["done"]:
                return
        raise _ended()


async def _tell(process: Process, message: dict[str, Any]) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    try:
        process.stdin.write(json.dumps(message).encode() + b"\n")
        await process.stdin.drain()
    except ConnectionError as error:
        raise _ended() from error


def _ended() -> ToolUnfit:
    return ToolUnfit(
        "a process of the rehearsal's clients ended by itself",
        hint="where memory is short the kernel ends processes; fewer clients: --clients or --scale",
    )


def _whole_milliseconds(seconds: float, chance: random.Random) -> float:
    return int(max(seconds, 0) * 1000 + chance.random()) / 1000
