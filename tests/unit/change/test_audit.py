import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from nexusctl.change.audit import Record, append, last_applied


def record(why: str = "", microsecond: int = 0) -> Record:
    return Record(
        at=datetime(2026, 3, 4, 12, 0, 0, microsecond, UTC),
        environment="prod",
        sandbox=False,
        account="111122223333",
        command="apply",
        outcome="done",
        who="arn:aws:iam::111122223333:user/jo",
        by="jo@laptop",
        planned_by="arn:aws:iam::111122223333:user/ci",
        commit="a" * 40,
        dirty=False,
        receipt="282832d09ee8",
        planned={"update": 1},
        done={"create": 0, "update": 1, "destroy": 0},
        why=why,
    )


def test_a_record_is_one_line_of_json() -> None:
    line = record("a\nb").line()
    assert line.count("\n") == 1
    told = json.loads(line)
    assert told["format"] == "nexusctl/audit"
    assert told["version"] == 1
    assert told["at"] == "2026-03-04T12:00:00.000+00:00"
    assert told["done"] == {"create": 0, "update": 1, "destroy": 0}


def test_names_are_in_the_order_of_time() -> None:
    assert record().name == "20260304T120000.000000Z-282832d09ee8-done.jsonl"
    assert record().name < record(microsecond=1).name


def test_what_has_no_receipt_is_called_after_its_command() -> None:
    released = replace(record(), command="unlock", receipt=None)
    assert released.name == "20260304T120000.000000Z-unlock-done.jsonl"


def test_the_log_is_appended_to_and_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "audit/prod.jsonl"

    def write() -> None:
        for _ in range(20):
            append(file, record("x" * 3000))

    writers = [Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = file.read_text().splitlines()
    assert len(lines) == 80
    assert {json.loads(line)["why"] for line in lines} == {"x" * 3000}
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_the_last_apply_is_found_unless_all_was_destroyed_since(tmp_path: Path) -> None:
    file = tmp_path / "audit/prod.jsonl"
    assert last_applied(file) is None
    append(file, replace(record(), sandbox=True))
    append(file, replace(record(), command="unlock"))
    assert last_applied(file) is None
    append(file, replace(record(), outcome="failed"))
    append(file, replace(record(), command="destroy", outcome="refused"))
    with file.open("a") as log:
        log.write("[1]\n{cut off")
    assert last_applied(file) == "2026-03-04T12:00:00.000+00:00"
    with file.open("a") as log:
        log.write("\n")
    append(file, replace(record(), command="destroy"))
    assert last_applied(file) is None
