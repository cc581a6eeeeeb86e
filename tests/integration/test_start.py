"""Commands load what they use: the heavy libraries cost seconds."""

import json
import os
import subprocess
import sys

import pytest

from nexusctl.workspace import PACKAGE

LOADED = """
import contextlib, io, json, sys
from nexusctl.main import main
with contextlib.redirect_stdout(io.StringIO()):
    exit_code = main(sys.argv[1:])
print(json.dumps([exit_code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
HEAVY = {
    *("botocore", "boto3", "checkov", "jinja2", "matplotlib", "moto"),
    *("pydantic", "rich", "yaml"),
}


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("--version", set()),
        ("--help", set()),
        ("envs", {"pydantic", "yaml"}),
        ("validate --all", {"pydantic", "yaml"}),
        ("render prod", {"pydantic", "yaml", "jinja2", "rich"}),
        ("budget prod", {"pydantic", "yaml", "rich"}),
    ],
)
def test_a_command_loads_only_what_it_needs(line: str, needed: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *line.split()],
        cwd=PACKAGE.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    exit_code, loaded = json.loads(done.stdout)
    assert exit_code == 0
    assert HEAVY & set(loaded) == needed


# A display that a running Terraform keeps busy, after the reader of standard error has left.
CLOSED_PIPE = """
import os, sys
from nexusctl.commands.display import Display
read, write = os.pipe()
os.dup2(write, 2)
os.close(write)
os.close(read)
display = Display()
with display.phase("apply") as phase:
    for _ in range(3):
        display.say("line")
print("went on")
"""


def test_progress_that_nobody_reads_does_not_end_the_work() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLOSED_PIPE], stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout == "went on\n"


def test_a_report_that_nobody_reads_is_not_a_success() -> None:
    done = subprocess.run(
        ["sh", "-c", f"({sys.executable} -m nexusctl render prod; echo $? >&2) | true"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "130\n"


@pytest.mark.parametrize(
    ("line", "exit_code"),
    [
        ("envs >&-", 0),
        ("--version >&-", 0),
        ("validate nope 2>&-", 3),
        ("output nope 2>/dev/full", 3),
        ("validate nope <&- >&- 2>&-", 3),
        ("envs >/dev/full", 8),
    ],
)
def test_streams_that_are_closed_or_full_change_no_exit_code(line: str, exit_code: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m nexusctl {line}"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (exit_code, False)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output_is_named(unbuffered: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m nexusctl envs >/dev/full"],
        cwd=PACKAGE.parent,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 8
    assert done.stderr == (
        "error: standard output: No space left on device\n"
        " hint: free space on the disk that standard output goes to, then the same command again\n"
    )
