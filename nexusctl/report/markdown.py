"""Verdicts as a comment on a pull request, in the Markdown of GitHub and GitLab.

Names and values of the environment are in it, and whoever writes those may be hostile: all text
passes through `code` or `prose`, so that it stays in its cell and mentions nobody.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from nexusctl.policy.verdict import Outcome, Verdict
from nexusctl.report.findings import (
    Told,
    by_name,
    counted,
    folded,
    relative,
    told,
    undecided,
    waiver,
)
from nexusctl.report.visible import one_line, visible_lines

# GitHub takes 65,536 characters; a comment that is too long is no comment at all.
LONGEST = 60_000
MOST_ROWS = 50

_STRUCTURE = re.compile(r"[\\`*{}\[\]<>|&~$!\"']|(?<!\w)_|_(?!\w)")
_PUNCTUATION = re.compile(r"[^\w\s]|_")
# What makes a link or a mention of plain text: it gets a zero-width space inside.
_LINKS = re.compile(r"(?i)(?<=[@#!&~$%])(?=\w)|(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=\bgh)(?=-)")


def markdown(judged: Sequence[Verdict]) -> str:
    """One comment: the result, a table of what was denied, and the rest folded."""
    names = by_name(judged)
    denied = folded(told(judged, Outcome.FAILED))
    unjudged = [(verdict.name, reason) for verdict in judged for reason in verdict.unjudged]
    blocks = [_heading(judged)]
    if unjudged:
        reasons = [f"- {prose(name)}: {prose(reason)}" for name, reason in unjudged]
        blocks.append(
            "**Policies could not judge everything, so nothing has passed:**\n\n"
            + table(reasons, len(reasons))
        )
    if denied:
        several = len(names) > 1
        blocks.append(_table(denied, several=several))
        blocks += [_details(entry, several=several) for entry in denied]
    blocks += _excused(judged)
    notices = dict.fromkeys(notice for verdict in judged for notice in verdict.notices)
    if notices:
        blocks.append("\n".join(f"- ⚠ {prose(notice)}" for notice in notices))
    if policies := undecided(judged):
        blocks.append(f"In part for the plan to decide: {', '.join(map(code, policies))}.")
    return _fitting(blocks)


def _heading(judged: Sequence[Verdict]) -> str:
    names = ", ".join(map(prose, by_name(judged)))
    if any(verdict.unjudged for verdict in judged):
        return f"## ✗ nexusctl could not judge {names}"
    if denied := told(judged, Outcome.FAILED):
        return f"## ✗ nexusctl denies {names}: {counted(len(denied), 'finding')}"
    policies = {finding.policy.id for verdict in judged for finding in verdict.findings}
    return f"## ✓ nexusctl: {counted(len(policies), 'policy', 'policies')} passed on {names}"


def _table(denied: Sequence[list[Told]], *, several: bool) -> str:
    heads = ["severity", "policy", "edit", "resource", "what"]
    rows = []
    for entry in denied:
        finding = entry[0].finding
        more = f" and {len(entry) - 1} more" if len(entry) > 1 else ""
        cells = [
            str(finding.policy.severity),
            code(finding.policy.id),
            _edit(entry[0]),
            code(finding.resource) + more,
            prose(finding.message),
        ]
        rows.append(row([prose(entry[0].verdict.name), *cells] if several else cells))
    if several:
        heads.insert(0, "where")
    return table([row(heads), row(["---"] * len(heads)), *rows], len(rows))


def _edit(each: Told) -> str:
    """The line to edit, and the setting that is or is not on it."""
    setting = each.finding.setting
    place = code(f"{relative(each.place.file)}:{each.place.line}")
    if not setting:
        return place
    value = f": {setting.value}" if setting.value is not None else ""
    shown = code(f"{setting.origin.dotted}{value}")
    return f"{place}<br>{shown}" if setting.origin.location else f"default<br>{shown}"


def _details(entry: list[Told], *, several: bool) -> str:
    finding = entry[0].finding
    policy = finding.policy
    where = f"{prose(entry[0].verdict.name)}: " if several else ""
    parts = [f"<details><summary>{where}{prose(policy.id)}: {prose(policy.title)}</summary>", ""]
    for each in entry[:MOST_ROWS]:
        at = each.terraform
        file = f"{relative(at.file)}:{at.line}" if at else each.rendered
        parts.append(
            f"- {code(each.finding.resource)}"
            + (f" at {code(file)}" if file else "")
            + f": {prose(each.finding.message)}"
        )
    if len(entry) > MOST_ROWS:
        parts.append(f"- and {len(entry) - MOST_ROWS} more")
    meaning = finding.setting.meaning if finding.setting else ""
    for label, text in (("setting", meaning), ("why", policy.why), ("fix", policy.fix)):
        if text:
            parts += ["", f"**{label}** {prose(text)}"]
    if finding.diff:
        parts += ["", _fenced(finding.diff, "diff")]
    return "\n".join([*parts, "", "</details>"])


def _excused(judged: Sequence[Verdict]) -> Iterator[str]:
    """What failed and is allowed, folded."""
    shown: tuple[tuple[Outcome, str, Callable[[Told], str]], ...] = (
        (Outcome.WAIVED, "waived", lambda each: prose(waiver(each.finding))),
        (Outcome.KNOWN, "in the baseline", lambda each: prose(each.finding.message)),
    )
    for outcome, title, last in shown:
        rows = [
            row([code(each.finding.policy.id), code(each.finding.resource), last(each)])
            for each in told(judged, outcome)
        ]
        if rows:
            heads = [row(["policy", "resource", "why"]), row(["---"] * 3)]
            yield (
                f"<details><summary>{counted(len(rows), 'finding')} {title}</summary>\n\n"
                f"{table([*heads, *rows], len(rows))}\n\n</details>"
            )


def row(cells: Sequence[str]) -> str:
    """A row of a table, of cells that are fit for one."""
    return f"| {' | '.join(cells)} |"


def table(lines: list[str], number: int) -> str:
    """The lines, of which the last `number` are rows; those beyond a screen or two are counted."""
    left_out = number - MOST_ROWS
    if left_out <= 0:
        return "\n".join(lines)
    return "\n".join([*lines[:-left_out], "", f"and {left_out} more"])


def _fitting(blocks: Sequence[str]) -> str:
    """The blocks that a comment has room for."""
    shown, size = list[str](), 0
    for block in blocks:
        size += len(block) + 2
        if size > LONGEST:
            shown.append("The rest does not fit into a comment: `nexusctl check` shows all of it.")
            break
        shown.append(block)
    return "\n\n".join(shown) + "\n"


def _fenced(text: str, language: str) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *visible_lines(text.rstrip("\n")), fence])


def code(text: str) -> str:
    """`text` as code, also in a table's cell."""
    shown = one_line(text)
    if shown and not re.search(r"[`|\\]", shown):
        return f"`{shown}`"
    # A cell ends at a `|`, also in backticks; in an element, entities stand for all that has a
    # meaning.
    return f"<code>{_PUNCTUATION.sub(_entity, shown)}</code>"


def prose(text: str) -> str:
    """`text` as it is: no markup, no link, no mention. Fit for Markdown and for HTML in it."""
    apart = _LINKS.sub("\N{ZERO WIDTH SPACE}", one_line(text))
    return _STRUCTURE.sub(_entity, apart)


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
