"""Baselines: what was there before is known, and only what is new fails."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.errors import UsageWrong
from nexusctl.policy.baseline import Baseline, write
from nexusctl.policy.verdict import Outcome
from tests.unit.policy.findings import about, finding, verdict

OLD, NEW = about("NEXUS_OLD"), about("NEXUS_NEW")
TLS = about("NEXUS_PROXY_TLS", waivable=False)


def test_what_was_written_is_known_and_the_rest_fails(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    assert write([verdict(finding(OLD))], file) == (1, 0)
    judged = Baseline.read(file).apply(verdict(finding(OLD), finding(NEW)))
    assert {each.policy.id: each.outcome for each in judged.findings} == {
        "NEXUS_OLD": Outcome.KNOWN,
        "NEXUS_NEW": Outcome.FAILED,
    }
    assert not judged.passed
    assert Baseline.read(file).apply(verdict(finding(OLD))).passed


def test_known_findings_stay_known_when_it_is_written_again(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write([verdict(finding(OLD))], file)
    again = Baseline.read(file).apply(verdict(finding(OLD)))
    before = file.read_bytes()
    assert write([again], file) == (1, 0)
    assert file.read_bytes() == before


def test_what_cannot_be_waived_is_never_known(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    assert write([verdict(finding(TLS))], file) == (0, 1)
    known = finding(TLS)
    entry = {"name": "prod", "policy": TLS.id, "resource": known.resource, "message": known.message}
    file.write_text(json.dumps({"format": "nexusctl/baseline", "version": 1, "known": [entry]}))
    assert not Baseline.read(file).apply(verdict(finding(TLS))).passed


def test_finding_that_gets_worse_is_new(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write([verdict(finding(OLD))], file)
    worse = replace(finding(OLD), message="another message")
    assert not Baseline.read(file).apply(verdict(worse)).passed


def test_baseline_of_another_environment_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write([verdict(finding(OLD), name="staging")], file)
    assert not Baseline.read(file).apply(verdict(finding(OLD))).passed


def test_mended_entries_are_announced(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write([verdict(finding(OLD), finding(NEW))], file)
    (notice,) = Baseline.read(file).apply(verdict(finding(OLD))).notices
    assert "1 of 2 entries" in notice


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "[]",
        "{}",
        '{"format": "nexusctl/baseline", "version": 2, "known": []}',
        '{"format": "nexusctl/baseline", "version": 1, "known": [{}]}',
        '{"format": "nexusctl/baseline", "version": 1, "known": "all"}',
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageWrong, match=r"baseline\.json"):
        Baseline.read(file)
