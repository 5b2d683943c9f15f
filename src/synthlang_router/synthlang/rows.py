"""Writing rows: what stands in the row above is not said again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from synthlang_router.synthlang.columns import Pattern
from synthlang_router.synthlang.counters import difference
from synthlang_router.synthlang.grammar import DEFINE, DEFINED, DITTO, DITTO_ITSELF

_DITTO_FROM: Final = 3  # characters; a shorter value costs no more than the sign

MOST_TEMPLATES: Final = 24
"""Of a frame; enough for any data a reader could still follow, and names are left for aliases."""

Key = TypeVar("Key", bound=Hashable)


class Body(NamedTuple):
    """The body of a frame that has tables, and what separates the cells in them."""

    text: str
    separators: str


def define(name: str, pattern: Pattern) -> str:
    """The definition of a template; the line end belongs to it."""
    return f"{name}{DEFINE}{pattern.separator}{pattern.layout}{DEFINED}\n"


def whole_line(line: str) -> str:
    """A line as the only cell of its row."""
    return DITTO_ITSELF if line == DITTO else line


class Rows(Generic[Key]):
    """What a reader of the rows so far knows: the last row of each template, and the last first counter of all."""

    def __init__(self) -> None:
        self._above: dict[Key, Sequence[str]] = {}
        self._clock = ""

    def row(self, key: Key, pattern: Pattern, texts: Sequence[str], cells: Sequence[str]) -> str:
        """One row of a template. `texts` are the values, `cells` how they are written (tables inside them)."""
        above = self._above.get(key)
        out: list[str] = []
        counted = False
        for place, (column, text, cell) in enumerate(zip(pattern.columns, texts, cells, strict=True)):
            if column.counts and not counted and self._clock:
                cell = difference(self._clock, text)
            elif above is not None and column.counts:
                cell = difference(above[place], text)
            elif above is not None and above[place] == text == cell and len(text) >= _DITTO_FROM:
                cell = DITTO
            elif cell == DITTO:
                cell = DITTO_ITSELF
            if column.counts and not counted:
                self._clock, counted = text, True
            out.append(cell)
        self._above[key] = texts
        return pattern.separator.join(out)
