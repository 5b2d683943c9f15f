"""Lines of fields (CSV, TSV, Markdown tables) as tables: what a column has in common is said once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from synthlang_router.synthlang.columns import Columns
from synthlang_router.synthlang.grammar import END, Names
from synthlang_router.synthlang.rows import Body, Rows, define

_LEAST_LINES: Final = 5
_MOST_FIELDS: Final = 100
_HEADS: Final = {
    "\t": re.compile(r"[^\t\n]{1,60}(?:\t[^\t\n]{0,60})+"),
    ",": re.compile(r"\"?[\w .#%/-]{1,40}\"?(?:,\"?[\w.#%/-][\w .#%/-]{0,40}\"?){2,}", re.ASCII),
    ";": re.compile(r"\"?[\w .#%/-]{1,40}\"?(?:;\"?[\w.#%/-][\w .#%/-]{0,40}\"?){2,}", re.ASCII),
    "|": re.compile(r"\|[^|\n]{1,80}(?:\|[^|\n]{1,80})+\|[ \t]*"),
}
"""What a first line looks like: names, no sentence and no code."""

_HEAD: Final = re.compile(
    "|".join(f"^(?:{head.pattern})$" for head in _HEADS.values()), re.MULTILINE | re.ASCII
)


class Fields(NamedTuple):
    """A range of a text that is lines of the same number of fields, the first of which names them."""

    start: int
    end: int


def find_fields(text: str, start: int, end: int) -> Iterator[Fields]:
    """The ranges between two places that are lines of fields."""
    at = start
    while (head := _HEAD.search(text, at, end)) is not None:
        first, stop = head.span()
        mark = _delimiter(text, first, stop)
        count, lines, at = text.count(mark, first, stop), 1, stop
        while stop < end:
            line = stop + 1
            following = text.find("\n", line, end)
            following = end if following < 0 else following
            if text.count(mark, line, following) != count:
                break
            stop, lines = following, lines + 1
        if lines >= _LEAST_LINES:
            yield Fields(first, stop)
            at = stop


def _delimiter(text: str, at: int, stop: int) -> str:
    """By what the fields of this first line are separated; empty where it is not one."""
    return next((mark for mark, head in _HEADS.items() if head.fullmatch(text, at, stop)), "")


def tabulate_fields(text: str, names: Names) -> Body | None:
    """The lines as one table below their first, None where no separator is free."""
    head, *lines = text.split("\n")
    mark = _delimiter(head, 0, len(head))
    rows = [line.split(mark) for line in lines]
    if not mark or not names.single or len(rows[0]) > _MOST_FIELDS or len({len(row) for row in rows}) != 1:
        return None
    columns = Columns()
    for place, column in enumerate(zip(*rows, strict=True)):
        columns.literal(mark if place else "")
        columns.texts(list(column))
    pattern = columns.pattern()
    if pattern is None:
        return None
    writer: Rows[str] = Rows()
    cells: Sequence[list[str]] = [
        [str(column.values[number]) for column in pattern.columns] for number in range(len(rows))
    ]
    written = "\n".join(writer.row(mark, pattern, row, row) for row in cells)
    return Body(f"{head}\n{define(names.take(), pattern)}{written}{END}", pattern.separator)
