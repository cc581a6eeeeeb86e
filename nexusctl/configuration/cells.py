"""Values that are computed once, and what the present computation rests on."""

from collections.abc import Callable
from typing import Any

from nexusctl.configuration.values import Failed, Undecided, Unknown, references, too_large

_BUSY = (Unknown(), frozenset[str]())


class Exhausted(Exception):
    """So much was evaluated that the rest stays unknown."""


class Cells:
    """Remembers values. `touched` are the addresses that the present value rests on."""

    def __init__(self) -> None:
        self.touched: set[str] = set()
        self.depth = 0
        self._cells: dict[Any, tuple[object, frozenset[str]]] = {}

    def cell(self, key: object, compute: Callable[[], object]) -> object:
        """A value that is computed once. What rests on itself is unknown."""
        found = self._cells.get(key)
        if found is None:
            self._cells[key] = _BUSY
            outer, self.touched = self.touched, set()
            # Reading what is elsewhere takes more frames than an expression in another.
            self.depth += 2
            try:
                value = compute()
            except (Failed, Undecided, Exhausted):
                value = Unknown(frozenset(self.touched))
            self.depth -= 2
            if too_large(value):
                value = Unknown(references(value))
            found = self._cells[key] = (value, frozenset(self.touched))
            self.touched = outer
        self.touched |= found[1]
        return found[0]
