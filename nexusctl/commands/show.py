"""Reports on standard output."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from nexusctl import terminal


class ReportConsole(Console):
    """Standard output. A reader who has left ends the command, in the way `main` knows."""

    def on_broken_pipe(self) -> None:
        """Rich's own answer would be to exit with 1."""
        raise BrokenPipeError


def show(lines: Iterable[Text]) -> None:
    """Print a report on standard output. Long lines are the terminal's to wrap."""
    terminal.drain()
    console = ReportConsole(highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)
