"""What a plan does to the stack, as text for a terminal, as JSON and as Markdown."""

import json
from collections.abc import Iterable, Iterator, Sequence
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
LOW_SHOWN = 4
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


def text(impact: Impact, everything: str | None = None) -> Iterator[Text]:
    """The level, what happens by severity, and the rest counted.

    What is the same for the same reason is one entry, with every address. `everything` is a command
    that tells all: with it, low ones beyond a few are only counted.
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
        few = entries[:LOW_SHOWN] if everything and each is Level.LOW else entries
        for number, entry in enumerate(few):
            if number == 0 or each is not Level.LOW:
                yield Text()
            yield from _entry(entry)
        if left := entries[len(few) :]:
            effects = ", ".join(dict.fromkeys(str(entry[0].effect) for entry in left))
            yield Text(f"  {SYMBOLS[each]} and {len(left)} more {each} ones: {effects}", "dim")
            yield Text(f"      all of them: {everything}", "dim")
    if impact.unnoticed:
        yield Text(f"\n  {_unnoticed(impact)}", "dim")


def markdown(impact: Impact) -> str:
    """The same as a part of a comment on a pull request: a table, and AWS's rules folded."""
    if impact.level is Level.NONE:
        return "### Impact: none\n\nNo connection and no data is touched.\n"
    entries = [entry for level in STYLES for entry in _entries(impact.of(level))]
    heads = [row(["impact", "what happens", "because of"]), row(["---"] * 3)]
    rows = [_row(entry) for entry in entries]
    low = sum(entry[0].level is Level.LOW for entry in entries)
    facts = dict.fromkeys(
        f"- {prose(entry[0].effect)}: {prose(entry[0].rule.fact)}"
        + (f" [AWS]({entry[0].rule.source})" if entry[0].rule.source else "")
        for entry in entries
    )
    blocks = [
        f"### Impact: {impact.level} ({_counts(impact)})",
        table([*heads, *rows], low),
        f"<details><summary>AWS's rules behind it</summary>\n\n{NEWLINE.join(facts)}\n\n</details>",
    ]
    if impact.unnoticed:
        blocks.append(prose(_unnoticed(impact)))
    return "\n\n".join(blocks) + "\n"


def _row(entry: Sequence[Statement]) -> str:
    first = entry[0]
    cells = (
        [f"**{first.level}**", f"{first.effect}"],
        [prose(first.says), *(code(each.address) for each in entry)],
        [code(each) for each in (*_changes(first), *_places(first))],
    )
    return row(["<br>".join(cell) for cell in cells])


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
    """The statements that say the same, for the same changes and settings, together."""
    alike: dict[tuple[str, ...], list[Statement]] = {}
    for each in statements:
        same = (each.rule.id, each.says, *_changes(each), *_places(each))
        alike.setdefault(same, []).append(each)
    return list(alike.values())


def _entry(entry: Sequence[Statement]) -> Iterator[Text]:
    (first, *more), style = entry, STYLES[entry[0].level]
    yield Text.assemble(
        (f"  {SYMBOLS[first.level]} {first.effect}", style), f"  {visible(first.address)}"
    )
    indent = " " * (len(str(first.effect)) + 6)
    yield from (Text(f"{indent}{visible(each.address)}") for each in more)
    said = [line for part in visible(first.says).split("; ") for line in WRAPPER.wrap(part)]
    yield from (Text(f"      {line}") for line in said)
    yield from (Text(f"      {change}", "bold") for change in _changes(first))
    yield from (Text(f"      {visible(place)}", "bold cyan") for place in _places(first))
    yield from (Text(f"      {part}", "dim") for part in WRAPPER.wrap(f"AWS: {first.rule.fact}"))


def _changes(statement: Statement) -> list[str]:
    """`attribute: before → after`, each once."""
    return list(dict.fromkeys(_changed(statement, each) for each in statement.attributes))


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


def _places(statement: Statement) -> list[str]:
    """Where the change comes from: settings by line, or else the line of a module."""
    if statement.origins:
        return [_place(origin) for origin in statement.origins]
    return [statement.module_line] if statement.module_line else []


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
