"""Progress on a standard error that cannot be written to."""

import errno
import io
import sys

import pytest

from nexusctl.commands.display import Display
from nexusctl.terraform.events import ResourceEvent


class Full(io.StringIO):
    """A file on a disk that is full."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_the_work_goes_on_where_progress_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    display = Display()
    with display.phase("apply") as phase:
        follow = display.resources(phase)
        follow(ResourceEvent("apply_complete", "aws_vpc.main", "create"))
        phase.note("done")
    display.warn("nobody reads this")
    assert follow.changed == 1
