"""Commands load what they use: the heavy libraries cost seconds."""

import json
import subprocess
import sys

import pytest

from nexusctl.workspace import PACKAGE

LOADED = """
import contextlib, io, json, sys
from nexusctl.__main__ import main
with contextlib.redirect_stdout(io.StringIO()):
    exit_code = main(sys.argv[1:])
print(json.dumps([exit_code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
HEAVY = {"botocore", "boto3", "checkov", "jinja2", "moto", "pydantic", "rich", "yaml"}


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("--version", set()),
        ("--help", set()),
        ("envs", {"pydantic", "yaml"}),
        ("validate --all", {"pydantic", "yaml"}),
        ("render prod", {"pydantic", "yaml", "jinja2", "rich"}),
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
