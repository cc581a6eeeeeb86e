"""The rehearsal: three acts of a storm on a real database, measured."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from statistics import fmean

from nexusctl.rehearsal.acts import Act, Outage, Overheads, Sample
from nexusctl.rehearsal.crowd import Crowd, Served
from nexusctl.rehearsal.find import Programs
from nexusctl.rehearsal.machine import Fitted
from nexusctl.rehearsal.pooler import Pooler
from nexusctl.rehearsal.postgres import Postgres
from nexusctl.rehearsal.stage import Stage
from nexusctl.rehearsal.storm import Storm
from nexusctl.rehearsal.traffic import Load, Transaction

DIRECT = "straight to the database"
POOLED = "through the pooler"
RESTART = "while the database restarts"
ACTS = (DIRECT, POOLED, RESTART)

SAMPLE_EVERY = 0.1  # seconds
WARM_UP = 1.0  # seconds of transactions that are not counted
CALIBRATION_SECONDS = 2.0
CALIBRATION_HOLD = 0.02  # seconds
CALM_SECONDS = 2.0  # of the third act, before the database stops
OUTAGE_SECONDS = 2.0
USUAL_SAMPLES = 50  # 5 s: how many clients wait when nothing is the matter
SECONDS_TO_CONNECT = 0.01
FILLING_ATTEMPTS = 5
LONGEST_RECOVERY = 15.0  # seconds to wait for

OnSample = Callable[[str, Sample], None]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of a rehearsal. `versions` are those of PostgreSQL and pgbouncer."""

    fitted: Fitted
    versions: tuple[str, str]
    overheads: Overheads
    acts: tuple[Act, ...]

    @property
    def storm(self) -> Storm:
        """The storm that was made."""
        return self.fitted.storm


async def rehearse(
    fitted: Fitted,
    programs: Programs,
    *,
    seconds: float,
    on_sample: OnSample = lambda _act, _sample: None,
) -> Rehearsal:
    """Play all three acts.

    Clients connect over the storm's ramp, then transactions come for `seconds` in each act (longer
    in the third, if recovery is expected to take longer). `on_sample` is called ten times a second
    with the title of the act and the state of things.

    Raises:
        ToolUnfit: PostgreSQL or pgbouncer does not do its part.
    """
    storm = fitted.storm
    with Stage.set_up() as stage:
        postgres = await Postgres.start(stage, programs, max_connections=storm.max_connections)
        direct = await _straight_to_the_database(storm, postgres, seconds, on_sample)
        async with Pooled.connect(storm, postgres, programs, on_sample) as pooled:
            overheads = await pooled.calibrate()
            acts = (direct, await pooled.steady(seconds), await pooled.restart(seconds))
            versions = (await postgres.version(), await pooled.pooler.version())
    return Rehearsal(fitted, versions, overheads, acts)


def load_of(storm: Storm) -> Load:
    """The transactions of a storm."""
    return Load(storm.transactions_per_second, storm.mean_transaction_seconds, storm.variability)


async def _straight_to_the_database(
    storm: Storm, postgres: Postgres, seconds: float, on_sample: OnSample
) -> Act:
    """The first act: every client has a connection of its own, or is refused one."""
    async with (
        await postgres.observer() as observer,
        Crowd.gather(postgres.stage, postgres.address(), storm.clients) as crowd,
    ):

        async def look() -> tuple[int, int]:
            rows = await observer.execute("SELECT sum(numbackends) - 1 FROM pg_stat_database")
            ((connections,),) = await rows.fetchall()
            return int(connections), 0

        async with _sampling(crowd, look, lambda each: on_sample(DIRECT, each)) as samples:
            await crowd.open(storm.clients, storm.ramp_seconds)
            # Nobody waits for a server of his own; any stretch is as good as another.
            began = await crowd.ask(load_of(storm).stretch(seconds))
        openings, transactions = tuple(crowd.connections), tuple(crowd.transactions)
        return Act(DIRECT, openings, transactions, tuple(samples), began, seconds)


@dataclass
class Pooled:
    """A storm's clients, connected to the pooler before the database: acts two and three."""

    storm: Storm
    postgres: Postgres
    pooler: Pooler
    crowd: Crowd
    samples: Sequence[Sample]
    title: str = POOLED
    overheads: Overheads = field(default_factory=Overheads)

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        storm: Storm,
        postgres: Postgres,
        programs: Programs,
        on_sample: OnSample = lambda _act, _sample: None,
    ) -> AsyncIterator["Pooled"]:
        """Start a pooler and connect the clients to it over the storm's ramp."""
        async with (
            Pooler.run(storm, postgres, programs) as pooler,
            Crowd.gather(postgres.stage, pooler.address, storm.clients) as crowd,
        ):
            tell: Callable[[Sample], None] = lambda each: on_sample(pooled.title, each)  # noqa: E731
            async with _sampling(crowd, pooler.database_and_waiting, tell) as samples:
                pooled = cls(storm, postgres, pooler, crowd, samples)
                await crowd.open(storm.clients, storm.ramp_seconds)
                yield pooled

    async def calibrate(self) -> Overheads:
        """Measure what pooler, client and machine cost by themselves; it is allowed for afterwards.

        Transactions come as often as in the storm, since the cost depends on that, but are so
        short that nobody waits.
        """
        await self._fill_pool()
        storm = self.storm
        rate = min(storm.transactions_per_second, 0.5 * storm.servers / CALIBRATION_HOLD)
        before = await self.pooler.totals()
        _, served = await self._ask(Load(rate, CALIBRATION_HOLD, 0.0).stretch(CALIBRATION_SECONDS))
        hold = (await self.pooler.totals()).mean_hold_since(before)
        waits = sorted(each.waited for each in served)
        slow = waits[int(0.99 * len(waits))]
        self.overheads = Overheads(fmean(waits), slow, hold - CALIBRATION_HOLD)
        return self.overheads

    async def _fill_pool(self) -> None:
        """Have the pooler connect to the database as often as the storm's transactions will need.

        It connects when somebody waits, once at a time: many ask at once, and hold on for a while.
        """
        storm = self.storm
        needed = min(storm.servers, round(1.5 * storm.queue.load) + 10, storm.clients)
        for attempt in range(1, FILLING_ATTEMPTS + 1):
            hold = SECONDS_TO_CONNECT * needed * attempt
            await self._ask([Transaction(0.0, hold)] * needed)
            connections, _ = await self.pooler.database_and_waiting()
            if connections >= needed:
                return

    async def steady(self, seconds: float) -> Act:
        """The second act: transactions at the storm's rate for so long."""
        self.title = POOLED
        traffic = await asyncio.to_thread(
            load_of(self.storm).sample, WARM_UP + seconds, self.storm.servers, warm_up=WARM_UP
        )
        began, served = await self._ask(traffic)
        return self._act(served, began + WARM_UP, seconds)

    async def restart(self, seconds: float) -> Act:
        """The third act: after a while the database stops, and starts again."""
        self.title = RESTART
        spare = max(1 - self.storm.queue.utilisation, OUTAGE_SECONDS / LONGEST_RECOVERY)
        seconds = max(seconds, CALM_SECONDS + OUTAGE_SECONDS + 1.5 * OUTAGE_SECONDS / spare)
        usual = max((each.waiting for each in self.samples[-USUAL_SAMPLES:]), default=0)
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self._ask(load_of(self.storm).stretch(seconds)))
            outage = group.create_task(self._outage())
        (began, served), (stopped, back) = asking.result(), outage.result()
        calm = (each.at for each in self.samples if each.at > back and each.waiting <= usual)
        return self._act(served, began, seconds, Outage(stopped, back, next(calm, None)))

    async def _outage(self) -> tuple[float, float]:
        """Restart the database; when it stopped and when it was back."""
        await asyncio.sleep(CALM_SECONDS)
        async with self.pooler.holding_clients():
            stopped = time.time()
            await self.postgres.stop()
            await asyncio.sleep(stopped + OUTAGE_SECONDS - time.time())
            self.postgres.launch()
            await (await self.postgres.observer()).close()
        return stopped, time.time()

    async def _ask(self, transactions: Sequence[Transaction]) -> tuple[float, list[Served]]:
        """Have transactions served, to the last, overheads allowed for; when they began."""
        self.crowd.transactions.clear()
        began = await self.crowd.ask(transactions, overhead=self.overheads.hold)
        return began, [
            each._replace(waited=max(each.waited - self.overheads.wait, 0.0))
            for each in self.crowd.transactions
        ]

    def _act(
        self, served: Sequence[Served], began: float, seconds: float, outage: Outage | None = None
    ) -> Act:
        openings = tuple(self.crowd.connections) if self.title == POOLED else ()
        first = min((each.at for each in openings), default=began)
        samples = tuple(each for each in self.samples if each.at >= first)
        return Act(self.title, openings, tuple(served), samples, began, seconds, outage)


@asynccontextmanager
async def _sampling(
    crowd: Crowd,
    look: Callable[[], Awaitable[tuple[int, int]]],
    tell: Callable[[Sample], None],
) -> AsyncIterator[list[Sample]]:
    """Sample the state while the block runs; `look` gives database connections and who waits."""
    samples: list[Sample] = []

    async def sample() -> None:
        while True:
            connections, waiting = await look()
            refused = sum(each.failure is not None for each in crowd.connections)
            connected = len(crowd.connections) - refused
            served = sum(each.failure is None for each in crowd.transactions)
            samples.append(Sample(time.time(), connected, refused, connections, waiting, served))
            tell(samples[-1])
            await asyncio.sleep(SAMPLE_EVERY)

    task = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
