"""Documents kept between commands."""

import json
import stat
from pathlib import Path

import pytest

from nexusctl.policy.cache import _KEPT, Cache, policies_digest

ANSWER = {"records": [{"policy": "A", "passed": False}]}


def test_answer_comes_back(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert cache.get("key") is None
    cache.put("key", ANSWER)
    assert cache.get("key") == ANSWER
    assert cache.get("other") is None
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    (file,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("old", "new"), [("false", "true"), ('"key": "key"', '"key": "other"'), ("}", ""), ("{", "[")]
)
def test_altered_entry_is_none(tmp_path: Path, old: str, new: str) -> None:
    cache = Cache(tmp_path)
    cache.put("key", ANSWER)
    (file,) = tmp_path.iterdir()
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert cache.get("key") is None


def test_entry_of_another_key_is_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("key", ANSWER)
    cache.put("other", ANSWER)
    one, other = sorted(tmp_path.iterdir())
    one.replace(other)
    assert [cache.get("key"), cache.get("other")] == [None, None]


def test_old_entries_are_forgotten(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for number in range(_KEPT + 1):
        cache.put(f"key{number}", ANSWER)
    assert len(list(tmp_path.iterdir())) <= _KEPT // 2 + 1
    assert cache.get(f"key{_KEPT}") == ANSWER


def test_directory_that_cannot_be_made_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache")
    cache.put("key", ANSWER)
    assert cache.get("key") is None


def test_digest_changes_with_any_policy(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("1")
    digest = policies_digest(tmp_path)
    assert policies_digest(tmp_path) == digest
    (tmp_path / "one.py").write_text("2")
    assert policies_digest(tmp_path) != digest
    (tmp_path / "one.py").write_text("1")
    (tmp_path / "_shared.py").write_text("")
    assert policies_digest(tmp_path) != digest


def test_entry_is_json_with_its_key(tmp_path: Path) -> None:
    Cache(tmp_path).put("key", ANSWER)
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text())["key"] == "key"
