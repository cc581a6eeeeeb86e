"""From error to message to exit code."""

import errno
import os
import sys
import tempfile
import traceback
from contextlib import suppress
from io import TextIOWrapper

from nexusctl import terminal
from nexusctl.errors import Exit, NexusError
from nexusctl.interrupts import receive, tell


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; no error escapes, nor does a signal."""
    receive()
    try:
        return _run(arguments)
    except KeyboardInterrupt:  # another one, while it was told how it ended
        return Exit.INTERRUPTED


def _run(arguments: list[str]) -> int:
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.INTERRUPTED
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}", _way_on(error))
        return Exit.TOOL_UNFIT
    except Exception as error:  # noqa: BLE001 - whatever it is, no traceback reaches a user
        _complain(
            f"this is a bug in nexusctl: {type(error).__name__}",
            f"its log is {_bug_log()}; please report it",
        )
        return Exit.BUG
    return code


def _way_on(error: OSError) -> str:
    if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return "the file system is in the way"
    space = "free space on the disk that holds .nexusctl, then the same command again"
    # Standard output has no name.
    return space if error.filename else f"free space where the output goes, or {space}"


def _fill_standard_streams() -> None:
    """Where the caller closed one, the next file that is opened would have its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def _complain(message: str, hint: str | None) -> None:
    tell()
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
