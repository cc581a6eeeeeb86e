"""Verdicts as JUnit XML, which every CI shows as tests."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, SubElement

from nexusctl.policy.verdict import Finding, Outcome, Verdict
from nexusctl.report.findings import Told, relative, subject, waiver

# What XML 1.0 cannot hold, not even escaped. A carriage return it can, but no reader keeps it.
_FORBIDDEN = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(judged: Sequence[Verdict]) -> str:
    """A suite for each verdict, a test case for each policy and resource."""
    root = Element("testsuites", name="nexusctl")
    for verdict in judged:
        suite = SubElement(root, "testsuite", name=_legal(f"{verdict.name}: {subject(verdict)}"))
        for findings in _cases(verdict):
            _case(suite, verdict, findings)
        for reason in verdict.unjudged:
            case = SubElement(suite, "testcase", classname="not judged", name=_legal(reason))
            SubElement(case, "error", message=_legal(reason)).text = _legal(
                f"{reason}\nWhat could not be judged has not passed."
            )
        _count(suite)
    _count(root)
    ET.indent(root)
    return str(ET.tostring(root, encoding="utf-8", xml_declaration=True), "utf-8") + "\n"


def _cases(verdict: Verdict) -> list[list[Finding]]:
    """The findings by policy and resource, in the order of their names."""
    cases: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(verdict.findings, key=lambda each: each.order):
        cases.setdefault((finding.policy.id, finding.resource), []).append(finding)
    return [cases[key] for key in sorted(cases)]


def _case(suite: Element, verdict: Verdict, findings: list[Finding]) -> None:
    policy, resource = findings[0].policy, findings[0].resource
    case = SubElement(suite, "testcase", classname=_legal(policy.id), name=_legal(resource))
    failed = [finding for finding in findings if finding.outcome is Outcome.FAILED]
    skipped = [each for each in findings if each.outcome is not Outcome.PASSED]
    if failed:
        message = _legal("; ".join(finding.message for finding in failed))
        failure = SubElement(case, "failure", type=policy.severity, message=message)
        failure.text = _legal("\n\n".join(_text(Told(finding, verdict)) for finding in failed))
    elif skipped:
        SubElement(case, "skipped", message=_legal("; ".join(map(_reason, skipped))))


def _reason(finding: Finding) -> str:
    if finding.outcome is Outcome.DEFERRED:
        return f"the plan decides: {finding.message}"
    return f"{finding.outcome}: {waiver(finding)}"


def _text(each: Told) -> str:
    finding, policy = each.finding, each.finding.policy
    place = str(finding.setting or f"{relative(each.place.file)}:{each.place.line}")
    lines = [f"{policy.title} ({policy.severity})", place]
    if each.rendered:
        lines.append(f"rendered: {each.rendered}")
    lines += [finding.message, f"why: {policy.why}", f"fix: {policy.fix}"]
    return "\n".join([*lines, finding.diff or ""]).rstrip()


def _count(element: Element) -> None:
    """Write on a suite how many cases it has, and how they ended."""
    element.set("tests", str(len(element.findall(".//testcase"))))
    for attribute, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(element.findall(f".//{kind}"))))


def _legal(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
