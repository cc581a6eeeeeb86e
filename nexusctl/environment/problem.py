"""What is wrong in environment files, shown with the source line and never with a credential."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nexusctl.environment import credentials
from nexusctl.environment.tree import Span
from nexusctl.errors import EnvironmentInvalid, Location

_EXCERPT_WIDTH = 120
_QUOTE_WIDTH = 80
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file.

    `excerpt` is the source line and a caret below it, `related` the other values that take part.
    All texts are fit for a terminal: no credential, no control character.
    """

    location: Location
    message: str
    hint: str | None = None
    excerpt: tuple[str, str] | None = None

    def __str__(self) -> str:
        lines = [f"{self.location}: {self.message}"]
        if self.excerpt:
            number = str(self.location.line)
            source, caret = self.excerpt
            lines += [f"  {number} | {source}".rstrip(), f"  {' ' * len(number)} | {caret}"]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class EnvironmentProblems(EnvironmentInvalid):
    """All that is wrong with an environment at once; the message is the text of all `problems`.

    They are sorted: the environment's own file first, then what it extends; by line within a file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        shown = [str(problem) for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            shown.append(f"and {len(problems) - _SHOWN} more")
        super().__init__("\n".join(shown))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a file, for excerpts. The `hidden` stretches are never shown."""

    file: Path
    lines: tuple[str, ...]
    hidden: tuple[Span, ...] = ()

    def illustrate(self, problem: Problem) -> Problem:
        """The same problem with its source line, unless that is blank."""
        if not self.lines[problem.location.line - 1].strip():
            return problem
        return replace(problem, excerpt=self._excerpt(problem.location))

    def _excerpt(self, location: Location) -> tuple[str, str]:
        line = self.lines[location.line - 1]
        masked, caret = "", location.column - 1
        position = 0
        for start, end in _united([*self._hidden_in(location.line), *credentials.spans(line)]):
            masked += line[position:start] + credentials.MASK
            if start < location.column - 1:
                hidden_before_caret = min(end, location.column - 1) - start
                caret += len(credentials.MASK) - hidden_before_caret
            position = end
        masked = fit_for_terminal(masked + line[position:])
        first = max(0, caret - _EXCERPT_WIDTH // 2) if len(masked) > _EXCERPT_WIDTH else 0
        return masked[first : first + _EXCERPT_WIDTH], " " * (caret - first) + "^"

    def _hidden_in(self, number: int) -> Iterable[tuple[int, int]]:
        for (first, start), (last, end) in self.hidden:
            if first <= number <= last:
                length = len(self.lines[number - 1])
                yield (
                    start - 1 if number == first else 0,
                    min(end - 1, length) if number == last else length,
                )


def _united(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    united: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if start >= end:
            continue
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united


def fit_for_terminal(text: str) -> str:
    """`text` with a substitute for each character that a terminal could obey instead of show."""
    return "".join(
        character
        if character.isprintable()
        else " "
        if character == "\t"
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def quoted(text: str) -> str:
    """A value from a file, as messages quote it: masked, short, fit for a terminal."""
    shown, position = "", 0
    for start, end in _united(credentials.spans(text)):
        shown += text[position:start] + credentials.MASK
        position = end
    shown = fit_for_terminal(shown + text[position:])
    return shown if len(shown) <= _QUOTE_WIDTH else shown[:_QUOTE_WIDTH] + "…"
