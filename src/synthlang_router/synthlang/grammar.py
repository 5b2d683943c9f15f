"""The signs of the notation, as one table: what the encoder writes and what the decoder looks for.

Every sign is one token in all tokenizers of `tokens.ENCODINGS` (`scripts/choose_glyphs.py` prints the evidence).
`docs/synthlang.md` defines the notation for people who write their own decoder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

VERSION: Final = "1"

OPEN: Final = "【"  # a frame begins: OPEN, VERSION, a letter for its kind, what the kind needs, a line end
CLOSE: Final = "】"  # the frame ends
DEFINE: Final = "「"  # after a name: what the name stands for begins
DEFINED: Final = "」"  # ... and ends
SLOT: Final = "●"  # in a template: the next cell of the row goes here
COUNTER: Final = "±"  # in a template: a cell that may be given as +n to the one before
RUNNING: Final = "★"  # in a template, with a number: that number, one more in each row, without a cell
AGAIN: Final = "※"  # in a template, with a letter: a cell of this row once more
END: Final = "■"  # after the last row of a table
ESCAPE: Final = "¿"  # with a letter: one of these signs, as the original text had it
DITTO: Final = "^"  # a cell: as in the row above

SIGNS: Final = OPEN + CLOSE + DEFINE + DEFINED + SLOT + COUNTER + RUNNING + AGAIN + END + ESCAPE

LITERAL: Final = "="  # kind: the sign OPEN itself, outside of frames
JSON: Final = (
    "j"  # kind: JSON without white space, which is printed in the style named; rows joined by commas
)
LINES: Final = "l"  # kind: JSON values, one a line, all in the style named, written as one array of them
TEXT: Final = "t"  # kind: text; rows joined by line ends

EARLIER: Final = (
    "r"  # kind: lines of an earlier message: its number, first and last line, and a hint for the reader
)

LEGEND: Final = "(x「y」 names y; rows fill ●)"
"""May be the first line of a frame, where it costs little of what the frame saves; it stands for nothing."""

JOINERS: Final[Mapping[str, str]] = {JSON: ",", LINES: ",", TEXT: "\n"}

NAMES: Final = "§×→☆←°€™®©´♪♥«»¡„『』《》（）．；！？～〜・／＞，：─█′″―"
"""Names for templates and aliases, one token each; a name is free in a frame where the text does not contain it."""

PREFIX: Final = "†"
"""When those are used up, names are this sign and a letter or digit."""

LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NAME: Final = f"{PREFIX}[{LETTERS}]|[{NAMES}]"

SEPARATORS: Final = " ,|;\t│"
"""What may stand between the cells of a row, the cheapest first."""

_ESCAPABLE: Final = SIGNS + DITTO
DITTO_ITSELF: Final = ESCAPE + LETTERS[len(SIGNS)]
"""A cell that is DITTO in the data; elsewhere that sign stands for itself."""

_TO_ESCAPE: Final = {ord(sign): ESCAPE + LETTERS[index] for index, sign in enumerate(SIGNS)}
_ESCAPED: Final = re.compile(f"{ESCAPE}([{LETTERS[: len(_ESCAPABLE)]}])")
_ANY_SIGN: Final = re.compile(f"[{SIGNS}]")


def escape(text: str) -> str:
    """The text as it may stand in a frame: its own copies of our signs written with ESCAPE."""
    return text.translate(_TO_ESCAPE) if _ANY_SIGN.search(text) else text


def unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPABLE[LETTERS.index(match[1])], text) if ESCAPE in text else text


class OutOfNames(LookupError):
    """The text itself uses so many of our names that none is left."""


class Names:
    """Names that mean nothing in a text yet, the one-token ones first, and those that were taken."""

    def __init__(self, text: str) -> None:
        free = [name for name in NAMES if name not in text]
        if PREFIX not in text:
            free += [PREFIX + letter for letter in LETTERS]
        self._free = free[::-1]
        self.taken: list[str] = []

    def __len__(self) -> int:
        """How many are left."""
        return len(self._free)

    @property
    def single(self) -> int:
        """How many of one sign are left; templates have no others, for a letter could run into the first cell."""
        return sum(len(name) == 1 for name in self._free)

    def take(self) -> str:
        """The next one.

        Raises OutOfNames.
        """
        if not self._free:
            raise OutOfNames
        self.taken.append(self._free.pop())
        return self.taken[-1]


def letter_for(index: int) -> str:
    """The letter by which AGAIN names a cell, the first being `a`."""
    return LETTERS[index]
