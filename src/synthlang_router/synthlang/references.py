"""Lines that an earlier message of the conversation already holds, as references to it.

Causal and pure: what a message refers to are the originals of the messages before it, so the same message is written
the same in every later turn, and a provider's prompt cache keeps working. A file shown again after an edit has the
same lines under other numbers: a reference may shift the numbers the lines begin with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_LEAST_CHARACTERS: Final = 120  # a reference with its hint costs about 15 tokens
_LEAST_LINE: Final = 16  # characters by which a line can be found again
_HINT: Final = 24  # characters of the first line, for the reader; the decoder does not need them
_PLACES: Final = 4  # earlier places of one line that are tried
_NUMBERED: Final = re.compile(r"( *[0-9]{1,6})([:|\t].*)", re.DOTALL)


class Reference(NamedTuple):
    """Lines `first` to `last` (counted from 1) of message `message` (counted from 1) stand here, shifted by `shift`."""

    message: int
    first: int
    last: int
    shift: int
    hint: str


class _Line(NamedTuple):
    """`rest` is what is compared; `number` what it begins with, where that is a number, else nothing."""

    text: str
    rest: str
    number: str

    @property
    def value(self) -> int | None:
        return int(self.number) if self.number else None


class Earlier:
    """The texts of the messages so far, by lines."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._lines: dict[int, list[_Line]] = {}
        self._places: dict[str, list[tuple[int, int]]] = {}

    def add(self, message: int, text: str) -> None:
        """Costs nothing until somebody asks for lines."""
        self._texts[message] = text

    def _look_through(self) -> None:
        """Take in the messages that were added since."""
        for message, text in self._texts.items():
            lines = self._lines[message] = _lines_of(text)
            for number, line in enumerate(lines):
                if len(line.rest) >= _LEAST_LINE:
                    self._places.setdefault(line.rest, []).append((message, number))
        self._texts.clear()

    def lines(self, message: int, first: int, last: int, shift: int) -> str:
        """What a reference stands for.

        Raises KeyError or IndexError where there are no such lines.
        """
        self._look_through()
        lines = self._lines[message]
        if not 1 <= first <= last <= len(lines):
            raise IndexError
        return "\n".join(_shifted(line, shift) for line in lines[first - 1 : last])

    def split(self, text: str) -> list[str | Reference]:
        """The text as pieces of its own and references, to be joined by line ends."""
        self._look_through()
        lines = _lines_of(text)
        out: list[str | Reference] = []
        begin = at = 0  # of what is the text's own so far, and where we are
        while at < len(lines):
            found = self._longest(lines, begin, at)
            if found is None:
                at += 1
                continue
            start, reference = found
            if start > begin:
                out.append(_joined(lines[begin:start]))
            out.append(reference)
            begin = at = start + reference.last - reference.first + 1
        return [*out, _joined(lines[begin:])] if begin < len(lines) else out

    def _longest(self, lines: Sequence[_Line], begin: int, at: int) -> tuple[int, Reference] | None:
        """The longest run around `at` that stands earlier, too, and where it starts; None where it is too short."""
        best: tuple[int, int, Reference] | None = None
        for message, number in self._places.get(lines[at].rest, [])[-_PLACES:]:
            there = self._lines[message]
            shift = _shift(lines[at], there[number])
            if shift is None:
                continue
            back = 0
            while (
                at - back > begin
                and number > back
                and _same(lines[at - back - 1], there[number - back - 1], shift)
            ):
                back += 1
            size = 1
            while (
                at + size < len(lines)
                and number + size < len(there)
                and _same(lines[at + size], there[number + size], shift)
            ):
                size += 1
            characters = sum(len(line.text) + 1 for line in lines[at - back : at + size])
            if characters > _LEAST_CHARACTERS and (best is None or characters > best[0]):
                hint = lines[at].rest.lstrip(":|\t ")[:_HINT].rstrip()
                best = (
                    characters,
                    at - back,
                    Reference(message, number - back + 1, number + size, shift, hint),
                )
        return None if best is None else best[1:]


def _lines_of(text: str) -> list[_Line]:
    return [_line(line) for line in text.split("\n")]


def _line(text: str) -> _Line:
    match = _NUMBERED.fullmatch(text)
    return _Line(text, text, "") if match is None else _Line(text, match[2], match[1])


def _joined(lines: Sequence[_Line]) -> str:
    return "\n".join(line.text for line in lines)


def _shift(here: _Line, there: _Line) -> int | None:
    """By what the number of a line went up; None where it is not the same line."""
    if here.value is None or there.value is None:
        return 0 if here.text == there.text else None
    shift = here.value - there.value
    return shift if _same(here, there, shift) else None


def _same(here: _Line, there: _Line, shift: int) -> bool:
    return here.rest == there.rest and here.text == _shifted(there, shift)


def _shifted(line: _Line, shift: int) -> str:
    """The line with its number gone up, as wide as it was."""
    if not shift or line.value is None:
        return line.text
    return str(line.value + shift).rjust(len(line.number)) + line.rest
