"""A connection budget as text and as JSON."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.text import Text

from nexusctl.capacity.advice import Advice
from nexusctl.capacity.budget import HEADROOM, IAM_CONNECTIONS_PER_SECOND, POOL_PERCENT, Budget
from nexusctl.environment.environment import Environment
from nexusctl.report.findings import relative
from nexusctl.report.visible import visible

_LABEL, _NUMBER, _BAR, _PATH = 23, 8, 26, 46
_QUANTILES = (0.5, 0.95, 0.99)
_NOTHING_MS, _SECOND_MS, _TENTH = 0.001, 1000, 0.1
_CERTAINTY = {
    "measured": "measured",
    "setting": "measured, as written",
    "parameter": "as written",
    "estimate": "an estimate",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One number: what it is, how much, where its bar begins and ends, and how it came about."""

    label: str
    number: int
    how: str
    begin: int | None = None
    style: str = ""

    def line(self, scale: float) -> Text:
        """The row on one line; `scale` is the number at the bar's right end."""
        bold = "bold" if self.label.startswith("=") else ""
        bar = "" if self.begin is None else _bar(self.begin, self.begin + self.number, scale)
        return Text.assemble(
            (f"  {self.label:<{_LABEL}}", bold),
            (f"{self.number:>{_NUMBER}}", bold),
            "  ",
            (f"{bar:<{_BAR}}", self.style),
            "  ",
            (self.how, "dim"),
        )


def budget(environment: Environment, made: Budget, advice: Advice) -> Iterator[Text]:
    """The screen: clients, the database without and with the proxy, the load, and the verdict."""
    yield Text.assemble(
        (environment.name, "bold"),
        f" · connection budget · {made.instance_class} · tier {environment.settings.tier}",
    )
    parts = (
        ("Clients at the peak", _clients(environment, made)),
        ("Without the proxy", _without_proxy(environment, made, advice)),
        ("With the proxy", _with_proxy(environment, made)),
    )
    scale = max(made.max_connections, made.peak_client_connections, 1)
    for title, rows in parts:
        yield Text(f"\n{title}", "bold")
        for row in rows:
            yield row.line(scale)
    yield Text("\nTransactions at the peak", "bold")
    yield from _load(environment, made)
    yield Text()
    yield from _verdict(environment, made, advice)


def _clients(environment: Environment, made: Budget) -> Iterator[Row]:
    workers, where = environment.settings.workers, _Places(environment)
    margin = "10 % more, 1 at least · EC2 Auto Scaling"
    yield Row("max_size", made.max_instances, where("workers", "max_size"))
    yield Row("+ while zones rebalance", made.rebalancing_instances, margin)
    yield Row(
        "+ during a refresh",
        made.refresh_instances,
        f"up to {workers.instance_refresh.max_healthy_percentage} % · "
        + where("workers", "instance_refresh", "max_healthy_percentage"),
    )
    yield Row(
        "connections of workers",
        made.worker_connections,
        f"{made.peak_instances} instances × {workers.processes_per_instance} processes × "
        f"{workers.connections_per_process} connections",
        0,
        "blue",
    )
    begin = made.worker_connections
    if made.lambda_connections:
        how = f"reserved_concurrency · {where('lambda_clients')}"
        yield Row("+ of Lambda functions", made.lambda_connections, how, begin, "blue")
        begin += made.lambda_connections
    if made.other_client_connections:
        how = where("proxy", "other_client_connections")
        yield Row("+ of other clients", made.other_client_connections, how, begin, "blue")
    yield Row("= client connections", made.peak_client_connections, "", 0, "bold blue")


def _without_proxy(environment: Environment, made: Budget, advice: Advice) -> Iterator[Row]:
    where = _Places(environment)
    how = f"{_CERTAINTY[made.max_connections_source]}: {made.max_connections_origin}"
    yield Row("max_connections", made.max_connections, how, 0, "green")
    end = made.max_connections
    for label, number, why in (
        ("− reserved", made.reserved_connections, "superuser_… and rds.rds_reserved_connections"),
        ("− past the proxy", made.direct_connections, where("database", "direct_connections")),
        (
            "− of other proxies",
            made.other_proxies_connections,
            where("database", "other_proxies_percent"),
        ),
    ):
        if number:
            end -= number
            yield Row(label, number, why, max(0, end), "yellow")
    yield Row("= free for clients", made.free_connections, "", 0, "bold green")
    most = advice.largest_max_size_without_proxy or 0
    yield Row(
        "clients refused",
        made.refused_without_proxy,
        f"none up to max_size {most}",
        made.free_connections if made.refused_without_proxy else None,
        "bold red",
    )


def _with_proxy(environment: Environment, made: Budget) -> Iterator[Row]:
    where = _Places(environment)
    share = f"{made.pool_percent} % of {made.max_connections} · {where(*POOL_PERCENT.split('.'))}"
    if made.pool_size < made.pool_share:
        share = f"all that is free; {share} would be {made.pool_share}"
    yield Row("pool of the proxy", made.pool_size, share, 0, "green")
    workload = environment.settings.workload
    if workload is None:
        return
    if made.pinned_connections:
        how = f"{workload.pinned_fraction:g} × {made.peak_client_connections} clients · " + where(
            "workload", "pinned_fraction"
        )
        yield Row("− pinned sessions", made.pinned_connections, how, made.servers, "yellow")
    yield Row("= transactions at once", made.servers, "", 0, "bold green")
    rate = f"{workload.peak_transactions_per_second:g} /s × {workload.mean_transaction_ms:g} ms"
    busy, wanted = math.ceil(made.offered_load), made.wanted_servers
    fits = wanted <= made.servers
    yield Row("busy on average", busy, f"{rate} · {where('workload')}", 0, "blue")
    yield Row(
        f"with {percent(HEADROOM - 1)} headroom",
        wanted,
        f"× {HEADROOM} · RDS Proxy, connection considerations",
        0,
        "blue" if fits else "red",
    )


def _load(environment: Environment, made: Budget) -> Iterator[Text]:
    if not made.has_workload:
        yield _fact("not judged", "", "no workload is declared: the verdict is on connections only")
        return
    queue = made.queue
    waits = " · ".join(
        f"p{share * 100:g} {seconds(queue.wait_quantile(share))}" for share in _QUANTILES
    )
    yield _fact(
        "load",
        percent(made.utilisation),
        f"of {made.servers}, which serve up to "
        f"{queue.saturation_per_second:.0f} transactions a second",
    )
    model = "Erlang C" if made.utilisation < 1 else "more and more, until they give up"
    if made.utilisation < 1 and made.variability != 1:
        model += f" × (1 + {made.variability:g}²) / 2"
    yield _fact(
        "wait for a connection",
        seconds(made.mean_wait_seconds),
        f"on average; {waits} · {model}",
    )
    yield _fact(
        "borrow timeouts",
        percent(made.timeout_share),
        f"wait longer than {made.borrow_timeout_seconds:g} s · "
        + _Places(environment)("proxy", "connection_pool", "connection_borrow_timeout"),
    )
    if made.backlog_per_second:
        yield _fact(
            "backlog",
            f"+{made.backlog_per_second:.0f} /s",
            f"the first timeouts come {seconds(queue.seconds_to_first_timeout)} into the peak",
        )
    limit = f"; AWS throttles IAM authentication at {IAM_CONNECTIONS_PER_SECOND} /s"
    yield _fact(
        "new connections",
        f"{made.new_connections_per_second:.3g} /s",
        f"({made.peak_client_connections} − {made.starting_connections}) in {made.ramp_seconds:g} s"
        + (limit if made.iam_authentication else ""),
    )


def _verdict(environment: Environment, made: Budget, advice: Advice) -> Iterator[Text]:
    subject = "peak" if made.has_workload else "clients"
    if made.holds:
        yield Text(f"✓ {environment.name} holds its {subject}.", "bold green")
    else:
        yield Text(f"✗ {environment.name} does not hold its {subject}.", "bold red")
    for problem in made.problems:
        yield Text(f"  {problem.message}", "red")
    if not made.has_workload:
        return
    limits = list(_limits(advice))
    if limits:
        yield Text(
            "  It holds, all else unchanged, with" if made.holds else "  Each would mend it:"
        )
    else:
        yield Text("  No single setting mends it: change several, or serve less.")
    where = _Places(environment)
    for path, limit in limits:
        yield Text.assemble(f"    {path:<{_PATH}} {limit:<26}", (where(*path.split(".")), "dim"))


def _limits(advice: Advice) -> Iterator[tuple[str, str]]:
    """The settings that could be changed, and how far, in YAML's units."""
    if advice.smallest_pool_percent is not None:
        yield POOL_PERCENT, f"{advice.smallest_pool_percent} or more"
    if advice.smallest_instance_class is not None:
        yield "database.instance_class", f"{advice.smallest_instance_class} or larger"
    if advice.longest_transaction_ms is not None:
        yield (
            "workload.mean_transaction_ms",
            f"{_rounded_down(advice.longest_transaction_ms):g} or less",
        )
    if advice.largest_max_size is not None:
        yield "workers.max_size", f"{advice.largest_max_size} or less"


class _Places:
    """Where a setting was written, as file:line."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def __call__(self, *path: str) -> str:
        location = self._environment.origin(*path).location
        return visible(f"{relative(location.file)}:{location.line}") if location else "default"


def _fact(label: str, number: str, how: str) -> Text:
    return Text.assemble(f"  {label:<{_LABEL}}{number:>{_NUMBER}}  ", (how, "dim"))


def _bar(begin: int, end: int, scale: float) -> str:
    """A bar from one number to another; what is there is seen, however small it is."""
    first = math.floor(begin / scale * _BAR)
    last = max(first + 1, round(end / scale * _BAR))
    thin = end - begin < scale / _BAR / 2
    first = min(first, _BAR - 1)
    return " " * first + ("▏" if thin else "█" * (min(last, _BAR) - first))


def seconds(time: float) -> str:
    """A time for people, rounded down: `0 ms`, `1.25 ms`, `605 ms`, `30 s`."""
    ms = time * 1000
    if ms < _NOTHING_MS:
        return "0 ms"
    shown = _rounded_down(ms)
    return f"{shown:g} ms" if shown < _SECOND_MS else f"{shown / _SECOND_MS:g} s"


def _rounded_down(number: float) -> float:
    """Three digits of a number that is more than 0."""
    scale: float = 10.0 ** (2 - math.floor(math.log10(number)))
    return math.floor(number * scale) / scale


def percent(share: float) -> str:
    """A share for people: `38 %`, `0.12 %`."""
    return f"{share * 100:.2g} %" if share < _TENTH else f"{share * 100:.0f} %"


def document(environment: Environment, made: Budget, advice: Advice) -> dict[str, Any]:
    """The budget for machines: every input and result with its unit in its name."""
    queue = made.queue
    return {
        "format": "nexusctl/budget",
        "version": 1,
        "environment": environment.name,
        "holds": made.holds,
        "problems": [asdict(problem) for problem in made.problems],
        "inputs": asdict(made),
        "connections": {
            "peak_instances": made.peak_instances,
            "peak_client_connections": made.peak_client_connections,
            "free_connections": made.free_connections,
            "refused_without_proxy": made.refused_without_proxy,
            "pool_size": made.pool_size,
            "servers": made.servers,
            "wanted_servers": made.wanted_servers,
            "new_connections_per_second": made.new_connections_per_second,
        },
        "load": {
            "offered_load_erlangs": made.offered_load,
            "utilisation": made.utilisation if made.servers else None,
            "saturation_per_second": queue.saturation_per_second,
            "backlog_per_second": made.backlog_per_second,
            "waiting_probability": queue.waiting_probability,
            "mean_wait_seconds": made.mean_wait_seconds,
            "wait_quantiles_seconds": {
                f"p{share * 100:g}": queue.wait_quantile(share) for share in _QUANTILES
            },
            "timeout_share": made.timeout_share,
        }
        if made.has_workload
        else None,
        "limits": asdict(advice),
    }
