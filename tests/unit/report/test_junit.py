"""JUnit XML: a test case for each policy and resource, in XML that every parser takes."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from nexusctl.policy.verdict import Outcome
from nexusctl.report.junit import junit
from tests.unit.report.verdicts import (
    DEFERRED,
    DENIED,
    KNOWN,
    PROXY,
    WAIVED,
    finding,
    hostile,
    real,
    verdict,
)


def suite(*findings: object, **options: object) -> ET.Element:
    (only,) = ET.fromstring(junit([verdict(*findings, **options)]))  # type: ignore[arg-type]
    return only


def test_a_suite_for_each_verdict_with_its_counts() -> None:
    root = ET.fromstring(
        junit([verdict(DENIED, WAIVED), verdict(DENIED, subject="plan", unjudged=("x",))])
    )
    assert [each.get("name") for each in root] == ["prod: the rendered files", "prod: the plan"]
    counts = [
        [each.get(name) for name in ("tests", "failures", "errors", "skipped")]
        for each in (root, *root)
    ]
    assert counts == [["4", "2", "1", "1"], ["2", "1", "0", "1"], ["2", "1", "1", "0"]]


def test_a_failure_says_where_why_and_how() -> None:
    (case,) = suite(DENIED)
    assert (case.get("classname"), case.get("name")) == ("NEXUS_PROXY_TLS", PROXY)
    (failure,) = case
    assert failure.tag == "failure"
    assert failure.get("type") == "critical"
    assert failure.get("message") == "require_tls is not true: clients may connect without TLS"
    assert failure.text is not None
    for said in (
        "environments/prod.yaml:29:16  proxy.require_tls: false",
        "rendered: modules/proxy/main.tf:14",
        "why: Without require_tls",
        "fix: set proxy.require_tls: true",
        "+  require_tls: true",
    ):
        assert said in failure.text


def test_two_findings_of_a_policy_in_one_resource_are_one_case() -> None:
    (case,) = suite(finding(message="first"), finding(message="second"))
    (failure,) = case
    assert failure.get("message") == "first; second"


def test_what_is_excused_or_undecided_is_skipped_with_the_reason() -> None:
    cases = suite(WAIVED, KNOWN, DEFERRED, finding(outcome=Outcome.PASSED))
    said = [child.get("message") for case in cases for child in case]
    assert said == [
        "waived: the data is loaded anew every night (ann, until 2027-03-31)",
        "the plan decides: retention is not known",
        "known: it failed before, so it is in the baseline",
    ]


def test_what_could_not_be_judged_is_an_error() -> None:
    (case,) = suite(unjudged=("NEXUS_3 a.b: no record",))
    (error,) = case
    assert (error.tag, error.get("message")) == ("error", "NEXUS_3 a.b: no record")


def test_nothing_of_a_verdict_breaks_the_xml() -> None:
    written = junit([hostile()])
    root = ET.fromstring(written)
    assert [each.tag for each in root[0].iter("testcase")] == ["testcase"] * 5
    assert not {"\x00", "\x1b", "\ud800"} & set(written)
    assert {each.tag for each in root.iter()} == {
        "testsuites", "testsuite", "testcase", "failure", "skipped", "error",
    }  # fmt: skip


def test_the_same_verdicts_are_the_same_bytes() -> None:
    turned = replace(real(), findings=real().findings[::-1])
    assert junit([real()]) == junit([real()]) == junit([turned])
