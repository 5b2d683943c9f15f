"""The signs of the notation, as one table: what the encoder writes and what the decoder looks for.

Every sign is one token in all tokenizers of `tokens.ENCODINGS` (`scripts/choose_glyphs.py` prints the evidence).
`docs/synthlang.md` defines the notation for people who write their own decoder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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
LINES: Final = "l"  # kind: JSON, one value a line, all in the style named; rows joined by line ends
TEXT: Final = "t"  # kind: text; rows joined by line ends

JOINERS: Final[Mapping[str, str]] = {JSON: ",", LINES: "\n", TEXT: "\n"}

NAMES: Final = "§×→☆←°€™®©´ªº♪♥│«»¡„『』《》（）．；！？～〜・／＞，：─█′″―"
"""Names for templates and aliases, one token each; a name is free in a frame where the text does not contain it."""

PREFIX: Final = "†"
"""When those are used up, names are this sign and a letter or digit."""

LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NAME: Final = f"{PREFIX}[{LETTERS}]|[{NAMES}]"

SEPARATORS: Final = " ,|;\t│"
"""What may stand between the cells of a row, the cheapest first."""

_TO_ESCAPE: Final = {ord(sign): ESCAPE + LETTERS[index] for index, sign in enumerate(SIGNS)}
_ESCAPED: Final = re.compile(f"{ESCAPE}([{LETTERS[: len(SIGNS)]}])")
_ANY_SIGN: Final = re.compile(f"[{SIGNS}]")


def escape(text: str) -> str:
    """The text as it may stand in a frame: its own copies of our signs written with ESCAPE."""
    return text.translate(_TO_ESCAPE) if _ANY_SIGN.search(text) else text


def unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: SIGNS[LETTERS.index(match[1])], text) if ESCAPE in text else text


def free_names(text: str) -> Iterator[str]:
    """Names that mean nothing in this text yet: the one-token ones first."""
    yield from (name for name in NAMES if name not in text)
    if PREFIX not in text:
        yield from (PREFIX + letter for letter in LETTERS)


def letter_for(index: int) -> str:
    """The letter by which AGAIN names a cell, the first being `a`."""
    return LETTERS[index]


def without_signs(texts: Iterable[str]) -> bool:
    return not any(_ANY_SIGN.search(text) for text in texts)
