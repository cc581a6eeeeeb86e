"""The verdicts of the gate as text for people: what was denied, and what to edit."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.text import Text

from nexusctl.policy.verdict import DEFAULT_TIER, Outcome, Severity, Verdict
from nexusctl.report.findings import (
    Told,
    by_name,
    counted,
    edited,
    folded,
    relative,
    subject,
    told,
    undecided,
)
from nexusctl.report.shell import argument
from nexusctl.report.visible import one_line, visible, visible_lines

SEVERITY_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "dim",
}
EDIT_STYLE = "bold cyan"  # what to edit first stands out
DIFF_STYLES = {"-": "red", "+": "green"}


def verdicts(judged: Sequence[Verdict]) -> Iterator[Text]:
    """The result of the gate: one line when all passed, else every denial and its cure."""
    names = by_name(judged)
    if len(names) == 1:
        yield from _one(judged)
        yield from _undecided(judged)
        return
    for name, verdicts_of_it in names.items():
        lines = list(_one(verdicts_of_it, passed=False))
        if lines:
            yield Text(visible(name), "bold underline")
            yield from lines
            yield Text()
    if waiting := list(_undecided(judged)):
        yield from [*waiting, Text()]
    yield from _summary(names)


def _one(judged: Sequence[Verdict], *, passed: bool = True) -> Iterator[Text]:
    """What is to be said of one thing that was judged; of a pass only where `passed`."""
    subjects = " and ".join(dict.fromkeys(visible(subject(verdict)) for verdict in judged))
    unjudged = [reason for verdict in judged for reason in verdict.unjudged]
    denied = told(judged, Outcome.FAILED)
    decided = [
        finding
        for verdict in judged
        for finding in verdict.findings
        if finding.outcome is not Outcome.DEFERRED
    ]
    if unjudged:
        yield Text("✗ policies could not judge everything, so nothing has passed:", "bold red")
        yield from (Text(f"    {visible(reason)}") for reason in unjudged)
    if denied:
        yield Text(
            f"✗ denied by {len(denied)} of {counted(len(decided), 'finding')} on {subjects}",
            "bold red",
        )
        for entry in folded(denied):
            yield Text()
            yield from _denial(entry)
        yield Text()
    elif passed and not unjudged:
        policies = {finding.policy.id for finding in decided}
        excused = [
            f", {number} {outcome}"
            for outcome in (Outcome.WAIVED, Outcome.KNOWN)
            if (number := len(told(judged, outcome)))
        ]
        yield Text.assemble(
            ("✓", "green"),
            f" {counted(len(policies), 'policy', 'policies')} passed on {subjects} "
            f"({counted(len(decided), 'finding')}{''.join(excused)})",
        )
    yield from _excused(judged)


def _denial(entry: list[Told]) -> Iterator[Text]:
    """One edit to make: the policy, the line to edit, what it is about, why, and how."""
    finding = entry[0].finding
    policy = finding.policy
    yield Text.assemble(
        "  ",
        (policy.id, "bold"),
        "  ",
        (policy.severity, SEVERITY_STYLES[policy.severity]),
        f"  {visible(policy.title)}",
    )
    if setting := finding.setting:
        yield Text.assemble("    ", (visible(str(setting)), EDIT_STYLE))
        if setting.origin.location is None and setting.meaning:
            yield Text(f"      {one_line(setting.meaning)}", "dim")
    messages = dict.fromkeys(each.finding.message for each in entry)
    for message in messages:
        for each in entry:
            if each.finding.message == message:
                yield _resource(each)
        yield from (Text(f"    {line}") for line in visible_lines(message))
    yield _labelled("why: ", "dim", policy.why)
    yield _labelled("fix: ", "green", policy.fix)
    if finding.diff:
        yield from _diff(finding.diff)


def _resource(each: Told) -> Text:
    if place := each.terraform:
        where = f"{relative(place.file)}:{place.line}"
        return Text.assemble(
            "    ", (visible(where), "bold"), f"  {visible(each.finding.resource)}"
        )
    rendered = f"  rendered: {visible(each.rendered)}" if each.rendered else ""
    return Text.assemble("    ", visible(each.finding.resource), (rendered, "dim"))


def _labelled(label: str, style: str, text: str) -> Text:
    """`text` after its label, lines after the first under it."""
    lines = visible_lines(text)
    return Text.assemble("    ", (label, style), ("\n" + " " * (4 + len(label))).join(lines))


def _diff(diff: str) -> Iterator[Text]:
    """The edit. Its head becomes the FILE:LINE that terminals and editors open."""
    if place := edited(diff):
        yield Text(f"      {visible(f'{relative(place.file)}:{place.line}')}", "dim")
    _, *hunks = re.split(r"(?m)^@@ .*\n", diff)
    for number, hunk in enumerate(hunks):
        if number:
            yield Text("        …", "dim")
        for line in hunk.splitlines():
            yield Text(f"        {visible(line)}".rstrip(), DIFF_STYLES.get(line[:1], "dim"))


def _excused(judged: Sequence[Verdict]) -> Iterator[Text]:
    """What failed and is allowed, and what else is worth a line."""
    for each in told(judged, Outcome.WAIVED):
        waived = each.finding.waived
        said = (
            f"{one_line(waived.reason)} ({waived.owner}, until {waived.expires})" if waived else ""
        )
        yield Text.assemble(
            ("~ ", "yellow"),
            f"waived: {each.finding.policy.id}  {visible(each.finding.resource)}  ",
            (one_line(said), "dim"),
        )
    if known := told(judged, Outcome.KNOWN):
        verb = "is" if len(known) == 1 else "are"
        yield Text(
            f"· {counted(len(known), 'finding')} {verb} in the baseline (--json lists them)", "dim"
        )
    for notice in dict.fromkeys(notice for verdict in judged for notice in verdict.notices):
        yield Text.assemble(("! ", "yellow"), visible(notice))


def _undecided(judged: Sequence[Verdict]) -> Iterator[Text]:
    policies = undecided(judged)
    if not policies:
        return
    of_roots = {verdict.root: verdict for verdict in judged if verdict.root}
    if not of_roots:
        yield Text(
            f"· {', '.join(policies)}: in part for the plan to decide (nexusctl plan)", "dim"
        )
        return
    yield Text("· what is not known here, a plan decides:")
    for root, verdict in of_roots.items():
        where = argument(relative(root))
        given = "".join(f" -var-file={shlex.quote(file)}" for file in verdict.var_files)
        said = "".join(
            f" --var-file {argument(relative(Path(os.path.normpath(root / file))))}"
            for file in verdict.var_files
        )
        if verdict.tier != DEFAULT_TIER:
            said += f" --tier {verdict.tier}"
        yield Text(
            f"    terraform -chdir={where} plan -out=plan.tfplan{given}\n"
            f"    terraform -chdir={where} show -json plan.tfplan > plan.json\n"
            f"    nexusctl check --path {where} --plan plan.json{said}",
            "bold",
        )


def _summary(names: dict[str, list[Verdict]]) -> Iterator[Text]:
    """A table with a line for each name."""
    width = max(map(len, names), default=0)
    yield Text(f"  {'':<{width}}    {'':<10}  denied  waived  not judged", "dim")
    for name, judged in names.items():
        unjudged = sum(len(verdict.unjudged) for verdict in judged)
        denied = len(told(judged, Outcome.FAILED))
        waived = len(told(judged, Outcome.WAIVED))
        symbol, style, result = (
            ("✗", "bold red", "not judged")
            if unjudged
            else ("✗", "bold red", "denied")
            if denied
            else ("✓", "green", "passed")
        )
        yield Text.assemble(
            f"  {visible(name):<{width}}  ",
            (f"{symbol} {result:<10}", style),
            f"  {denied or '·':>6}  {waived or '·':>6}  {unjudged or '·':>10}",
        )
