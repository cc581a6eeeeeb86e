"""A terminal that stops reading, and reads on later."""

import os
import pty
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from nexusctl import terminal

LINES = [f"line {number} of what is said" for number in range(2000)]  # no terminal holds so much


@contextmanager
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What reads from the terminal that standard error is, to be closed by the caller."""
    monkeypatch.setattr(terminal, "_terminals", [])
    reader, name = pty.openpty()
    with os.fdopen(name, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        yield reader


def read_all(screen: int) -> str:
    said = ""
    while not said.endswith(f"{LINES[-1]}\r\n"):
        said += os.read(screen, 65536).decode()
    return said


def test_what_is_said_to_a_terminal_that_stopped_reading_comes_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with screen(monkeypatch) as reader, ThreadPoolExecutor() as threads:
        stderr = terminal.standard_error()
        stderr.write("a frame of a spinner\r")
        for line in LINES:
            stderr.write(f"{line}\n")
        stderr.write("another frame\r")
        said = threads.submit(read_all, reader)
        terminal.drain()
        first = f"a frame of a spinner\r{LINES[0]}"
        assert said.result(10).split("\r\n") == [first, *LINES[1:], ""]
        os.close(reader)


def test_a_terminal_that_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with screen(monkeypatch) as reader:
        stderr = terminal.standard_error()
        for line in LINES:
            stderr.write(f"{line}\n")
        os.close(reader)
        terminal.drain()
        with pytest.raises(OSError, match="Input/output error"):
            stderr.write("\n")


def test_what_is_no_terminal_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stderr", log)
        assert terminal.standard_error() is log
