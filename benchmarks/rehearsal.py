"""Whether the model of waiting is right: predicted, and measured on a real database and pooler."""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.measure import Row
from benchmarks.project import Project
from nexusctl.rehearsal.acts import Act
from nexusctl.rehearsal.find import find_programs
from nexusctl.rehearsal.postgres import Postgres
from nexusctl.rehearsal.rehearsal import Pooled
from nexusctl.rehearsal.stage import Stage
from nexusctl.rehearsal.storm import Storm

SECONDS = 12.0
SATURATED_SECONDS = 6.0
CLIENTS = 150
OVERLOAD = 1.3
WAIT_LIMIT = 0.15  # of what is predicted
THROUGHPUT_LIMIT = 0.05
SHORTEST = 0.002  # seconds: shorter waits are not claimed


@dataclass(frozen=True)
class Point:
    """One point of the grid."""

    servers: int
    hold: float  # seconds
    utilisation: float
    variability: float = 1.0

    @property
    def storm(self) -> Storm:
        """The storm that has such a queue."""
        return Storm(
            clients=CLIENTS,
            max_connections=self.servers,
            servers=self.servers,
            transactions_per_second=self.utilisation * self.servers / self.hold,
            mean_transaction_seconds=self.hold,
            variability=self.variability,
            ramp_seconds=1.0,
            borrow_timeout_seconds=300,
            idle_client_timeout_seconds=1800,
        )

    def __str__(self) -> str:
        return (
            f"{self.servers:>2} × {self.hold * 1000:>3.0f} ms, {self.utilisation:.0%} busy, "
            f"variability {self.variability:g}"
        )


GRID = (
    Point(5, 0.02, 0.8),
    Point(5, 0.05, 0.7),
    Point(10, 0.02, 0.9),
    Point(10, 0.05, 0.8),
    Point(10, 0.05, 0.8, 0.5),
    Point(10, 0.05, 0.8, 1.5),
    Point(20, 0.05, 0.9),
    Point(20, 0.1, 0.8),
    Point(40, 0.1, 0.9),
)
SATURATED = (Point(10, 0.02, OVERLOAD), Point(20, 0.05, OVERLOAD), Point(40, 0.1, OVERLOAD))


def rehearsal(_project: Project) -> Iterator[Row]:
    """The mean wait over a grid of pools below saturation, and the throughput beyond it."""
    with _undisturbed():
        acts = asyncio.run(_measure((*GRID, *SATURATED)))
    for point, act in zip(GRID, acts, strict=False):
        predicted, measured = point.storm.queue.mean_wait_seconds, act.mean_wait
        limit = WAIT_LIMIT if predicted > SHORTEST else None
        what = f"wait, {point}: {predicted * 1e3:.1f} ms, measured {measured * 1e3:.1f} ms"
        yield Row("rehearsal", what, (abs(measured / predicted - 1),), "%", limit)
    for point, act in zip(SATURATED, acts[len(GRID) :], strict=True):
        predicted, measured = point.storm.queue.saturation_per_second, act.throughput
        what = f"throughput, {point}: {predicted:.0f}/s, measured {measured:.1f}/s"
        yield Row("rehearsal", what, (abs(measured / predicted - 1),), "%", THROUGHPUT_LIMIT)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Real-time priority for all that is measured, where that can be had (on Linux as root).

    A transaction of 20 ms that is let down for 1 ms by other work on the machine, at 90 % of the
    pool busy, makes the wait half as long again: the model says so. What is in question is whether
    the model is right, not how busy the machine is.
    """
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        print("  no real-time priority: other work on this machine disturbs", file=sys.stderr)
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))


async def _measure(points: Sequence[Point]) -> list[Act]:
    """Each point's storm, one after the other before the same database."""
    programs = find_programs()
    acts = []
    with Stage.set_up() as stage:
        most = max(point.servers for point in points) + CLIENTS
        postgres = await Postgres.start(stage, programs, max_connections=most)
        for point in points:
            seconds = SECONDS if point.utilisation < 1 else SATURATED_SECONDS
            async with Pooled.connect(point.storm, postgres, programs) as pooled:
                overheads = await pooled.calibrate()
                before = await pooled.pooler.totals()
                acts.append(await pooled.steady(seconds))
                held = (await pooled.pooler.totals()).mean_hold_since(before)
            print(
                f"  {point}: overheads {overheads.wait * 1e3:.2f} and {overheads.hold * 1e3:.2f} "
                f"ms, held {held * 1e3:.2f} ms",
                file=sys.stderr,
            )
    return acts
