"""Cells that count: times of day and whole numbers, written as what was added since the row above.

`+3` is three more: for a time in its last unit (seconds of `04:54:18`, milliseconds of `18:07:01,219`). A time is
printed with the separators and the number of decimals of the one before it, a number with leading zeros as wide as
the one before it; where that would not give the very text, the cell holds the text itself.
"""

from __future__ import annotations

import re
from typing import Final

from synthlang_router.synthlang.grammar import DITTO

_TIME: Final = re.compile(r"(\d\d?)([:.])(\d\d?)\2(\d\d?)(?:([.,:])(\d{1,9}))?")
_DELTA: Final = re.compile(r"\+\d{1,18}")
MAX_DIGITS: Final = 18

COUNTS: Final = re.compile(rf"{_TIME.pattern}|\d{{1,{MAX_DIGITS}}}")
"""What a counting cell may be."""


def advance(above: str, cell: str) -> str:
    """The value a cell stands for, below `above`."""
    if cell == DITTO:
        return above
    return _plus(above, int(cell)) if _DELTA.fullmatch(cell) else cell


def difference(above: str, value: str) -> str:
    """The shortest cell for a value below `above`: ditto, what was added, or the value itself."""
    if value == above:
        return DITTO
    if _delta_possible(above, value):
        delta = _number(value) - _number(above)
        cell = f"+{delta}"
        if delta > 0 and len(cell) < len(value) and _plus(above, delta) == value:
            return cell
    return value


def _delta_possible(above: str, value: str) -> bool:
    return above.isdecimal() == value.isdecimal()


def _number(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        return int(text)
    hours, _, minutes, seconds, _, part = match.groups("")
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return int(f"{whole}{part}")


def _plus(above: str, delta: int) -> str:
    match = _TIME.fullmatch(above)
    if match is None:
        return str(int(above) + delta).zfill(len(above) if above[0] == "0" else 0)
    hours, mark, minutes, seconds, point, part = match.groups("")
    digits = 10 ** len(part)
    total, rest = divmod(_number(above) + delta, digits)
    width = min(len(minutes), len(seconds))
    fields = (
        str(total // 3600).zfill(min(len(hours), width)),
        str(total // 60 % 60).zfill(width),
        str(total % 60).zfill(width),
    )
    return mark.join(fields) + point + (str(rest).zfill(len(part)) if part else "")


def following(number: str) -> str:
    """The next of numbers that run by themselves, as wide as the one before it."""
    return str(int(number) + 1).rjust(len(number))
