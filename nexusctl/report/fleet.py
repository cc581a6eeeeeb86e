"""Several environments in one table: a line for each, whatever was done with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from nexusctl.change.impact import Impact
from nexusctl.change.rule import Level
from nexusctl.errors import NexusError
from nexusctl.policy.verdict import Verdict
from nexusctl.report.findings import counted
from nexusctl.report.impact import STYLES
from nexusctl.report.markdown import prose, row, table
from nexusctl.report.visible import one_line
from nexusctl.terraform.plan import Action, Plan


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one environment: a mark, its style, and a few words."""

    mark: str
    style: str
    words: str


def failed(error: NexusError) -> Told:
    """It ended with an error."""
    return Told("✗", "bold red", one_line(error.message.partition("\n")[0]))


def planned(judged: Sequence[Verdict], plan: Plan | None, done: Impact | None) -> Told:
    """What the gate says of it, and what its plan would change; no plan where that was denied."""
    if any(verdict.unjudged for verdict in judged):
        return Told("✗", "bold red", "policies could not judge everything")
    if denied := sum(len(verdict.denied) for verdict in judged):
        return Told("✗", "bold red", f"denied: {counted(denied, 'finding')}")
    if plan is None or plan.empty:
        return Told("✓", "green", "no changes")
    counts = [f"{plan.count(each)} to {each}" for each in Action if plan.count(each)]
    words = ", ".join(counts) or "only outputs change"
    level = done.level if done else Level.NONE
    return Told("~", STYLES.get(level, "yellow"), f"{words} · impact: {level}")


def drifted(found: Impact) -> Told:
    """What was changed outside Terraform, by its worst."""
    if found.statements or found.unnoticed:
        return Told("!", STYLES.get(found.level, "yellow"), f"drifted: {found.level}")
    return Told("✓", "green", "no drift")


def markdown(told: Mapping[str, Told]) -> str:
    """The table as a part of a comment on a pull request."""
    rows = [row([each.mark, prose(name), prose(each.words)]) for name, each in told.items()]
    return table([row(["", "environment", ""]), row(["---"] * 3), *rows], len(rows)) + "\n"


def summary(told: Mapping[str, Told]) -> Iterator[Text]:
    """The table, in the order of `told`."""
    width = max(map(len, told), default=0)
    yield Text()
    for name, each in told.items():
        yield Text.assemble((each.mark, each.style), f" {name:<{width}}  {each.words}")
