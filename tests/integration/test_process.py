"""How processes are run: signals, ends, and what a killed nexusctl leaves behind."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nexusctl.terraform import process

# Behaves as Terraform does: on the first SIGINT it finishes what is in flight, then exits with 1.
PATIENT = """
import os, signal, sys, time
stopping = []
signal.signal(signal.SIGINT, lambda *_: stopping.append(1))
print("working", os.getpid(), os.getpgrp(), flush=True)
while not stopping:
    time.sleep(0.01)
print("stopping", flush=True)
time.sleep(0.3)
print(f"released the lock after {len(stopping)} interrupt", flush=True)
sys.exit(1)
"""


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.01)


def run(script: str, tmp_path: Path, **options: Any) -> process.Completed:
    return process.run(
        [sys.executable, "-c", script],
        directory=tmp_path,
        environment=dict(os.environ),
        stdout=tmp_path / "out",
        stderr=tmp_path / "err",
        **options,
    )


def test_lines_arrive_in_order_and_whole(tmp_path: Path) -> None:
    lines: list[str] = []
    script = (
        "import sys, time\n"
        "for part in ('one\\nt', 'wo\\nthree'):\n"
        "    print(part, end='', flush=True); time.sleep(0.15)\n"
        "print('aside', file=sys.stderr); sys.exit(3)"
    )
    done = run(script, tmp_path, on_line=lines.append)
    assert (done.exit_code, done.interrupted) == (3, None)
    assert lines == ["one", "two", "three"]
    assert done.stderr.read_text() == "aside\n"
    assert done.stdout.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_becomes_one_sigint_and_is_waited_for(
    tmp_path: Path, number: signal.Signals
) -> None:
    heard: list[str] = []

    def on_line(line: str) -> None:
        heard.append(line)
        if line.startswith("working"):
            os.kill(os.getpid(), number)
            # Once more, as from a wrapper that passes on what the terminal sends as well.
            threading.Timer(0.1, os.kill, (os.getpid(), number)).start()

    interrupts: list[int] = []
    done = run(PATIENT, tmp_path, on_line=on_line, on_interrupt=interrupts.append)
    assert done.exit_code == 1
    assert done.interrupted is number
    assert heard[-1] == "released the lock after 1 interrupt"
    assert interrupts == [1]


def test_a_second_signal_waits_no_longer_for_a_good_moment(tmp_path: Path) -> None:
    def on_line(line: str) -> None:
        if line.startswith("working"):
            os.kill(os.getpid(), signal.SIGINT)
            later = process.SAME_SECONDS + 0.1
            threading.Timer(later, os.kill, (os.getpid(), signal.SIGTERM)).start()

    heard: list[int] = []
    started = time.monotonic()
    done = run(
        PATIENT,
        tmp_path,
        on_line=on_line,
        on_interrupt=heard.append,
        may_interrupt=lambda _waited: False,
    )
    assert time.monotonic() - started < process.LONGEST_WAIT_SECONDS
    assert done.interrupted is signal.SIGINT
    assert heard == [1, 2]


# Loses an interrupt that comes before it has begun, as an apply of Terraform's does.
HEEDLESS = PATIENT.replace(
    "signal.signal(signal.SIGINT, lambda *_: stopping.append(1))",
    "signal.signal(signal.SIGINT, signal.SIG_IGN)",
).replace(
    "while not stopping:",
    "time.sleep(0.5)\n"
    "signal.signal(signal.SIGINT, lambda *_: stopping.append(1))\n"
    "print('begun', flush=True)\n"
    "deadline = time.monotonic() + 10\n"
    "while not stopping and time.monotonic() < deadline:",
)


def test_terraform_is_not_interrupted_before_it_heeds_that(tmp_path: Path) -> None:
    def on_line(line: str) -> None:
        if line.startswith("working"):
            os.kill(os.getpid(), signal.SIGINT)

    done = run(HEEDLESS, tmp_path, on_line=on_line, heeds="begun")
    assert "released the lock after 1 interrupt" in done.stdout.read_text()


def test_an_interrupt_waits_for_a_good_moment(tmp_path: Path) -> None:
    heard: list[str] = []

    def on_line(line: str) -> None:
        heard.append(line)
        if line.startswith("working"):
            os.kill(os.getpid(), signal.SIGINT)

    script = PATIENT.replace(
        "while not", "time.sleep(0.5); print('settled', flush=True)\nwhile not"
    )
    run(script, tmp_path, on_line=on_line, may_interrupt=lambda _waited: "settled" in heard)
    assert heard[1:] == ["settled", "stopping", "released the lock after 1 interrupt"]


def test_it_runs_in_a_process_group_of_its_own(tmp_path: Path) -> None:
    lines: list[str] = []
    run("import os; print(os.getpid() == os.getpgrp())", tmp_path, on_line=lines.append)
    assert lines == ["True"]


@pytest.mark.parametrize(
    ("script", "heeds", "interrupted"),
    [(PATIENT, "", False), (PATIENT, "", True), (HEEDLESS, "begun", False)],
    ids=["", "interrupted", "before it has begun"],
)
def test_when_nexusctl_is_killed_terraform_still_stops_in_order(
    tmp_path: Path, script: str, heeds: str, interrupted: bool
) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
                import os, sys, threading
                from pathlib import Path
                from nexusctl.terraform import process
                # As the gate does. The kernel hands the children of a process that dies from thread
                # to thread, and Terraform takes a second interrupt for an order to drop everything.
                for _ in range(200):
                    threading.Thread(target=threading.Event().wait).start()
                here = Path({str(tmp_path)!r})
                process.run([sys.executable, "-c", {script!r}], directory=here,
                            environment=dict(os.environ), stdout=here / "out", stderr=here / "err",
                            heeds={heeds!r})
            """),
        ]
    )
    out = tmp_path / "out"
    until(lambda: out.is_file() and out.read_text().startswith("working"))
    child = int(out.read_text().split()[1])
    if interrupted:
        parent.send_signal(signal.SIGINT)
        until(lambda: "stopping" in out.read_text())
    parent.kill()
    parent.wait()
    until(lambda: "released the lock after 1 interrupt" in out.read_text())
    until(lambda: not alive(child))


def test_an_error_of_ours_lets_terraform_stop_in_order(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def on_line(line: str) -> None:
        raise OSError(line)

    with pytest.raises(OSError, match="working"):
        run(PATIENT, tmp_path, on_line=on_line)
    assert "released the lock after 1 interrupt" in out.read_text()


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_question_that_is_not_answered_is_none(tmp_path: Path) -> None:
    ask = process.capture
    environment = dict(os.environ)
    assert ask([sys.executable, "-c", "print(1)"], environment=environment, seconds=20) == "1\n"
    assert ask([sys.executable, "-c", "exit(1)"], environment=environment, seconds=20) is None
    assert ask([str(tmp_path / "missing")], environment=environment, seconds=20) is None
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert ask(sleeping, environment=environment, seconds=0.2) is None


def test_a_signal_at_the_very_end_is_not_lost(tmp_path: Path) -> None:
    # It ends as well whether the signal is still passed on or not.
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('end')"
    done = run(script, tmp_path, on_line=lambda _line: os.kill(os.getpid(), signal.SIGINT))
    assert done.exit_code == 0
    assert done.interrupted is signal.SIGINT
