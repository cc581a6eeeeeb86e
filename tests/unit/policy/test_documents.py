"""What is no plan, state or baseline, and is neither waited for nor read to its end."""

import os
from pathlib import Path

import pytest

from nexusctl.errors import ToolUnfit, UsageWrong
from nexusctl.policy.baseline import Baseline
from nexusctl.policy.documents import Unreadable, read_document
from nexusctl.policy.planned import read_plan

DEEP = "[" * 50_000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (DEEP, "nested too deeply"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "a key is there twice"),
        ("{", "not a JSON document"),
        ("\udcff", "not a JSON document"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Unreadable, match=why):
        read_document(file)


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(Unreadable, match="not a regular file"):
            read_document(file)
    with pytest.raises(Unreadable, match="No such file"):
        read_document(tmp_path / "absent")


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Unreadable, match="larger than 256 MiB"):
        read_document(tmp_path / "x.json")


def test_who_reads_them_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(DEEP)
    with pytest.raises(ToolUnfit, match="nested too deeply"):
        read_plan(tmp_path / "x.json")
    with pytest.raises(UsageWrong, match="nested too deeply"):
        Baseline.read(tmp_path / "x.json")
