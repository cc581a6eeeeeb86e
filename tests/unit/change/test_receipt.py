import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.change.receipt import Basis, State, misfits, moved, parse_receipt
from nexusctl.errors import Exit, Refused
from nexusctl.terraform.plan_file import PlanFile
from nexusctl.terraform.state import StateVersion
from tests.unit.change.receipts import BASIS, LINEAGE, MADE, RECEIPT, digest

NOW = MADE + timedelta(minutes=30)
DOCUMENT = json.loads(RECEIPT.document())


def basis(**changes: Any) -> Basis:
    return BASIS.model_copy(update=changes)


def told(present: Basis = BASIS, now: datetime = NOW, **on_disk: Any) -> list[str]:
    return [str(each) for each in moved(RECEIPT, now, present, **on_disk)]


def test_a_receipt_is_the_same_after_its_json() -> None:
    assert parse_receipt(RECEIPT.document().encode()) == RECEIPT
    assert parse_receipt(RECEIPT.document().encode()).id == RECEIPT.id
    other = RECEIPT.model_copy(update={"dirty": False})
    assert other.id != RECEIPT.id


def test_nothing_has_moved_where_all_is_as_it_was() -> None:
    assert told() == []
    assert told(on_disk=BASIS.files) == []
    assert told(basis(state=None)) == [], "the backend has not been asked"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"nexusctl": "1.2.4"}, "nexusctl: 1.2.3 → 1.2.4"),
        ({"engine": "tofu 1.11.0"}, "engine: terraform 1.11.4 → tofu 1.11.0"),
        ({"account": "444455556666"}, "AWS account: 111122223333 → 444455556666"),
        ({"region": "eu-west-1"}, "region: eu-central-1 → eu-west-1"),
        (
            {"backend": "local, on ci"},
            "backend of the state: s3://states/prod.tfstate in eu-central-1 → local, on ci",
        ),
        ({"plan": digest("7")}, "plan file: 66666666 → 77777777 (altered)"),
        (
            {"policies": {"tls.py": digest("4"), "pool.py": digest("0")}},
            "policy pool.py: 55555555 → 00000000",
        ),
        ({"policies": {"pool.py": digest("5")}}, "policy tls.py: 44444444 → none"),
        (
            {"policies": {**BASIS.policies, "new.py": digest("8")}},
            "policy new.py: none → 88888888",
        ),
        (
            {"state": State(lineage=LINEAGE, serial=13)},
            "state: serial 12 → serial 13 (somebody applied meanwhile)",
        ),
        (
            {"state": State(lineage=LINEAGE, serial=11)},
            "state: serial 12 → serial 11 (an older one is back)",
        ),
        (
            {"state": State(lineage="another", serial=12)},
            "state: serial 12 of b1b4b19d → serial 12 of another (it is another state)",
        ),
        (
            {"state": State(lineage="", serial=0)},
            "state: serial 12 of b1b4b19d → none (it is gone)",
        ),
    ],
)
def test_what_moved_is_named(changes: dict[str, Any], line: str) -> None:
    assert told(basis(**changes)) == [line]


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("main.tf", "rendered file main.tf"),
        (".terraform.lock.hcl", "lock file .terraform.lock.hcl"),
        ("modules/proxy/main.tf", "module file modules/proxy/main.tf"),
    ],
)
def test_files_are_called_what_they_are(name: str, called: str) -> None:
    files = {**BASIS.files, name: digest("9")}
    (line,) = told(basis(files=files))
    assert line.startswith(f"{called}: ")
    assert "was edited" in line
    (line,) = told(on_disk=files)
    assert line.startswith(f"{called}: ")
    assert "edited in the work directory" in line
    assert len(told(basis(files=files), on_disk=files)) == 1, "once is enough"


def test_all_that_moved_is_named_at_once() -> None:
    present = basis(engine="tofu 1.11.0", plan=digest("7"), state=State(lineage=LINEAGE, serial=13))
    assert len(told(present, MADE + timedelta(days=1))) == 4


def test_the_first_apply_is_done_once() -> None:
    receipt = RECEIPT.model_copy(update={"basis": basis(state=State(lineage="", serial=0))})
    (line,) = moved(receipt, NOW, BASIS)
    assert str(line) == "state: none → serial 12 of b1b4b19d (somebody applied meanwhile)"
    assert moved(receipt, NOW, receipt.basis) == ()


def test_a_plan_has_its_time() -> None:
    assert told(now=RECEIPT.expires - timedelta(seconds=1)) == []
    (line,) = told(now=RECEIPT.expires)
    assert line.startswith("age: good until ")
    assert line.endswith("(expired)")
    assert told(now=MADE - timedelta(minutes=1)) == [], "clocks differ a little"
    (line,) = told(now=MADE - timedelta(hours=1))
    assert line.endswith("(the clocks differ)")


def test_a_plan_file_belongs_to_its_receipt() -> None:
    files = {name: each for name, each in BASIS.files.items() if name.endswith(".tf")}
    state = StateVersion(LINEAGE, 12)
    assert misfits(RECEIPT, PlanFile(state, files)) == ()
    other = {"main.tf": digest("9"), "extra.tf": digest("8")}
    assert [str(each) for each in misfits(RECEIPT, PlanFile(StateVersion("", 0), other))] == [
        "file extra.tf of the plan: none → 88888888 (it is of another plan)",
        "file main.tf of the plan: 11111111 → 99999999 (it is of another plan)",
        "file modules/proxy/main.tf of the plan: 33333333 → none (it is of another plan)",
        "state: serial 12 of b1b4b19d → none (it is gone)",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "of a version that this nexusctl does not know"),
        ({"environment": "../../prod"}, "environment"),
        ({"who": "\x1b[2J"}, "cannot be printed"),
        ({"expires": "2027-01-01T00:00:00Z"}, "longer than 7 days"),
        ({"expires": "2026-03-04T11:00:00Z"}, "not at all"),
        ({"made": "9999-12-31T23:00:00Z", "expires": "9999-12-31T23:30:00Z"}, "no clock shows"),
        ({"made": "2026-03-04T12:00:00"}, "made"),
        ({"commit": "main; rm -rf"}, "commit"),
        ({"extra": 1}, "extra"),
        ({"basis": DOCUMENT["basis"] | {"state": None}}, "names no state"),
        ({"basis": DOCUMENT["basis"] | {"plan": None}}, "basis.plan"),
        ({"basis": DOCUMENT["basis"] | {"files": {"main.tf": "short"}}}, "files"),
    ],
)
def test_a_receipt_that_is_none_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        parse_receipt(json.dumps(DOCUMENT | change).encode())
    assert refused.value.exit_code is Exit.REFUSED
    assert refused.value.hint
    assert str(refused.value).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from([*DOCUMENT, *DOCUMENT["basis"]]), JSON)
def test_whatever_stands_in_a_receipt_is_taken_or_refused(key: str, value: Any) -> None:
    changed = json.loads(json.dumps(DOCUMENT))
    (changed if key in changed else changed["basis"])[key] = value
    try:
        receipt = parse_receipt(json.dumps(changed).encode())
    except Refused:
        return
    for line in moved(receipt, NOW, BASIS):
        assert str(line).isprintable()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        parse_receipt(content)
    with pytest.raises(Refused):
        parse_receipt(RECEIPT.document().encode()[: len(content)])
