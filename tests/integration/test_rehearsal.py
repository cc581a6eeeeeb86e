"""A real storm: PostgreSQL refuses it, the pooler does not, and nothing of it remains.

Needs PostgreSQL and pgbouncer on the machine; without them it fails and says how to get them.
"""

import json
import os
import pwd
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexusctl.errors import ToolUnfit
from nexusctl.rehearsal.find import find_programs
from tests.integration.project import NewProject, Project

CLIENTS = 120
ACCEPTED = 40
TOO_MANY = "sorry, too many clients already"
STORM = f"""\
extends: dev
description: A small storm
database:
  measured_max_connections: {ACCEPTED + 7} # RDS keeps 7 for itself
proxy:
  idle_client_timeout: 30m
  other_client_connections: {CLIENTS - 2}
  connection_pool:
    max_connections_percent: 22
    max_idle_connections_percent: 10
workers: {{min_size: 0, max_size: 1, processes_per_instance: 1, connections_per_process: 1}}
workload: {{peak_transactions_per_second: 100, mean_transaction_ms: 50, ramp: 1s}}
"""


@pytest.fixture(scope="module")
def project(new_project: NewProject) -> Project:
    try:
        find_programs()
    except ToolUnfit as missing:
        pytest.fail(f"{missing}; {missing.hint}")
    made = new_project()
    (made.root / "environments/storm.yaml").write_text(STORM)
    return made


@pytest.fixture(scope="module")
def played(project: Project) -> dict[str, dict[str, float]]:
    """A whole rehearsal: for each act its figures as measured, and what servers said."""
    arguments = ("rehearse", "storm", "--json", "--scale", "1", "--seconds", "4")
    done = project.run(*arguments, "--clients", str(CLIENTS), "--html", "storm.html")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    return {
        act["title"]: {each["name"]: each["measured"] for each in act["figures"]} | act["errors"]
        for act in document["acts"]
    }


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.05)


def test_straight_to_the_database_it_refuses_with_its_own_error(
    played: dict[str, dict[str, float]],
) -> None:
    act = played["straight to the database"]
    assert act["connections asked"] == CLIENTS
    assert act["accepted"] == act["database connections at peak"] == ACCEPTED
    assert act[TOO_MANY] == act["refused"] == CLIENTS - ACCEPTED


def test_through_the_pooler_all_clients_are_served(played: dict[str, dict[str, float]]) -> None:
    act = played["through the pooler"]
    assert (act["accepted"], act["refused"], act["borrow timeouts"]) == (CLIENTS, 0, 0)
    assert act["database connections at peak"] <= 10
    assert act["transactions"] == pytest.approx(100, rel=0.15)


def test_while_the_database_restarts_clients_wait_and_then_catch_up(
    played: dict[str, dict[str, float]],
) -> None:
    act = played["while the database restarts"]
    assert act["outage"] >= 2
    assert act["longest wait"] >= 1.5
    assert act["borrow timeouts"] == 0
    assert act["recovery, once the database is back"] < 15
    assert act["transactions broken off"] <= 10, "only those under way when it stopped"


def test_the_page_is_written(project: Project, played: dict[str, dict[str, float]]) -> None:
    assert (project.root / "storm.html").read_text().count("<svg") == 4


class Staged:
    """A rehearsal that is under way, with a temporary directory to itself."""

    def __init__(self, project: Project, temporary: Path) -> None:
        self.temporary = temporary
        alone = Project(project.root, {"TMPDIR": str(temporary)})
        self.process = alone.start("rehearse", "storm", "--scale", "1", "--seconds", "5")

    def running(self, name: str = "") -> list[int]:
        """Processes with a file of the rehearsal open, or at work in its directory."""
        found = []
        for process in Path("/proc").iterdir():
            try:
                command = (process / "cmdline").read_bytes()
                directory = str((process / "cwd").readlink())
            except (OSError, ValueError):
                continue
            theirs = str(self.temporary) in directory or str(self.temporary).encode() in command
            if process.name.isdigit() and theirs and name.encode() in command:
                found.append(int(process.name))
        return found

    def is_gone(self) -> bool:
        return not self.running() and not list(self.temporary.iterdir())


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A directory that the servers' user can reach: pytest's own is closed to others."""
    directory = Path(tempfile.mkdtemp(prefix="nexusctl-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def staged(project: Project, temporary: Path) -> Iterator[Staged]:
    rehearsal = Staged(project, temporary)
    try:
        # The second act has begun.
        until(lambda: bool(rehearsal.running("postgres") and rehearsal.running("pgbouncer")))
        yield rehearsal
    finally:
        rehearsal.process.kill()
        rehearsal.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(staged: Staged, number: signal.Signals) -> None:
    staged.process.send_signal(number)
    out, err = staged.process.communicate(timeout=30)
    assert staged.process.returncode == 130, out + err
    assert "Traceback" not in err
    assert staged.is_gone()


def test_clients_that_die_are_told_of(staged: Staged) -> None:
    until(lambda: bool(staged.running("nexusctl.rehearsal.clients")))
    os.kill(staged.running("nexusctl.rehearsal.clients")[0], signal.SIGKILL)
    out, err = staged.process.communicate(timeout=60)
    assert staged.process.returncode == 8, out + err
    assert "clients ended by itself" in err
    assert staged.is_gone()


def test_even_a_kill_leaves_nothing(staged: Staged) -> None:
    staged.process.kill()
    until(staged.is_gone)


def test_servers_are_on_loopback_alone_and_unprivileged(staged: Staged) -> None:
    for name in ("postgres", "pgbouncer"):
        for pid in staged.running(name):
            user = Path(f"/proc/{pid}").stat().st_uid
            assert user != 0, f"{name} runs as root"
            if os.geteuid() == 0:
                assert pwd.getpwuid(user).pw_name == "nobody"
    (directory,) = staged.temporary.iterdir()
    assert directory.stat().st_mode & 0o777 == 0o700
    for pid in (*staged.running("postgres"), *staged.running("pgbouncer")):
        for address in listening(pid):
            assert address == "0100007F", "127.0.0.1, as the kernel writes it"


def listening(pid: int) -> list[str]:
    """The IPv4 addresses, in hexadecimal, on which a process listens."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]
