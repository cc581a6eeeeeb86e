"""Several environments at once: run, tell of each by itself, and end with the worst code."""

import contextlib
import os
import signal
import sys
import time
import traceback
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait

from rich.console import Console
from rich.text import Text

from nexusctl.commands.display import Display
from nexusctl.commands.judging import concrete
from nexusctl.commands.project import environments_directory
from nexusctl.errors import Exit, Interrupted, NexusError, ToolUnfit, UsageWrong, worst
from nexusctl.interrupts import held
from nexusctl.report import document
from nexusctl.report import fleet as report
from nexusctl.report.text import duration
from nexusctl.terraform import server
from nexusctl.terraform.process import stop_with_parent

# Each has a Terraform and a provider, which together take a gigabyte.
AT_ONCE = min(4, max(2, os.cpu_count() or 1))
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one environment: in a line, for people, for machines, and as an exit code.

    `report` is empty where the line says it all. `error` stands for all of it where there is one.
    """

    told: report.Told
    report: tuple[Text, ...]
    document: object
    code: Exit
    error: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """What came of each environment, in the order in which they were named."""

    outcomes: Mapping[str, Outcome]

    @property
    def code(self) -> Exit:
        """The worst of all."""
        return worst(each.code for each in self.outcomes.values())

    @property
    def documents(self) -> list[object]:
        """A document for each."""
        return [each.document for each in self.outcomes.values()]

    @property
    def reports(self) -> Iterator[Text]:
        """What is to be said of each, one after the other."""
        for each in self.outcomes.values():
            yield from each.report

    @property
    def table(self) -> Iterator[Text]:
        """A line for each."""
        return report.summary({name: each.told for name, each in self.outcomes.items()})

    @property
    def markdown(self) -> Text:
        """The same for a comment on a pull request."""
        return Text(report.markdown({name: each.told for name, each in self.outcomes.items()}))

    def complain(self) -> None:
        """Print each error on standard error, with its hint."""
        for name, each in self.outcomes.items():
            if each.error:
                print(f"error: {name}: {each.error}", file=sys.stderr)
                if each.hint:
                    print(f" hint: {each.hint}", file=sys.stderr)


def named(arguments: Namespace) -> list[str]:
    """The environments that the command line names, each once.

    Raises:
        UsageWrong: it names none, or says --all as well.
    """
    if arguments.all and arguments.environments:
        raise UsageWrong("name environments, or say --all, not both")
    if not arguments.all and not arguments.environments:
        raise UsageWrong(
            "name environments, or say --all", hint=f"nexusctl {arguments.command} prod"
        )
    names = arguments.environments or concrete(environments_directory(arguments))
    return list(dict.fromkeys(names))


def run_all(
    arguments: Namespace,
    names: Sequence[str],
    do: Callable[[Namespace, Display], Outcome],
    *,
    quiet: bool,
) -> Fleet:
    """Let `do` work on each environment, a few at once, in processes of their own.

    It gets the command line as if that named the environment alone, and a display whose warnings
    are shown together when it has ended. An error it raises is that environment's outcome.

    Raises:
        Interrupted: a signal came. Every Terraform that was at work had one interrupt and has
            ended, and none was started after that.
    """
    workers = [_Worker(do, arguments) for _ in range(min(AT_ONCE, len(names)))]
    try:
        with held() as received:
            done = _wait(workers, names, received, Display(quiet=quiet), arguments.command)
    finally:
        for worker in workers:
            worker.join()
    lost = ToolUnfit("no process was left to work on it", hint="run it again")
    return Fleet({name: done.get(name) or failed(name, lost) for name in names})


def _wait(
    workers: Sequence["_Worker"],
    names: Sequence[str],
    received: Sequence[signal.Signals],
    display: Display,
    title: str,
) -> dict[str, Outcome]:
    """Hand out the names, and show what comes of each as it comes, until all have ended."""
    width = max(map(len, names), default=0)
    waiting = list(reversed(names))
    running: dict[object, _Worker] = {each.pipe: each for each in workers if each.begin(waiting)}
    done: dict[str, Outcome] = {}
    announced = 0
    with display.phase(title) as phase:
        while running:
            for pipe in wait([each.pipe for each in running.values()], POLL_SECONDS):
                worker = running[pipe]
                ended = worker.ended()
                done[ended.name] = ended.outcome
                told, spent = ended.outcome.told, duration(ended.seconds)
                display.say(f"{told.mark} {ended.name:<{width}}  {spent:>6}  {told.words}")
                for warning in ended.warnings.splitlines():
                    display.warn(f"{ended.name}: {warning.removeprefix('! ')}")
                if not worker.begin(waiting):
                    del running[worker.pipe]
            phase.note(f"{len(done)} of {len(names)} environments")
            if len(received) > announced:
                waiting.clear()
                for worker in running.values() if announced == 0 else ():
                    worker.interrupt()
                announced = len(received)
                display.interrupted(announced)
        if received:
            raise Interrupted("interrupted; every Terraform has stopped")
    return done


@dataclass(frozen=True, slots=True)
class _Ended:
    name: str
    outcome: Outcome
    seconds: float
    warnings: str


class _Worker:
    """A process that works on one environment after the other.

    A process, because boto3 and Terraform look into the process environment, which is another for
    each environment. Its process group is its own, so that Ctrl-C reaches it once, through us.
    """

    def __init__(self, do: Callable[[Namespace, Display], Outcome], arguments: Namespace) -> None:
        context = get_context("fork")
        self.pipe, theirs = context.Pipe()
        # A daemon gets SIGTERM should this process end early, and is waited for.
        self._process = context.Process(target=_serve, args=(theirs, do, arguments), daemon=True)
        self._process.start()
        theirs.close()
        self._name = ""

    def begin(self, waiting: list[str]) -> bool:
        """Give it the next name, if there is one and it still lives; whether that is so."""
        if not waiting or not self._process.is_alive():
            return False
        self._name = waiting.pop()
        self.pipe.send(self._name)
        return True

    def ended(self) -> _Ended:
        """What came of the environment it was given.

        Raises:
            RuntimeError: there is a bug in what it did.
        """
        try:
            ended: _Ended | str = self.pipe.recv()
        except (EOFError, OSError):
            error = ToolUnfit("the process that worked on it was killed", hint="run it again")
            return _Ended(self._name, failed(self._name, error), 0.0, "")
        if isinstance(ended, str):
            raise RuntimeError(ended)  # noqa: TRY004 - it is the traceback
        return ended

    def interrupt(self) -> None:
        """Pass an interrupt on."""
        if self._process.is_alive() and self._process.pid:
            os.kill(self._process.pid, signal.SIGINT)

    def join(self) -> None:
        """Let it end, and wait for that."""
        with contextlib.suppress(BrokenPipeError):
            self.pipe.send("")  # closing would not tell it: its siblings have copies of this end
        self._process.join()
        self.pipe.close()


def _serve(
    pipe: Connection, do: Callable[[Namespace, Display], Outcome], arguments: Namespace
) -> None:
    """Work on each environment that is named, until there are no more."""
    os.setpgrp()
    stop_with_parent()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(BrokenPipeError, EOFError, KeyboardInterrupt):
        while name := pipe.recv():
            try:
                pipe.send(_alone(Namespace(**{**vars(arguments), "environment": name}), do))
            except Exception:  # noqa: BLE001 - whatever it is, it is told of over there
                pipe.send(traceback.format_exc())
    server.close()


def _alone(arguments: Namespace, do: Callable[[Namespace, Display], Outcome]) -> _Ended:
    started, said = time.monotonic(), StringIO()
    display = _Apart(quiet=True, console=Console(file=said, highlight=False))
    try:
        outcome = do(arguments, display)
    except NexusError as error:
        outcome = failed(arguments.environment, error)
    except KeyboardInterrupt:
        outcome = failed(arguments.environment, Interrupted("interrupted"))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        unfit = ToolUnfit(f"{place}{error.strerror or error}", hint="the file system is in the way")
        outcome = failed(arguments.environment, unfit)
    return _Ended(arguments.environment, outcome, time.monotonic() - started, said.getvalue())


def failed(name: str, error: NexusError) -> Outcome:
    """What an error makes of one environment."""
    told = document.failed(name, error)
    return Outcome(report.failed(error), (), told, error.exit_code, str(error), error.hint)


class _Apart(Display):
    """The display of one among several: an interrupt is told of once, for all."""

    def interrupted(self, count: int) -> None:
        """Leave it to the display of all."""
