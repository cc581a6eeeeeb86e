"""Terraform's plugin cache is no place for two `terraform init` at once."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

# Holds the cache until its input ends.
HOLDER = """
import os, sys
from nexusctl.terraform.plugin_cache import plugin_cache_to_itself
with plugin_cache_to_itself(dict(os.environ)):
    print("in", flush=True)
    sys.stdin.read()
"""


class Holder:
    """A process that is, or wants to be, in the block."""

    def __init__(self, home: Path, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            env={"HOME": str(home)} | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def is_in(self) -> bool:
        assert self.process.stdout is not None
        return self.process.stdout.readline() == "in\n"

    def waits(self) -> bool:
        """Whether it sleeps in flock(2), which the kernel shows in /proc/locks."""
        line = f" {self.process.pid} "
        return any("->" in each and line in each for each in _locks())

    def leave(self) -> None:
        self.process.communicate(timeout=20)


def _locks() -> list[str]:
    return Path("/proc/locks").read_text().splitlines()


@pytest.mark.parametrize("shared", ["TF_PLUGIN_CACHE_DIR", "TF_CLI_CONFIG_FILE"])
def test_the_second_waits_for_the_first(tmp_path: Path, shared: str) -> None:
    place = tmp_path / "shared"
    if shared == "TF_PLUGIN_CACHE_DIR":
        place.mkdir()
    else:
        place.write_text(f'plugin_cache_dir = "{tmp_path}"\n')
    first = Holder(tmp_path, **{shared: str(place)})
    assert first.is_in()
    second = Holder(tmp_path, **{shared: str(place)})
    deadline = time.monotonic() + 20
    while not second.waits():
        assert second.process.poll() is None
        assert time.monotonic() < deadline, "it does not wait"
        time.sleep(0.02)
    first.leave()
    assert second.is_in()
    second.leave()


def test_those_that_share_nothing_do_not_wait(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    one, other = (
        Holder(tmp_path, TF_PLUGIN_CACHE_DIR=str(tmp_path / "cache")),
        Holder(tmp_path, TF_PLUGIN_CACHE_DIR=str(tmp_path / "missing")),
    )
    assert one.is_in()
    assert other.is_in()
    one.leave()
    other.leave()
