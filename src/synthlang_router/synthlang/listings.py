"""Numbered lines, and lines found by a search (`path:12:`), as a program prints them: what an agent passes on as a user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_LISTED: Final = re.compile(
    r"^(?:[ \t]*[0-9]{1,6}[:|\t]|[\w.+/-]{1,200}[:-][0-9]{1,6}[:-]).*$", re.MULTILINE | re.ASCII
)
_LEAST_LINES: Final = 8

DIFF: Final = re.compile(r"^(?:diff --git |\+\+\+ )", re.MULTILINE)
"""A text with this in it holds a diff, of which no line is touched."""


class Listing(NamedTuple):
    """A range of a text that is listed lines, one after the other."""

    start: int
    end: int


def find_listings(text: str) -> Iterator[Listing]:
    """In order; none where there is a diff."""
    if DIFF.search(text) is not None:
        return
    first = last = -1
    lines = 0
    for line in _LISTED.finditer(text):
        if line.start() != last + 1:
            if lines >= _LEAST_LINES:
                yield Listing(first, last)
            first, lines = line.start(), 0
        last, lines = line.end(), lines + 1
    if lines >= _LEAST_LINES:
        yield Listing(first, last)
