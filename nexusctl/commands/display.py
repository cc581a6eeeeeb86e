"""Progress on standard error: a live line on a terminal, else a line per finished phase."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.status import Status
from rich.text import Text

from nexusctl import terminal
from nexusctl.report import text
from nexusctl.terraform.events import Event, ResourceEvent

TITLE_WIDTH = 10


class ProgressConsole(Console):
    """Standard error. Nobody may be reading it, or its disk be full; the work goes on."""

    def __init__(self) -> None:
        super().__init__(file=terminal.standard_error(), highlight=False)

    def _write_buffer(self) -> None:
        # Rich's own answer would be to exit, or an error, in the middle of an apply.
        try:
            super()._write_buffer()
        except OSError:
            self.quiet = True

    def on_broken_pipe(self) -> None:
        """Say no more."""
        self.quiet = True


@dataclass(slots=True)
class Phase:
    """A phase under way. What is said last with `note` stands on its line when it has ended."""

    title: str
    status: Status | None
    said: str = ""

    def note(self, said: str) -> None:
        """What the phase has come to."""
        self.said = said
        if self.status:
            self.status.update(Text(f"{self.title:<{TITLE_WIDTH}} {said}"))


@dataclass(slots=True)
class Display:
    """Shows the phases of one command; quiet where `quiet` (for `--json`)."""

    quiet: bool = False
    console: Console = field(default_factory=ProgressConsole)

    @contextmanager
    def phase(self, title: str) -> Iterator[Phase]:
        """A phase of the command, from entering the block to leaving it."""
        started = time.monotonic()
        phase = Phase(title, None)
        live = self.console.is_interactive and not self.quiet
        if live:
            phase.status = self.console.status(Text(title), spinner="dots")
            phase.status.start()
        ended = ("✗", "red")
        try:
            yield phase
            ended = ("✓", "green")
        finally:
            if phase.status:
                phase.status.stop()
            seconds = time.monotonic() - started
            self._line(
                (ended[0], ended[1]),
                f" {title:<{TITLE_WIDTH}} ",
                (f"{text.duration(seconds):>6}", "dim"),
                f"  {phase.said}",
            )

    def resources(self, phase: Phase) -> "ResourceProgress":
        """Follow Terraform's resource events within `phase`."""
        return ResourceProgress(self, phase)

    def interrupted(self, count: int) -> None:
        """Say what an interrupt does while Terraform works."""
        first = "stopping: Terraform finishes what is in flight and releases the lock"
        again = "still waiting for Terraform; killing it could lose state and leave the lock"
        self.console.print(Text(f"! {first if count == 1 else again}", "yellow"))

    def warn(self, line: str) -> None:
        """A line that matters too much to be left out, whoever reads standard output."""
        self.console.print(Text(f"! {line}", "yellow"), soft_wrap=True)

    def say(self, line: str, style: str = "") -> None:
        """One line of its own."""
        self._line((line, style))

    def _line(self, *parts: str | tuple[str, str]) -> None:
        if not self.quiet:
            self.console.print(Text.assemble(*parts), soft_wrap=True)


@dataclass(slots=True)
class ResourceProgress:
    """Counts what Terraform refreshes, and shows each resource that it has changed."""

    display: Display
    phase: Phase
    refreshed: int = 0
    changed: int = 0
    failed: int = 0
    running: dict[str, float] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Take one event of Terraform's stream."""
        if not isinstance(event, ResourceEvent):
            return
        match event.kind:
            case "refresh_complete":
                self.refreshed += 1
                self.phase.note(f"{self.refreshed} resources read")
            case "apply_start" if event.action != "read":
                self.running[event.address] = time.monotonic()
                self._now()
            case "apply_progress":
                self._now()
            case "apply_complete" | "apply_errored":
                self._ended(event)

    def _ended(self, event: ResourceEvent) -> None:
        seconds = time.monotonic() - self.running.pop(event.address, time.monotonic())
        if event.action != "read":
            failed = event.kind == "apply_errored"
            self.failed += failed
            self.changed += not failed
            symbol, style = ("✗", "red") if failed else text.SYMBOLS.get(event.action, ("·", ""))
            self.display.say(f"  {symbol} {event.address}  {text.duration(seconds)}", style)
        self._now()

    def _now(self) -> None:
        said = f"{self.changed} resources done"
        if self.failed:
            said += f", {self.failed} failed"
        if self.running:
            address, started = min(self.running.items(), key=lambda each: each[1])
            rest = f" and {len(self.running) - 1} more" if len(self.running) > 1 else ""
            since = text.duration(time.monotonic() - started)
            said += f", {address} for {since}{rest}"
        self.phase.note(said)
