"""Answers kept between commands."""

import json
import stat
from pathlib import Path

import pytest

from nexusctl.policy.cache import AnswerCache

ANSWER = {"records": [{"policy": "A", "passed": False}]}


def test_answer_comes_back(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "cache")
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
    cache = AnswerCache(tmp_path)
    cache.put("key", ANSWER)
    (file,) = tmp_path.iterdir()
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert cache.get("key") is None


def test_entry_of_another_key_is_none(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path)
    cache.put("key", ANSWER)
    (tmp_path / "key.json").rename(tmp_path / "other.json")
    assert cache.get("other") is None


def test_old_entries_are_forgotten(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path)
    for number in range(100):
        cache.put(f"key{number}", ANSWER)
    assert len(list(tmp_path.iterdir())) == 64
    assert cache.get("key99") == ANSWER


def test_directory_that_cannot_be_made_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = AnswerCache(tmp_path / "file" / "cache")
    cache.put("key", ANSWER)
    assert cache.get("key") is None


def test_key_changes_with_the_root_and_with_any_policy(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "cache")
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "one.py").write_text("1")
    key = cache.key("plan", "digest", policies)
    assert cache.key("plan", "digest", policies) == key
    assert cache.key("plan", "another", policies) != key
    (policies / "one.py").write_text("2")
    assert cache.key("plan", "digest", policies) != key
    (policies / "one.py").write_text("1")
    (policies / "_shared.py").write_text("")
    assert cache.key("plan", "digest", policies) != key


def test_entry_is_json_with_its_key(tmp_path: Path) -> None:
    AnswerCache(tmp_path).put("key", ANSWER)
    assert json.loads((tmp_path / "key.json").read_text())["key"] == "key"
