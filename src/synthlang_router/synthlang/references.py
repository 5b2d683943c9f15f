"""Lines that an earlier message of the conversation already holds, as references to it.

Causal and pure: what a message refers to are the originals of the messages before it, so the same message is written
the same in every later turn, and a provider's prompt cache keeps working.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

_LEAST_CHARACTERS: Final = 160  # a reference with its hint costs about 15 tokens
_LEAST_LINE: Final = 16  # characters by which a line can be found again
_HINT: Final = 24  # characters of the first line, for the reader; the decoder does not need them
_PLACES: Final = 4  # earlier places of one line that are tried


class Reference(NamedTuple):
    """`lines` from `first` on (counted from 1) of message `message` (counted from 1) stand here."""

    message: int
    first: int
    last: int
    hint: str


class Earlier:
    """The texts of the messages so far, by lines."""

    def __init__(self) -> None:
        self._lines: dict[int, list[str]] = {}
        self._places: dict[str, list[tuple[int, int]]] = {}

    def add(self, message: int, text: str) -> None:
        lines = text.split("\n")
        self._lines[message] = lines
        for number, line in enumerate(lines):
            if len(line) >= _LEAST_LINE:
                self._places.setdefault(line, []).append((message, number))

    def lines(self, message: int, first: int, last: int) -> str:
        """Raises KeyError or IndexError where there are no such lines."""
        lines = self._lines[message]
        if not 1 <= first <= last <= len(lines):
            raise IndexError
        return "\n".join(lines[first - 1 : last])

    def split(self, text: str) -> list[str | Reference]:
        """The text as pieces of its own and references, to be joined by line ends."""
        lines = text.split("\n")
        out: list[str | Reference] = []
        own: list[str] = []
        at = 0
        while at < len(lines):
            message, number, size = self._longest(lines, at)
            if sum(map(len, lines[at : at + size])) + size <= _LEAST_CHARACTERS:
                own += lines[at : at + max(1, size)]
                at += max(1, size)
                continue
            if own:
                out.append("\n".join(own))
                own = []
            out.append(Reference(message, number + 1, number + size, lines[at].strip()[:_HINT]))
            at += size
        return [*out, "\n".join(own)] if own else out

    def _longest(self, lines: Sequence[str], at: int) -> tuple[int, int, int]:
        """Message, line and number of lines of the longest run that stands here and earlier."""
        best = (0, 0, 0)
        for message, number in self._places.get(lines[at], [])[-_PLACES:]:
            there = self._lines[message]
            size = 1
            while (
                at + size < len(lines)
                and number + size < len(there)
                and lines[at + size] == there[number + size]
            ):
                size += 1
            if size > best[2]:
                best = (message, number, size)
        return best
