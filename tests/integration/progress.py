"""How far a command of nexusctl's has come, read from Terraform's logs, and what it leaves."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.faulty_endpoint import BUCKET
from tests.integration.project import Project


def until(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.02)


def reached(process: "subprocess.Popen[str]", point: Callable[[], bool]) -> None:
    """Wait until a running nexusctl has come to a point, which it must before it ends."""
    until(lambda: point() or process.poll() is not None, 200.0)
    assert point(), process.communicate()


class Progress:
    """The log of the next run of a command of Terraform's in a work directory.

    Made before that run begins.
    """

    def __init__(self, work: Path, command: str) -> None:
        self._logs = work / "logs"
        self._pattern = f"*Z-{command}.log"
        self._before = set(self._logs.glob(self._pattern))

    def lines(self) -> list[str]:
        new = set(self._logs.glob(self._pattern)) - self._before
        return [line for log in new for line in log.read_text().splitlines()]

    def begun(self) -> bool:
        return bool(set(self._logs.glob(self._pattern)) - self._before)

    def said(self, *words: str) -> Callable[[], bool]:
        """Whether a line has all of the words."""
        return lambda: any(all(word in line for word in words) for line in self.lines())

    def completed(self, count: int) -> Callable[[], bool]:
        """Whether so many resources are made."""
        return lambda: sum('"type":"apply_complete"' in line for line in self.lines()) >= count


def work_of(project: Project, environment: str) -> Path:
    return project.root / ".nexusctl/aws" / environment


def locks(project: Project, environment: str) -> list[str]:
    key = f"keystone-nexus/{environment}/terraform.tfstate.tflock"
    listed = project.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=key)
    return [each["Key"] for each in listed.get("Contents", [])]
