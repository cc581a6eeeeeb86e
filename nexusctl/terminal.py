"""A terminal that may stop reading, for Ctrl-S or a connection that hangs. The work goes on."""

import os
import select
import sys
from contextlib import suppress
from io import TextIOBase
from typing import TextIO, cast


class Terminal(TextIOBase):
    """A terminal to write to without ever waiting for it.

    While it takes nothing, lines are kept for later; what is no line, a frame of a spinner say, is
    dropped.

    Args:
        stream: opened on the terminal. Others share it, so it stays as it is.

    Raises:
        OSError: it is no terminal, or one of another user.
    """

    def __init__(self, stream: TextIO) -> None:
        name = os.ttyname(stream.fileno())
        self._descriptor = os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        self._encoding = stream.encoding
        self._kept = b""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's."""
        return self._encoding

    def isatty(self) -> bool:
        """It is one."""
        return True

    def write(self, text: str) -> int:
        """Write what can be written now, and keep the rest."""
        if "\n" in text or not self._kept:
            self._kept += text.encode(self._encoding, "backslashreplace")
        with suppress(BlockingIOError):
            while self._kept:
                self._kept = self._kept[os.write(self._descriptor, self._kept) :]
        return len(text)

    def drain(self) -> None:
        """Wait until the terminal has taken what was kept, or is gone."""
        with suppress(OSError):
            while self._kept:
                select.select([], [self._descriptor], [])
                self.write("")


_terminals: list[Terminal] = []


def standard_error() -> TextIO:
    """Standard error; where it is a terminal, one that is never waited for."""
    try:
        opened = Terminal(sys.stderr)
    except (OSError, ValueError):
        return sys.stderr
    _terminals.append(opened)
    return cast("TextIO", opened)


def drain() -> None:
    """Let the terminal have all that was said on standard error, before more is said elsewhere."""
    for each in _terminals:
        each.drain()
