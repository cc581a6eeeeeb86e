import contextlib
import json
from hashlib import sha256
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.errors import Refused
from nexusctl.terraform import plan_file
from nexusctl.terraform.plan_file import read_plan_file
from nexusctl.terraform.state import StateVersion

MODULES = [{"Key": "", "Dir": "."}, {"Key": "proxy", "Dir": "modules/proxy"}]
STATE = {"version": 4, "serial": 7, "lineage": "b1b4", "outputs": {"password": "in clear"}}


def archive(**changes: str | None) -> bytes:
    entries = {
        "tfplan": "protobuf",
        "tfstate": json.dumps(STATE),
        "tfconfig/modules.json": json.dumps(MODULES),
        "tfconfig/m-/main.tf": "root",
        "tfconfig/m-proxy/iam.tf": "proxy",
        ".terraform.lock.hcl": "locks",
    }
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as made:
        for name, text in (entries | changes).items():
            if text is not None:
                made.writestr(name, text)
    return content.getvalue()


def test_it_tells_the_state_and_the_files_that_it_was_made_from() -> None:
    found = read_plan_file(archive())
    assert found.state == StateVersion("b1b4", 7)
    assert found.files == {
        "main.tf": sha256(b"root").hexdigest(),
        "modules/proxy/iam.tf": sha256(b"proxy").hexdigest(),
    }
    assert "in clear" not in repr(found)


def test_before_the_first_apply_there_is_no_state() -> None:
    none = json.dumps({"version": 4, "serial": 0, "lineage": ""})
    assert read_plan_file(archive(tfstate=none)).state == StateVersion("", 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a zip",
        archive(tfstate=None),
        archive(tfstate="{}"),
        archive(tfstate="[1]"),
        archive(**{"tfconfig/modules.json": "{}"}),
        archive(**{"tfconfig/m-unknown/main.tf": "x"}),
        archive()[:-30],
    ],
    ids=["empty", "text", "no-state", "no-lineage", "list", "no-modules", "unknown", "cut-off"],
)
def test_what_is_no_plan_file_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="no plan file of Terraform's"):
        read_plan_file(content)


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_file, "MAX_BYTES", 10_000)
    bomb = archive(**{"tfconfig/m-/bomb.tf": "0" * 1_000_000})
    assert len(bomb) < 10_000
    with pytest.raises(Refused, match="unpacks to more than"):
        read_plan_file(bomb)


@settings(deadline=None)
@given(st.data())
def test_a_changed_byte_is_read_or_refused(data: st.DataObject) -> None:
    whole = archive()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:place] + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]
    with contextlib.suppress(Refused):
        read_plan_file(changed)
