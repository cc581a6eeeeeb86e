"""What a user meets when something ends in the middle, and how the next command goes on."""

import os
import pty
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from nexusctl.errors import Refused
from nexusctl.sandbox.sandbox import Running, Stopped
from nexusctl.workspace import WorkDirectory
from tests.integration.project import NewProject, Project

DATABASE = "module.database.aws_db_instance.main"
BUCKET = "keystone-nexus-sandbox-tfstate"
LOCK = "keystone-nexus/sandbox/terraform.tfstate.tflock"


@pytest.fixture
def project(new_project: NewProject) -> Project:
    return new_project()


def until(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.05)


def logged(project: Project, command: str, *words: str) -> Callable[[], bool]:
    """Whether a line of Terraform's log of `command` has all the words."""
    logs = project.root / ".nexusctl/sandbox/sandbox/logs"

    def condition() -> bool:
        lines = [
            line for log in logs.glob(f"*-{command}.log") for line in log.read_text().splitlines()
        ]
        return any(all(word in line for word in words) for line in lines)

    return condition


def applying(project: Project) -> Callable[[], bool]:
    """Whether Terraform has created something and is creating more."""
    return logged(project, "apply", '"type":"apply_complete"')


def plans_left(project: Project) -> list[str]:
    work = project.root / ".nexusctl/sandbox/sandbox"
    return [file.name for file in (*work.glob("plan*"), *work.glob("*.tfplan"))]


def terraform_of(project: Project) -> int:
    """The Terraform that runs in the project's work directory."""
    root = str(project.root / ".nexusctl/sandbox/sandbox/root")
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str((process / "cwd").readlink()) == root:
                command = (process / "cmdline").read_bytes().split(b"\0")
                if b"apply" in command and b"-json" in command:
                    return int(process.name)
        except OSError:
            continue
    raise AssertionError("no Terraform runs")


def locks(project: Project) -> list[str]:
    listed = project.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=LOCK)
    return [each["Key"] for each in listed.get("Contents", [])]


def test_an_interrupted_apply_releases_the_lock_and_goes_on_later(project: Project) -> None:
    apply = project.start("apply", "sandbox")
    until(logged(project, "apply", '"type":"apply_start"', DATABASE))
    # Meanwhile, nobody else works on the same environment.
    said = project.must("plan", "sandbox", exit_code=9)
    assert f"another nexusctl (pid {apply.pid}) is at work on sandbox" in said
    apply.send_signal(signal.SIGINT)
    out, err = apply.communicate(timeout=200)
    assert apply.returncode == 130, out + err
    assert plans_left(project) == []
    assert "stopping: Terraform finishes what is in flight" in err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert locks(project) == []
    said = project.must("plan", "sandbox", "--detailed-exitcode", exit_code=2)
    assert "did not come to its end" in said
    # What was created is in the state, so it is not planned again.
    assert "aws_vpc.main" not in said
    # What was being created is tainted; it can be kept.
    assert f"{DATABASE} is replaced because its creation was interrupted" in said
    assert f"nexusctl terraform sandbox -- untaint {DATABASE}" in said
    project.must("terraform", "sandbox", "--", "untaint", DATABASE)
    assert f"{DATABASE} is replaced" not in project.must("plan", "sandbox")


def test_a_terminal_that_stops_reading_holds_nothing_up(project: Project) -> None:
    screen, terminal = pty.openpty()
    apply = project.start("apply", "sandbox", output=terminal)
    with ThreadPoolExecutor() as threads, closing(terminal, apply):
        threads.submit(read_to_the_end, screen)
        until(applying(project), 200.0)
        termios.tcflow(terminal, termios.TCOOFF)  # as Ctrl-S does
        apply.send_signal(signal.SIGTERM)
        until(lambda: locks(project) == [] and nobody_at_work(project))
        assert "did not come to its end" in project.must("plan", "sandbox")
        assert apply.poll() is None, "it waits to say how it ended"
        apply.send_signal(signal.SIGTERM)
        assert apply.wait(10) == 130


def nobody_at_work(project: Project) -> bool:
    try:
        with WorkDirectory(project.root / ".nexusctl/sandbox/sandbox").alone():
            return True
    except Refused:
        return False


@contextmanager
def closing(terminal: int, process: "subprocess.Popen[str]") -> Iterator[None]:
    """Close the terminal of a process in the end, which ends with it."""
    try:
        yield
    finally:
        process.kill()
        process.wait()
        termios.tcflow(terminal, termios.TCOON)
        os.close(terminal)


def read_to_the_end(screen: int) -> None:
    with suppress(OSError), os.fdopen(screen, "rb") as output:
        while output.read(1024):
            pass


def test_an_interrupted_plan_is_not_gone_on_with(project: Project) -> None:
    apply = project.start("apply", "sandbox")
    # Terraform is about to end, and well.
    until(logged(project, "plan", '"type":"planned_change"'))
    apply.send_signal(signal.SIGINT)
    out, err = apply.communicate(timeout=60)
    assert apply.returncode == 130, out + err
    assert "Traceback" not in err
    assert plans_left(project) == []
    assert locks(project) == []
    assert not logged(project, "apply", "{")()


def test_a_killed_terraform_leaves_a_lock_that_is_explained(project: Project) -> None:
    apply = project.start("apply", "sandbox")
    until(applying(project))
    os.kill(terraform_of(project), signal.SIGKILL)
    out, err = apply.communicate(timeout=60)
    assert apply.returncode == 6, out + err
    assert "Terraform was killed by signal 9" in err
    said = project.must("plan", "sandbox", exit_code=6)
    assert "holds the lock (apply) since" in said
    assert "release the lock: nexusctl unlock sandbox" in said
    assert "next: nexusctl plan sandbox" in project.must("unlock", "sandbox", "--yes")
    assert "did not come to its end" in project.must("plan", "sandbox")


def test_a_killed_sandbox_ends_the_apply_and_is_told_of(project: Project) -> None:
    apply = project.start("apply", "sandbox")
    until(applying(project))
    running = project.sandbox.status()
    assert isinstance(running, Running)
    os.kill(running.pid, signal.SIGKILL)
    # Terraform would try for a long time to reach an AWS that is gone.
    until(lambda: not isinstance(project.sandbox.status(), Running | Stopped))
    apply.send_signal(signal.SIGINT)
    out, err = apply.communicate(timeout=200)
    assert apply.returncode in (6, 130), out + err
    said = project.must("plan", "sandbox")
    assert f"the sandbox server (pid {running.pid}) had ended unexpectedly" in said
    assert "aws_vpc.main" in said, "the state went with it, so everything is planned again"
    assert "did not come to its end" not in said, "nothing is left of it"


def test_an_error_of_awss_names_the_line_of_the_environment(project: Project) -> None:
    project.edit("sandbox", "eu-central-1b]", "eu-central-1x]")
    said = project.must("apply", "sandbox", exit_code=6)
    assert "environments/sandbox.yaml:" in said
    assert "network.availability_zones[1]" in said
    assert said.count("InvalidParameterValue") == 1


def test_without_credentials_it_says_how_to_get_some(project: Project) -> None:
    lonely = Project(
        project.root,
        {
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
        },
    )
    said = lonely.must("plan", "dev", exit_code=7)
    assert "sign in to AWS" in said
    assert "--sandbox" in said
