"""Verdicts as SARIF 2.1.0, the format of code scanning (GitHub's, Azure's, editors')."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nexusctl import __version__
from nexusctl.errors import Location, UsageWrong
from nexusctl.policy.verdict import About, Outcome, Severity, Verdict
from nexusctl.report.findings import Told, told, waiver
from nexusctl.workspace import Workspace

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
# GitHub's scale: above 9 is critical, from 7 high, from 4 medium. It wants a string.
SECURITY_SEVERITIES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}
# What files are relative to: the top of the repository, which is where code scanning looks, and the
# rendered root. Neither has a URI: one is elsewhere on each machine, the other nowhere unless
# rendered again.
SOURCES = "SRCROOT"
RENDERED = "RENDERED"


def sarif(judged: Sequence[Verdict]) -> str:
    """The verdicts as one SARIF run; what was waived or known is in it as suppressed.

    There are no `fixes`: a diff masks credentials, so that it is to be read, not to be applied.
    """
    top = _top(judged)
    policies = _policies(judged)
    index = {policy.id: number for number, policy in enumerate(policies)}
    failed = told(judged, Outcome.FAILED, Outcome.WAIVED, Outcome.KNOWN)
    results = [
        _result(each, index[each.finding.policy.id], fingerprint, top)
        for each, fingerprint in _fingerprinted(failed)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "nexusctl",
                "version": __version__,
                "rules": [_rule(policy) for policy in policies],
            }
        },
        "invocations": [_invocation(judged, top)],
        "originalUriBaseIds": {
            SOURCES: {"description": {"text": "The top of the repository, or of the project."}},
            RENDERED: {
                "description": {"text": "The Terraform root that `nexusctl render` writes."}
            },
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _top(judged: Sequence[Verdict]) -> Path:
    """The directory that the repository of what was judged has at its top, else its project's."""
    here = Path.cwd()
    first = next((each.root or each.source.parent for each in judged), here)
    start = _absolute(first)
    for directory in (start, *start.parents):
        if (directory / ".git").exists():
            return directory
    try:
        return Workspace.find(start).root
    except UsageWrong:
        return here


def _policies(judged: Sequence[Verdict]) -> list[About]:
    found = {policy.id: policy for verdict in judged for policy in verdict.policies.values()}
    for verdict in judged:
        for finding in verdict.findings:
            found.setdefault(finding.policy.id, finding.policy)
    return [found[name] for name in sorted(found)]


def _rule(policy: About) -> dict[str, Any]:
    return {
        "id": policy.id,
        "name": "".join(part.capitalize() for part in policy.id.split("_")),
        "shortDescription": {"text": policy.title},
        "fullDescription": {"text": policy.why},
        "help": {
            "text": f"Why: {policy.why}\n\nFact: {policy.fact}\n\nFix: {policy.fix}",
            "markdown": (f"**Why** {policy.why}\n\n**Fact** {policy.fact}\n\n**Fix** {policy.fix}"),
        },
        "defaultConfiguration": {"level": LEVELS[policy.severity]},
        "properties": {
            "security-severity": SECURITY_SEVERITIES[policy.severity],
            "precision": "very-high",
            "tags": ["security", "terraform"],
        },
    }


def _fingerprinted(some: Sequence[Told]) -> Iterator[tuple[Told, str]]:
    """Each finding and what tells it from the others, whatever lines move.

    A policy that finds two things in one resource counts them, so that no two are the same.
    """
    counts: Counter[str] = Counter()
    for each in some:
        finding = each.finding
        identity = json.dumps([finding.policy.id, finding.resource, each.verdict.name])
        digest = sha256(identity.encode()).hexdigest()[:32]
        counts[digest] += 1
        yield each, f"{digest}:{counts[digest]}"


def _result(each: Told, rule: int, fingerprint: str, top: Path) -> dict[str, Any]:
    finding = each.finding
    result: dict[str, Any] = {
        "ruleId": finding.policy.id,
        "ruleIndex": rule,
        "level": LEVELS[finding.policy.severity],
        "message": _message(f"{finding.resource}: {finding.message}\nFix: {finding.policy.fix}"),
        "locations": [
            {
                "physicalLocation": _physical(each.place, top),
                "logicalLocations": [
                    {"fullyQualifiedName": finding.resource, "kind": "resource"},
                ],
            }
        ],
        # Not GitHub's own `primaryLocationLineHash`: its upload computes that one from the file
        # and warns of any other.
        "partialFingerprints": {"nexusctl/v1": fingerprint},
        "properties": {"judged": each.verdict.name, "subject": each.verdict.subject},
    }
    if related := _related(each, top):
        result["relatedLocations"] = [related]
    if finding.outcome is not Outcome.FAILED:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": waiver(finding)}
        ]
    return result


def _related(each: Told, top: Path) -> dict[str, Any] | None:
    """The Terraform behind the finding, where the finding points at something else."""
    if each.terraform and each.terraform != each.place:
        physical = _physical(each.terraform, top)
    elif each.rendered:
        file, _, line = each.rendered.rpartition(":")
        physical = {
            "artifactLocation": {"uri": _quoted(file), "uriBaseId": RENDERED},
            "region": {"startLine": int(line)},
        }
    else:
        return None
    return {
        "id": 1,
        "physicalLocation": physical,
        "message": _message(f"{each.finding.resource} in Terraform"),
    }


def _physical(place: Location, top: Path) -> dict[str, Any]:
    file = _absolute(place.file)
    artifact = (
        {"uri": _quoted(file.relative_to(top).as_posix()), "uriBaseId": SOURCES}
        if file.is_relative_to(top)
        else {"uri": f"file://{_quoted(file.as_posix())}"}
    )
    return {
        "artifactLocation": artifact,
        "region": {"startLine": place.line, "startColumn": place.column},
    }


def _absolute(file: Path) -> Path:
    """Without `..`, and without following links: a file is known by where it is committed."""
    return Path(os.path.normpath(Path.cwd() / file))


def _quoted(path: str) -> str:
    return quote(path, errors="surrogatepass")


def _message(text: str) -> dict[str, str]:
    """A message that is text alone: SARIF makes a link of `[text](target)`."""
    return {"text": text.replace("](", "] (")}


def _invocation(judged: Sequence[Verdict], top: Path) -> dict[str, Any]:
    unjudged = [(verdict, reason) for verdict in judged for reason in verdict.unjudged]
    invocation: dict[str, Any] = {"executionSuccessful": not unjudged}
    if unjudged:
        invocation["toolExecutionNotifications"] = [
            {
                "level": "error",
                "message": _message(f"{verdict.name}: could not be judged: {reason}"),
                "locations": [{"physicalLocation": _physical(Location(verdict.source, 1), top)}],
            }
            for verdict, reason in unjudged
        ]
    return invocation
