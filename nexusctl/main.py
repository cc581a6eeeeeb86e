"""From error to message to exit code."""

import errno
import os
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from io import TextIOWrapper
from types import FrameType

from nexusctl import terminal
from nexusctl.errors import Exit, NexusError


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; no error escapes."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as it is under nohup
            signal.signal(number, _as_keyboard_interrupt)
    _fill_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that lacks a sign must not keep a verdict from its reader.
            stream.reconfigure(errors="backslashreplace")
    try:
        from nexusctl import cli

        code = cli.main(arguments)
        sys.stdout.flush()
        terminal.drain()
    except NexusError as error:
        _complain(str(error), error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted", None)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left (`nexusctl check prod | head -1`). It may have missed a
        # denial, so this is not a success.
        _discard_output()
        return Exit.INTERRUPTED
    except OSError as error:
        _complain_of_file(error)
        return Exit.TOOL_UNFIT
    except Exception as error:  # noqa: BLE001 - whatever it is, no traceback reaches a user
        _complain(
            f"this is a bug in nexusctl: {type(error).__name__}",
            f"its log is {_bug_log()}; please report it",
        )
        return Exit.BUG
    return code


def _as_keyboard_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _fill_standard_streams() -> None:
    """Where the caller closed one, the next file that is opened would have its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def _complain_of_file(error: OSError) -> None:
    place = f"{error.filename}: " if error.filename else ""
    disk = "the disk that holds .nexusctl"
    if _output_fails():
        place, disk = "standard output: ", "the disk that standard output goes to"
        _discard_output()
    hint = "the file system is in the way"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        hint = f"free space on {disk}, then the same command again"
    _complain(f"{place}{error.strerror or error}", hint)


def _output_fails() -> bool:
    """Whether it is standard output that takes nothing; the error itself does not say."""
    try:
        print(flush=True)
    except OSError:
        return True
    return False


def _discard_output() -> None:
    """What is still kept for standard output goes nowhere: Python's own end would fail at it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, hint: str | None) -> None:
    terminal.drain()
    with suppress(OSError):  # nobody can be told; the exit code is
        print(f"error: {message}", file=sys.stderr)
        if hint:
            print(f" hint: {hint}", file=sys.stderr)


def _bug_log() -> str:
    descriptor, path = tempfile.mkstemp(prefix="nexusctl-bug-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as log:
        traceback.print_exc(file=log)
    return path
