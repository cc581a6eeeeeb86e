"""Ends all that a rehearsal has started, however nexusctl itself ends.

`python -m nexusctl.rehearsal.keeper DIRECTORY` leads a process group that PostgreSQL, the pooler
and the clients join. Its standard input is a pipe that nexusctl holds open. When nexusctl lets go
of it, or ends, or is killed, the pipe closes: then the group is ended and the directory deleted.
There is no other way in which a rehearsal is cleaned up.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

PATIENCE = 10.0  # seconds: PostgreSQL's immediate shutdown takes a tenth of one
POLL = 0.02  # seconds


def main() -> None:
    """Wait for the pipe to close, end the group, and delete the directory."""
    directory = Path(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    # To PostgreSQL this is an immediate shutdown: unlike a killed one, it gives its shared memory
    # back. Its file goes with it.
    os.killpg(0, signal.SIGQUIT)
    deadline = time.monotonic() + PATIENCE
    while any(directory.glob("*/postmaster.pid")) and time.monotonic() < deadline:
        time.sleep(POLL)
    shutil.rmtree(directory, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
