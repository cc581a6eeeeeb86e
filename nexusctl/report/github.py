"""Verdicts as workflow commands: GitHub Actions shows them on the lines of a pull request."""

from collections.abc import Sequence

from nexusctl.errors import Location
from nexusctl.policy.verdict import Outcome, Severity, Verdict
from nexusctl.report.findings import Told, edited, folded, relative, told, waiver
from nexusctl.report.visible import visible, visible_lines

COMMANDS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
}


def github(judged: Sequence[Verdict]) -> str:
    """A line for what could not be judged, what failed and what is waived; none for what passed.

    GitHub shows ten errors of a step, so the most severe come first, and what one edit mends is
    one of them.
    """
    lines = [
        _command("error", Location(verdict.source, 1), "nexusctl could not judge", reason)
        for verdict in judged
        for reason in verdict.unjudged
    ]
    lines += [_failed(entry) for entry in folded(told(judged, Outcome.FAILED))]
    lines += [_waived(each) for each in told(judged, Outcome.WAIVED)]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _failed(entry: list[Told]) -> str:
    policy = entry[0].finding.policy
    said = [f"{each.finding.resource}: {each.finding.message}" for each in entry]
    message = "\n".join([*said, f"why: {policy.why}", f"fix: {policy.fix}"])
    title = f"{policy.id}: {policy.title}"
    return _command(COMMANDS[policy.severity], _edited(entry[0]), title, message)


def _waived(each: Told) -> str:
    finding = each.finding
    message = f"{finding.resource}: {finding.message}\n{waiver(finding)}"
    return _command("notice", each.place, f"{finding.policy.id} is waived", message)


def _edited(each: Told) -> Location:
    """The line that the diff edits, where there is one; it may be in another file."""
    return edited(each.finding.diff or "") or each.place


def _command(name: str, place: Location, title: str, message: str) -> str:
    properties = {
        "file": relative(place.file),
        "line": str(place.line),
        "col": str(place.column),
        "title": title,
    }
    shown = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    said = _data("\n".join(visible_lines(message)))
    return f"::{name} {shown}::{said}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")
