"""`nexusctl rehearse ENV`: a real storm on this machine, played in three acts."""

import asyncio
import json
import signal
from argparse import Namespace
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager

from rich.live import Live
from rich.table import Table
from rich.text import Text

from nexusctl.commands.budget import budget_of
from nexusctl.commands.display import Display
from nexusctl.commands.project import environments_directory
from nexusctl.commands.show import show
from nexusctl.environment.load import load
from nexusctl.errors import Exit, UsageWrong
from nexusctl.rehearsal.acts import Sample
from nexusctl.rehearsal.find import find_programs
from nexusctl.rehearsal.machine import Machine
from nexusctl.rehearsal.rehearsal import ACTS, Rehearsal, rehearse
from nexusctl.rehearsal.storm import Storm
from nexusctl.report.rehearsal import document
from nexusctl.report.rehearsal import rehearsal as as_text

LONGEST = 600.0  # seconds
BARS = "▁▂▃▄▅▆▇█"
BARS_SHOWN = 24


def run(arguments: Namespace) -> int:
    """Rehearse; needs PostgreSQL and pgbouncer on this machine, and no AWS."""
    _refuse_nonsense(arguments)
    environment = load(arguments.environment, environments_directory(arguments))
    programs = find_programs()
    machine = Machine.here()
    declared = Storm.of(budget_of(environment))
    fitted = machine.fit(declared, scale=arguments.scale, clients=arguments.clients)
    machine.allow_files(fitted.storm)
    display = Display(quiet=arguments.json)
    display.say(
        f"rehearsing {environment.name} with {fitted.storm.clients:,} clients, about a minute"
    )
    with _playbill(display) as playbill:
        played = _play(
            rehearse(fitted, programs, seconds=arguments.seconds, on_sample=playbill.take)
        )
    if arguments.html:
        from nexusctl.report.rehearsal_html import page

        arguments.html.write_text(page(environment.name, played), "utf-8")
    if arguments.json:
        print(json.dumps(document(environment.name, played), indent=2))
    else:
        show(as_text(environment.name, played))
        if arguments.html:
            display.say(f"\nwith plots: {arguments.html}")
    return Exit.DONE


def _refuse_nonsense(arguments: Namespace) -> None:
    if arguments.scale is not None and not 0 < arguments.scale <= 1:
        raise UsageWrong("--scale is a share of the storm: more than 0, at most 1")
    if not 1 <= arguments.seconds <= LONGEST:
        raise UsageWrong(f"--seconds is from 1 to {LONGEST:.0f}")
    if arguments.clients is not None and arguments.clients < 1:
        raise UsageWrong("--clients is at least 1")


def _play(rehearsal: Coroutine[None, None, Rehearsal]) -> Rehearsal:
    """Play to the end, or until a signal; what was started is ended in order in both cases."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}

    async def interruptible() -> Rehearsal:
        # An exception out of a signal handler could come up in any callback of the loop.
        task = asyncio.create_task(rehearsal)
        for number in numbers:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(interruptible())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _playbill(display: Display) -> Iterator["Playbill"]:
    """Shows the acts while they are played, where somebody watches."""
    playbill = Playbill()
    if display.quiet or not display.console.is_interactive:
        yield playbill
        return
    with Live(playbill, console=display.console, transient=True, refresh_per_second=8):
        yield playbill


class Playbill:
    """The acts with their latest counts, and how many clients waited lately, as little bars."""

    def __init__(self) -> None:
        self._acts: dict[str, list[Sample]] = {title: [] for title in ACTS}

    def take(self, title: str, sample: Sample) -> None:
        """Take the state of things in an act."""
        self._acts[title].append(sample)

    def __rich__(self) -> Table:
        """The table as it is now."""
        table = Table(box=None, pad_edge=False)
        table.add_column("act", no_wrap=True)
        for column in ("connected", "refused", "database", "waiting", "served/s"):
            table.add_column(column, justify="right", min_width=8)
        table.add_column("clients waiting", min_width=BARS_SHOWN, no_wrap=True)
        current = [title for title, seen in self._acts.items() if seen][-1:]
        for number, (title, samples) in enumerate(self._acts.items(), 1):
            if not samples:
                table.add_row(Text(f"  {number} {title}", "dim"))
                continue
            last = samples[-1]
            table.add_row(
                Text(f"{'▸' if [title] == current else '✓'} {number} {title}"),
                f"{last.connected:,}",
                Text(f"{last.refused:,}", "red" if last.refused else ""),
                f"{last.database_connections:,}",
                f"{last.waiting:,}",
                f"{_rate(samples):,.0f}",
                Text(_bars([sample.waiting for sample in samples]), "cyan"),
            )
        return table


def _rate(samples: list[Sample]) -> float:
    """Transactions served in a second, over the last one; the count starts anew with each round."""
    last = samples[-1]
    before = next((each for each in reversed(samples) if each.at <= last.at - 1), samples[0])
    return max(last.served - before.served, 0) / max(last.at - before.at, 1)


def _bars(values: list[int]) -> str:
    """The last values as bars, a second's most for each."""
    seconds = [max(values[begin : begin + 10]) for begin in range(0, len(values), 10)]
    shown = seconds[-BARS_SHOWN:]
    top = max(shown, default=0) or 1
    return "".join(BARS[round(value / top * (len(BARS) - 1))] for value in shown)
