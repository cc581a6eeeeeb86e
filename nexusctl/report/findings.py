"""What all formats need of verdicts: each finding once, and the place to edit."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nexusctl.errors import Location
from nexusctl.policy.verdict import Finding, Outcome, Verdict

# The head of a hunk of a unified diff: its first line and its number of lines in the old text.
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+")


@dataclass(frozen=True, slots=True)
class Told:
    """A finding, and the verdict that it is part of."""

    finding: Finding
    verdict: Verdict

    @property
    def setting(self) -> Location | None:
        """Where the setting behind the finding is written; None where its default holds."""
        return self.finding.setting.origin.location if self.finding.setting else None

    @property
    def terraform(self) -> Location | None:
        """The finding's place in Terraform files that somebody edits; None in a rendered root."""
        if self.verdict.root is None or self.finding.file is None:
            return None
        return Location(self.verdict.root / self.finding.file, self.finding.line or 1)

    @property
    def rendered(self) -> str | None:
        """The finding's FILE:LINE in the rendered root, which nobody edits."""
        if self.verdict.root is not None or self.finding.file is None:
            return None
        return f"{self.finding.file}:{self.finding.line or 1}"

    @property
    def place(self) -> Location:
        """Where to look first: the setting, else the Terraform file, else what was judged."""
        return self.setting or self.terraform or Location(self.verdict.source, 1)


def by_name(judged: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """The verdicts of each thing that was judged, in the order they came."""
    names: dict[str, list[Verdict]] = {}
    for verdict in judged:
        names.setdefault(verdict.name, []).append(verdict)
    return names


def told(judged: Iterable[Verdict], *outcomes: Outcome) -> list[Told]:
    """The findings with these outcomes, the most severe first, each once.

    What the files of an environment show, its plan shows again: a later verdict of the same name
    adds only the policies and resources that the earlier ones did not have.
    """
    found: list[Told] = []
    for verdicts in by_name(judged).values():
        seen: set[tuple[Outcome, str, str]] = set()
        for verdict in verdicts:
            mine = verdict.of(*outcomes)
            found += [Told(finding, verdict) for finding in mine if _key(finding) not in seen]
            seen |= {_key(finding) for finding in mine}
    return sorted(found, key=lambda each: each.finding.order)


def _key(finding: Finding) -> tuple[Outcome, str, str]:
    return finding.outcome, finding.policy.id, finding.resource


def folded(some: Iterable[Told]) -> list[list[Told]]:
    """The findings that one edit mends, together: same policy, same setting, same diff."""
    entries: dict[object, list[Told]] = {}
    for each in some:
        finding = each.finding
        key = (each.verdict.name, finding.policy.id, finding.setting, finding.diff)
        entries.setdefault(key, []).append(each)
    return list(entries.values())


def undecided(judged: Sequence[Verdict]) -> list[str]:
    """The policies that rest on what only a plan knows, where none was judged."""
    return sorted(
        {
            finding.policy.id
            for verdicts in by_name(judged).values()
            if all(verdict.subject != "plan" for verdict in verdicts)
            for verdict in verdicts
            for finding in verdict.of(Outcome.DEFERRED)
        }
    )


def counted(number: int, noun: str, nouns: str = "") -> str:
    """`1 finding`, `2 findings`; `nouns` where an s is not enough."""
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"


def waiver(finding: Finding) -> str:
    """Why a failed finding is allowed: who waives it and until when, or that it is an old one."""
    if finding.waived:
        waived = finding.waived
        return f"{waived.reason} ({waived.owner}, until {waived.expires})"
    return "it failed before, so it is in the baseline"


def subject(verdict: Verdict) -> str:
    """What the verdict is about, in words."""
    match verdict.subject:
        case "files":
            return (
                f"the files of {relative(verdict.root)}" if verdict.root else "the rendered files"
            )
        case "plan":
            return "the plan"
        case "state":
            return "the state"


def relative(path: Path) -> str:
    """`path` with forward slashes, from the current directory where it lies in it."""
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def edited(diff: str) -> Location | None:
    """The first line that a unified diff of one file changes, as the old text counts them."""
    file = None
    line = 0  # 0 before the first hunk, where the name of the file is
    for row in diff.splitlines():
        if hunk := _HUNK.match(row):
            # A hunk of no old lines names the line before it.
            line = int(hunk[1]) + (hunk[2] == "0")
        elif row.startswith("--- ") and not line:
            file = Path(row.removeprefix("--- ").partition("\t")[0])
        elif line and file and row.startswith(("-", "+")):
            # Lines put in have no old line: the one before them is there for sure.
            return Location(file, line if row.startswith("-") else max(line - 1, 1))
        elif line:
            line += 1
    return None
