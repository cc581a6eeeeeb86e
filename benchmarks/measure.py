"""Running commands, timing them, and what came of it."""

import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

SCRIPTS = Path(sysconfig.get_path("scripts"))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Without a limit, which the median must not exceed, it informs."""

    benchmark: str
    what: str
    runs: tuple[float, ...]
    unit: str  # "s", "x" (a ratio), "%" (a share of 1) or "MB" (of 1024² bytes)
    limit: float | None = None

    @property
    def figure(self) -> float:
        """The median."""
        return median(self.runs)

    @property
    def holds(self) -> bool | None:
        """Whether the claim holds; None where none is made."""
        return None if self.limit is None else self.figure <= self.limit


def run(
    *argv: str | Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stdout: IO[bytes] | int = subprocess.PIPE,
    exit_code: int = 0,
) -> str:
    """Run a command and return what it printed, where that went nowhere else.

    An interrupt is passed on and waited for: whoever holds a lock releases it.

    Raises:
        RuntimeError: the command ended with another exit code.
    """
    with subprocess.Popen(
        argv,
        env=environment,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        process_group=0,
    ) as process:
        try:
            said, complaint = process.communicate()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.communicate()
            raise
    if process.returncode != exit_code:
        command = " ".join(map(str, argv))
        raise RuntimeError(f"{command}: exit {process.returncode}\n{complaint.decode()}")
    return said.decode() if said else ""


def rounds(count: int, *actions: Callable[[], object]) -> list[tuple[float, ...]]:
    """For each action its times in seconds, in turns (A B A B …) after one of each to warm up."""
    times: list[list[float]] = []
    for _ in range(1 + count):
        times.append([])
        for action in actions:
            started = time.perf_counter()
            action()
            times[-1].append(time.perf_counter() - started)
    return list(zip(*times[1:], strict=True))
