"""What a plan does to the stack, as text for a terminal, as JSON and as Markdown."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from textwrap import TextWrapper
from typing import Any

from rich.text import Text

from nexusctl.change.impact import Impact, Statement
from nexusctl.change.provenance import decoded
from nexusctl.change.rule import Level
from nexusctl.environment.origin import Origin
from nexusctl.report.findings import counted, relative
from nexusctl.report.markdown import code, prose, row, table
from nexusctl.report.visible import visible
from nexusctl.terraform.plan import Action, AttributeChange

STYLES = {Level.DESTRUCTIVE: "bold red", Level.DISRUPTIVE: "bold yellow", Level.LOW: "cyan"}
SYMBOLS = {Level.DESTRUCTIVE: "✗", Level.DISRUPTIVE: "!", Level.LOW: "·"}
# One screen: so many of each level in full, of an entry so many lines.
ENTRIES_SHOWN = {Level.DESTRUCTIVE: 6, Level.DISRUPTIVE: 4, Level.LOW: 4}
ADDRESSES_SHOWN = 2
ATTRIBUTES_SHOWN = 3
ORIGINS_SHOWN = 3
VALUE_WIDTH = 40
WIDTH = 96
CONTEXT = 12  # characters
NEWLINE = "\n"
# What is to be copied, a command or an address, stays in one piece.
WRAPPER = TextWrapper(WIDTH, break_on_hyphens=False, break_long_words=False)
DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "changed in labels and computed values only",
}


def text(impact: Impact) -> Iterator[Text]:
    """One screen: the level, what happens by severity, and the rest counted.

    What has the same effect for the same reason is one entry, however many resources it is about.
    """
    level = impact.level
    if level is not Level.NONE:
        yield Text.assemble(
            "impact: ", (level, STYLES[level]), f" · {_counts(impact)}", style="bold"
        )
    else:
        yield Text.assemble(
            ("impact: none", "bold green"), " · no connection and no data is touched"
        )
    for each in STYLES:
        entries = _entries(impact.of(each))
        for number, entry in enumerate(entries[: ENTRIES_SHOWN[each]]):
            if number == 0 or each is not Level.LOW:
                yield Text()
            yield from _entry(entry)
        if left := entries[ENTRIES_SHOWN[each] :]:
            effects = ", ".join(dict.fromkeys(str(entry[0].effect) for entry in left))
            yield Text(f"  {SYMBOLS[each]} and {len(left)} more {each} ones: {effects}", "dim")
    if impact.unnoticed:
        yield Text(f"\n  {_unnoticed(impact)}", "dim")


def markdown(impact: Impact) -> str:
    """The same as a part of a comment on a pull request: a table, and AWS's rules folded."""
    if impact.level is Level.NONE:
        return "### Impact: none\n\nNo connection and no data is touched.\n"
    entries = [entry for level in STYLES for entry in _entries(impact.of(level))]
    heads = [row(["impact", "what happens", "because of"]), row(["---"] * 3)]
    rows = [_row(entry) for entry in entries]
    facts = dict.fromkeys(
        f"- {prose(entry[0].effect)}: {prose(entry[0].rule.fact)}"
        + (f" [AWS]({entry[0].rule.source})" if entry[0].rule.source else "")
        for entry in entries
    )
    blocks = [
        f"### Impact: {impact.level} ({_counts(impact)})",
        table([*heads, *rows], len(rows)),
        f"<details><summary>AWS's rules behind it</summary>\n\n{NEWLINE.join(facts)}\n\n</details>",
    ]
    if impact.unnoticed:
        blocks.append(prose(_unnoticed(impact)))
    return "\n\n".join(blocks) + "\n"


def _row(entry: Sequence[Statement]) -> str:
    first = entry[0]
    addresses = [code(each.address) for each in entry[:ADDRESSES_SHOWN]]
    if _more(entry):
        addresses.append(f"and {len(entry) - ADDRESSES_SHOWN} more")
    because = [*_changes(entry)[:ATTRIBUTES_SHOWN], *_places(entry)[:ORIGINS_SHOWN]]
    cells = (
        [f"**{first.level}**", f"{first.effect}"],
        [prose(first.says), *addresses],
        [code(each) for each in because],
    )
    return row(["<br>".join(cell) for cell in cells])


def _more(entry: Sequence[Statement]) -> bool:
    return len(entry) > ADDRESSES_SHOWN


def document(impact: Impact) -> dict[str, Any]:
    """The impact as JSON. Sensitive values are not in it."""
    return {
        "level": str(impact.level),
        "statements": [_statement(each) for each in impact.statements],
        "unnoticed": {str(action): list(each) for action, each in impact.unnoticed.items()},
        "losses": [
            {
                "address": loss.address,
                "action": str(loss.statement.action),
                "deletion_protection": loss.deletion_protection,
                "skip_final_snapshot": loss.skip_final_snapshot,
            }
            for loss in impact.losses
        ],
    }


def _statement(each: Statement) -> dict[str, Any]:
    return {
        "level": str(each.level),
        "effect": str(each.effect),
        "says": each.says,
        "address": each.address,
        "action": str(each.action),
        "attributes": [
            {"path": one.path, "before": one.before, "after": one.after} for one in each.attributes
        ],
        "settings": [_setting(origin) for origin in each.origins],
        "module_line": each.module_line,
        "rule": each.rule.id,
        "fact": each.rule.fact,
        "source": each.rule.source or None,
    }


def _setting(origin: Origin) -> dict[str, Any]:
    """A value of the environment and the place it was written; without one it is a default."""
    location = origin.location
    return {
        "path": origin.dotted,
        "file": relative(location.file) if location else None,
        "line": location.line if location else None,
    }


def _entries(statements: Iterable[Statement]) -> list[list[Statement]]:
    """The statements that say the same, together."""
    return [list(some) for _, some in groupby(statements, lambda each: (each.rule.id, each.says))]


def _entry(entry: Sequence[Statement]) -> Iterator[Text]:
    first, style = entry[0], STYLES[entry[0].level]
    head, *more = entry[:ADDRESSES_SHOWN]
    yield Text.assemble(
        (f"  {SYMBOLS[first.level]} {first.effect}", style), f"  {visible(head.address)}"
    )
    indent = " " * (len(str(first.effect)) + 6)
    yield from (Text(f"{indent}{visible(each.address)}") for each in more)
    if _more(entry):
        yield Text(f"{indent}and {len(entry) - ADDRESSES_SHOWN} more", "dim")
    said = [line for part in visible(first.says).split("; ") for line in WRAPPER.wrap(part)]
    yield from (Text(f"      {line}") for line in said)
    changes, places = _changes(entry), _places(entry)
    yield from (Text(f"      {change}", "bold") for change in changes[:ATTRIBUTES_SHOWN])
    if len(changes) > ATTRIBUTES_SHOWN:
        yield Text(f"      and {len(changes) - ATTRIBUTES_SHOWN} more attributes", "dim")
    yield from (Text(f"      {visible(place)}", "bold cyan") for place in places[:ORIGINS_SHOWN])
    if len(places) > ORIGINS_SHOWN:
        yield Text(f"      and {len(places) - ORIGINS_SHOWN} more settings", "dim")
    if first.level is not Level.LOW:
        yield from (
            Text(f"      {part}", "dim") for part in WRAPPER.wrap(f"AWS: {first.rule.fact}")
        )


def _changes(entry: Sequence[Statement]) -> list[str]:
    """`attribute: before → after`, each once."""
    return list(dict.fromkeys(_changed(each, one) for each in entry for one in each.attributes))


def _changed(statement: Statement, attribute: AttributeChange) -> str:
    before, after = _where_they_differ(_terms(attribute.before), _terms(attribute.after))
    forced = " (not in place)" if statement.action is Action.REPLACE else ""
    return f"{visible(attribute.path)}: {_cut(before)} → {_cut(after)}{forced}"


def _terms(value: object) -> str:
    """A value in Terraform's terms (`true`, `null`); only an empty text has quotes."""
    bare = isinstance(value, str) and value
    return decoded(str(value)) if bare else json.dumps(value, ensure_ascii=False)


def _where_they_differ(before: str, after: str) -> tuple[str, str]:
    """The first lines that differ of two texts, and of long ones what begins shortly before."""
    lines = zip(before.splitlines(), after.splitlines(), strict=False)
    before, after = next((pair for pair in lines if pair[0] != pair[1]), (before, after))
    if max(len(before), len(after)) <= VALUE_WIDTH:
        return before, after
    pairs = enumerate(zip(before, after, strict=False))
    same = next((number for number, (a, b) in pairs if a != b), min(len(before), len(after)))
    begin = max(same - CONTEXT, 0)
    return f"{'…' * bool(begin)}{before[begin:]}", f"{'…' * bool(begin)}{after[begin:]}"


def _cut(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= VALUE_WIDTH else f"{shown[: VALUE_WIDTH - 1]}…"


def _places(entry: Sequence[Statement]) -> list[str]:
    """Where the change comes from: settings by line, or else lines of modules."""
    settings = dict.fromkeys(origin for each in entry for origin in each.origins)
    if settings:
        return [_place(origin) for origin in settings]
    return list(dict.fromkeys(each.module_line for each in entry if each.module_line))


def _place(origin: Origin) -> str:
    where = f"{relative(origin.location.file)}:{origin.location.line}" if origin.location else ""
    return f"{where or 'default'}  {origin.dotted}"


def _counts(impact: Impact) -> str:
    return ", ".join(f"{len(found)} {level}" for level in STYLES if (found := impact.of(level)))


def _unnoticed(impact: Impact) -> str:
    return ", ".join(
        f"{counted(len(addresses), 'resource')} {DONE.get(action, action)}"
        for action, addresses in impact.unnoticed.items()
    )
