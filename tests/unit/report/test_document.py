"""The JSON of verdicts: described by its schema to the last property."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nexusctl.environment.load import load
from nexusctl.policy.verdict import Outcome
from nexusctl.report import document
from nexusctl.report.formats import FORMATS
from nexusctl.workspace import PACKAGE
from tests.unit.report.verdicts import DENIED, WAIVED, finding, hostile, real, setting, verdict

SCHEMA = json.loads((PACKAGE.parent / "docs/verdict.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

EVERYTHING = [real(), verdict(WAIVED, subject="plan"), verdict(finding(), root=Path("tf"))]


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """All JSON objects in a document, or the schemas of objects in a schema."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from objects(each)


def test_the_schema_is_one_and_describes_every_property_of_closed_objects() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    described = [each for each in objects(SCHEMA) if each.get("type") == "object"]
    assert len(described) == 6
    for each in described:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])
        assert all(of["description"] for of in each["properties"].values())


@pytest.mark.parametrize("judged", [[], EVERYTHING, [hostile()]])
def test_documents_are_what_the_schema_says(judged: Any) -> None:
    VALIDATOR.validate(json.loads(FORMATS["json"](judged)))


def test_a_property_that_the_schema_lacks_is_no_part_of_a_document() -> None:
    whole = document.verdicts(EVERYTHING)
    for number, _each in enumerate(objects(whole)):
        changed = copy.deepcopy(whole)
        list(objects(changed))[number]["extra"] = 1
        assert not VALIDATOR.is_valid(changed)


def test_a_finding_says_all_there_is_to_say() -> None:
    (only,) = document.verdict(verdict(DENIED))["findings"]
    assert only == {
        "policy": "NEXUS_PROXY_TLS",
        "title": "RDS Proxy requires TLS",
        "severity": "critical",
        "outcome": "failed",
        "resource": "module.proxy.aws_db_proxy.main",
        "message": "require_tls is not true: clients may connect without TLS",
        "why": "Without require_tls a client may send its IAM token and every row in clear.",
        "fix": "set proxy.require_tls: true",
        "file": "modules/proxy/main.tf",
        "line": 14,
        "setting": {
            "path": "proxy.require_tls",
            "value": "false",
            "file": "environments/prod.yaml",
            "line": 29,
            "column": 16,
            "meaning": "Turns away clients without TLS.",
        },
        "remedy": {"path": "proxy.require_tls", "value": True},
        "diff": DENIED.diff,
        "waived": None,
    }


def test_a_default_has_no_place_and_a_waiver_says_who_until_when() -> None:
    judged = verdict(finding(behind=setting(line=None, value=None)), WAIVED)
    default, waived = document.verdict(judged)["findings"]
    assert default["setting"]["value"] is default["setting"]["file"] is None
    assert waived["outcome"] == "waived"
    assert waived["waived"] == {
        "reason": "the data is loaded anew every night",
        "owner": "ann",
        "expires": "2027-03-31",
        "place": "environments/prod.yaml:61",
    }


def test_no_path_of_the_machine_is_in_a_document() -> None:
    here = Path.cwd()
    judged = verdict(finding(), source=here / "environments/prod.yaml", root=here / "terraform")
    said = document.verdict(judged)
    assert said["source"] == "environments/prod.yaml"
    assert said["root"] == "terraform"


def test_the_document_of_a_plan_holds_the_same_verdicts() -> None:
    environment = load("prod", PACKAGE.parent / "environments")
    passed = verdict(finding(outcome=Outcome.PASSED))
    said = document.planned(environment, [passed], None, None)
    assert said["verdicts"] == document.verdicts([passed])["verdicts"]
    assert said["passed"] is False
    assert said["plan"] is None
