import base64
import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexusctl.change import bundle
from nexusctl.change.bundle import (
    KEY_VARIABLE,
    find_key,
    is_bundle_name,
    read_bundle,
    refuse_other_files,
    write_bundle,
)
from nexusctl.change.sealed import Sealed
from nexusctl.errors import Exit, NexusError, Refused, UsageWrong
from tests.unit.change.receipts import RECEIPT

KEY = b"a key of at least twenty characters"
SAME_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
SEALED = Sealed(RECEIPT, b"PK\x03\x04 with a password in clear")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretching a key takes half a second on purpose; tests/integration does it for real."""
    monkeypatch.setitem(bundle._SCRYPT, "n", 2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "prod.nexus-plan"
    write_bundle(written, SEALED, KEY)
    return written


def test_it_comes_out_as_it_went_in(file: Path) -> None:
    assert read_bundle(file, KEY, unencrypted=False) == SEALED
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_nothing_can_be_read_in_it_and_no_two_are_alike(file: Path) -> None:
    first = file.read_bytes()
    content = base64.urlsafe_b64decode(json.loads(first)["content"])
    for clear in (b"password", b"prod", b"arn:", b"eu-central-1"):
        assert clear not in content
        assert base64.b64encode(clear)[:4] not in content
    write_bundle(file, SEALED, KEY)
    assert file.read_bytes() != first


def test_another_key_opens_nothing(file: Path) -> None:
    with pytest.raises(Refused, match="another key, or altered") as refused:
        read_bundle(file, b"another key of twenty characters", unencrypted=True)
    assert refused.value.exit_code is Exit.REFUSED
    with pytest.raises(Refused, match="is encrypted"):
        read_bundle(file, None, unencrypted=True)


def test_what_is_not_encrypted_is_taken_only_when_asked_for(file: Path) -> None:
    write_bundle(file, SEALED, None)
    assert file.stat().st_mode & 0o777 == 0o600
    for key in (None, KEY):
        with pytest.raises(Refused, match="not encrypted: anybody may have made it"):
            read_bundle(file, key, unencrypted=False)
    assert read_bundle(file, None, unencrypted=True) == SEALED


@SAME_FILE
@given(st.data())
def test_every_change_of_a_byte_is_noticed(file: Path, data: st.DataObject) -> None:
    whole = file.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[place]))
    other = file.with_name("other")
    other.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
    with contextlib.suppress(Refused):  # else it says the same, written otherwise
        assert read_bundle(other, KEY, unencrypted=False) == SEALED


@SAME_FILE
@given(st.integers(0, 400))
def test_a_file_that_was_cut_off_is_refused(file: Path, missing: int) -> None:
    whole = file.read_bytes()
    other = file.with_name("other")
    other.write_bytes(whole[: len(whole) - 1 - missing])
    with pytest.raises(Refused, match="was cut off"):
        read_bundle(other, KEY, unencrypted=False)


@SAME_FILE
@given(st.binary(max_size=300))
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    with pytest.raises(Refused):
        read_bundle(file, KEY, unencrypted=True)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"encryption": {"method": "none", "salt": "", "nonce": ""}},
        {"encryption": {"method": "scrypt, AES-256-GCM", "salt": "AAAA", "nonce": "AAAA"}},
        {"more": 1},
        {"content": 7},
    ],
)
def test_a_document_of_another_form_is_refused(file: Path, change: dict[str, Any]) -> None:
    file.write_text(json.dumps(json.loads(file.read_bytes()) | change))
    with pytest.raises(Refused):
        read_bundle(file, KEY, unencrypted=True)


def test_a_file_that_is_too_large_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 100)
    with pytest.raises(Refused, match="more than 100 bytes"):
        read_bundle(file, KEY, unencrypted=False)


def test_a_file_that_is_not_there_is_a_wrong_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageWrong, match="No such file"):
        read_bundle(tmp_path / "missing.nexus-plan", KEY, unencrypted=False)


def test_only_earlier_plans_are_overwritten(file: Path, tmp_path: Path) -> None:
    refuse_other_files(file)
    refuse_other_files(tmp_path / "new")
    (tmp_path / "prod.yaml").write_text("extends: base\n")
    for other in (tmp_path / "prod.yaml", tmp_path):
        with pytest.raises(Refused, match="is no sealed plan"):
            write_bundle(other, SEALED, KEY)
    assert (tmp_path / "prod.yaml").read_text() == "extends: base\n"


def test_the_key_comes_from_a_file_or_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    assert find_key(file, {}) == KEY
    assert find_key(None, {"NEXUSCTL_PLAN_KEY": KEY.decode()}) == KEY
    assert find_key(file, {"NEXUSCTL_PLAN_KEY": "another one of twenty characters"}) == KEY
    assert find_key(None, {}) is None


def test_the_same_key_is_the_same_however_it_is_given(tmp_path: Path) -> None:
    key, file = "k" * 40, tmp_path / "key"
    file.write_bytes(f"\ufeff{key}\r\n".encode())
    assert find_key(file, {}) == find_key(None, {KEY_VARIABLE: f"{key}\n"}) == key.encode()


def test_a_key_in_no_encoding_is_a_wrong_command_line() -> None:
    with pytest.raises(UsageWrong, match="not UTF-8"):
        find_key(None, {KEY_VARIABLE: os.fsdecode(b"\xff\xfe" + b"a" * 40)})


@pytest.mark.parametrize("content", [b"", b"password", b" " * 30, b"\xff" * 30])
def test_a_key_that_is_none_is_refused_and_not_shown(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(UsageWrong) as wrong:
        find_key(file, {})
    assert "password" not in f"{wrong.value} {wrong.value.hint}"
    with pytest.raises(NexusError):
        find_key(tmp_path / "missing", {})


@pytest.mark.parametrize("name", ["prod", "eu-prod-2"])
def test_environments_are_no_files(name: str) -> None:
    assert not is_bundle_name(name)
    assert is_bundle_name(f"./{name}")
    assert is_bundle_name(f"{name}.nexus-plan")
