"""A rehearsal as text and as JSON: what was measured, beside what the budget predicted."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.text import Text

from nexusctl.rehearsal.acts import BORROW_TIMEOUT, Act
from nexusctl.rehearsal.figures import Figure, figures
from nexusctl.rehearsal.machine import Fitted
from nexusctl.rehearsal.rehearsal import Rehearsal
from nexusctl.report.text import duration
from nexusctl.report.visible import visible

NAME_WIDTH = 42
NUMBER_WIDTH = 14
NOTHING = 0.005  # milliseconds
LITTLE = 10  # below it a number of a second or millisecond has a decimal

DIFFERENCES = {
    "Pinning": "RDS Proxy keeps a session on one connection after SET, temporary tables, cursors, "
    "statements over 16 KB and the like. pgbouncer never does: such sessions would break. "
    "The budget counts pinned connections; here they are taken off the pool beforehand.",
    "Failover": "RDS Proxy keeps clients connected and finds the standby, which takes tens of "
    "seconds. Here one database restarts within seconds, pgbouncer is told to hold its clients "
    "meanwhile, and those whose transaction broke off have to connect again.",
    "Authentication": "There IAM tokens and secrets of Secrets Manager, with limits on how many "
    "are checked in a second; here a password (SCRAM), made for the run.",
    "New connections": "pgbouncer opens its connections to the database one after another, so that "
    "a large pool recovers more slowly than predicted, and keeps them; RDS Proxy runs its "
    "initialisation query on each, and closes idle ones.",
    "Borrowing": "pgbouncer is one process with one queue, first come, first served. RDS Proxy is "
    "several nodes in two or more zones that share the pool; how it queues is not documented.",
    "Network": "Everything is on one machine, over the loopback interface; the way between zones "
    "and the proxy itself add time to each statement.",
    "Database": "Transactions sleep for their length: they need connections, but no CPU, disk or "
    "locks.",
}


def rehearsal(name: str, played: Rehearsal) -> Iterator[Text]:
    """The screen of a rehearsal of environment `name`."""
    yield Text()
    yield Text.assemble((visible(name), "bold"), f" · {headline(played)}")
    yield from (Text(line, "dim") for line in conditions(played))
    for number, (act, table) in enumerate(figures(played), 1):
        yield Text()
        yield Text.assemble(
            (f"{number}  {act.title}".ljust(NAME_WIDTH), "bold"),
            ("measured".rjust(NUMBER_WIDTH) + "predicted".rjust(NUMBER_WIDTH), "dim"),
        )
        yield from map(_row, table)
        yield from (
            Text(f"   {count:,} × “{visible(said)}”", "dim") for said, count in said_by_servers(act)
        )
    yield Text()
    for good, sentence in conclusions(played):
        yield Text.assemble(("✓ ", "green") if good else ("✗ ", "red"), sentence)
    yield Text()
    yield Text("what pgbouncer does not share with RDS Proxy", "bold")
    for subject, difference in DIFFERENCES.items():
        yield Text.assemble(f"   {subject}: ", (difference, "dim"))


def headline(played: Rehearsal) -> str:
    """What was rehearsed, with what."""
    storm, (postgres, pgbouncer) = played.storm, played.versions
    return (
        f"a storm of {storm.clients:,} clients on {postgres} (max_connections "
        f"{storm.max_connections:,}) and {pgbouncer} (pool {storm.servers:,})"
    )


def conditions(played: Rehearsal) -> Iterator[str]:
    """Under which conditions, and what they change."""
    yield from _fit(played.fitted)
    storm, overheads = played.storm, played.overheads
    yield (
        f"{storm.transactions_per_second:,.0f} transactions a second of "
        f"{seconds(storm.mean_transaction_seconds)} on average (variability "
        f"{storm.variability:g}), at random, in a stretch typical of the long run: "
        f"{storm.queue.utilisation:.0%} of the pool is busy"
    )
    yield (
        "measured first, where nobody has to wait: client and pooler hand a transaction over in "
        f"{seconds(overheads.wait)}, which is taken off its wait ({seconds(overheads.wait_p99)} at "
        f"p99), and a connection is held {seconds(overheads.hold)} longer than its transaction "
        "sleeps, which is taken off the sleep"
    )


def _fit(fitted: Fitted) -> Iterator[str]:
    storm, declared, scale = fitted.storm, fitted.declared, fitted.scale
    if scale.factor == 1:
        yield f"scale 1: {scale.because}"
    else:
        yield (
            f"scale {scale.factor:.3g} ({scale.because}) of {declared.clients:,} clients, "
            f"{declared.max_connections:,} connections, a pool of {declared.servers:,} and "
            f"{declared.transactions_per_second:,.0f} transactions a second; times are not scaled"
        )
    if storm.ramp_seconds != declared.ramp_seconds:
        yield (
            f"clients connect within {duration(storm.ramp_seconds)}, not "
            f"{duration(declared.ramp_seconds)} as declared"
        )


def _row(figure: Figure) -> Text:
    measured, predicted = (
        number(figure.measured, figure.unit),
        number(figure.predicted, figure.unit),
    )
    limit = "≤ " if figure.at_most else ""
    return Text(
        f"   {figure.name:<{NAME_WIDTH - 3}}{measured:>{NUMBER_WIDTH}}"
        f"{limit + predicted:>{NUMBER_WIDTH}}"
    )


def number(value: float | None, unit: str) -> str:
    """A figure for people: `1,050`, `398.2/s`, `5.4 ms`; a dash where there is none."""
    if value is None:
        return "never"
    if unit == "s":
        return seconds(value)
    return f"{value:,.1f}{unit}" if unit else f"{value:,.0f}"


def seconds(value: float) -> str:
    """A time from microseconds to minutes: `0.31 ms`, `5.4 ms`, `41 ms`, `2.1 s`."""
    milliseconds = value * 1000
    if milliseconds < NOTHING:
        return "0 ms"
    if milliseconds < 1:
        return f"{milliseconds:.2f} ms"
    if milliseconds < LITTLE:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if value < 1 else f"{value:.1f} s"


def said_by_servers(act: Act) -> Iterator[tuple[str, int]]:
    """The errors that clients got in an act, the commonest first."""
    yield from act.refusals.most_common()
    yield from act.failures.most_common()


def conclusions(played: Rehearsal) -> Iterator[tuple[bool, str]]:
    """What the three acts have shown, and whether that is good."""
    direct, pooled, restart = played.acts
    clients = len(direct.openings)
    refused = sum(direct.refusals.values())
    yield (
        not refused,
        f"straight to the database, {refused:,} of {clients:,} clients are refused"
        if refused
        else f"the database has room for all {clients:,} clients even without the pooler",
    )
    refused, late = sum(pooled.refusals.values()), pooled.failures[BORROW_TIMEOUT]
    yield (
        not refused and not late,
        f"through the pooler {clients - refused:,} of {clients:,} are served, over "
        f"{pooled.peak_database_connections:,} database connections; "
        + (f"{late:,} transactions waited too long" if late else _waits(pooled)),
    )
    outage = restart.outage
    assert outage is not None  # noqa: S101 - the third act has one
    recovered = outage.recovered
    late = restart.failures[BORROW_TIMEOUT]
    longest = f"clients wait for it, {seconds(restart.wait_quantile(1))} at most"
    yield (
        recovered is not None and not late,
        f"while the database restarts ({seconds(outage.back - outage.stopped)}) {longest}; "
        + (f"{late:,} waited too long; " if late else "")
        + (
            "the queue does not come down again"
            if recovered is None
            else f"{seconds(recovered - outage.back)} later nobody is behind"
        ),
    )


def _waits(act: Act) -> str:
    return (
        f"waits are {seconds(act.mean_wait)} on average, {seconds(act.wait_quantile(0.99))} at p99"
    )


def document(name: str, played: Rehearsal) -> dict[str, Any]:
    """The rehearsal as JSON. Times are in seconds, those of samples from the beginning of the
    act's transactions."""
    fitted = played.fitted
    return {
        "format": "nexusctl/rehearsal",
        "version": 1,
        "environment": name,
        "programs": list(played.versions),
        "scale": asdict(fitted.scale),
        "declared": asdict(fitted.declared),
        "rehearsed": asdict(fitted.storm),
        "overheads": asdict(played.overheads),
        "acts": [
            {
                "title": act.title,
                "figures": [asdict(figure) for figure in table],
                "errors": dict(said_by_servers(act)),
                "samples": [
                    sample._replace(at=round(sample.at - act.began, 3))._asdict()
                    for sample in act.samples
                ],
            }
            for act, table in figures(played)
        ],
        "conclusions": [sentence for _, sentence in conclusions(played)],
        "differences": DIFFERENCES,
    }
