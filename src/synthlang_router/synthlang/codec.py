"""Text -> notation and back: the one place that puts segments and frames together.

`encode` reads its own output back and compares; what does not come back exactly is not changed.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from synthlang_router.synthlang.grammar import JSON, LITERAL, OPEN, VERSION
from synthlang_router.synthlang.segments import find_json
from synthlang_router.synthlang.whitespace import minify, restore


class Coded(NamedTuple):
    """`sent` is what a model reads; `stored` is what `decode` turns into the original."""

    sent: str
    stored: str


class BrokenFrame(ValueError):
    """Not a text this version wrote."""


def encode(text: str) -> Coded | None:
    """The text with the white space of its JSON dropped, None where there is nothing to drop."""
    sent: list[str] = []
    stored: list[str] = []
    at = 0
    for span in find_json(text):
        small = minify(text[span.start : span.end])
        if small.style:
            plain = text[at : span.start]
            sent += (plain, small.text)
            stored += (_escape(plain), f"{OPEN}{VERSION}{JSON}{small.style} {small.text}")
            at = span.end
    if at == 0:
        return None
    coded = Coded("".join(sent) + text[at:], "".join(stored) + _escape(text[at:]))
    return coded if _reads_as(coded.stored, text) else None


def _reads_as(stored: str, text: str) -> bool:
    try:
        return decode(stored) == text
    except BrokenFrame:
        return False


def decode(stored: str) -> str:
    """The original of a stored text.

    Raises BrokenFrame where the text is not in this notation.
    """
    out: list[str] = []
    at = 0
    while (start := stored.find(OPEN, at)) >= 0:
        out.append(stored[at:start])
        body = start + len(OPEN) + len(VERSION) + 1
        if stored[start + len(OPEN) : body - 1] != VERSION:
            raise BrokenFrame
        original, at = _READERS.get(stored[body - 1 : body], _unknown)(stored, body)
        out.append(original)
    out.append(stored[at:])
    return "".join(out)


def _escape(plain: str) -> str:
    return plain.replace(OPEN, OPEN + VERSION + LITERAL)


def _unknown(_stored: str, _at: int) -> tuple[str, int]:
    raise BrokenFrame


def _read_literal(_stored: str, at: int) -> tuple[str, int]:
    return OPEN, at


def _read_json(stored: str, at: int) -> tuple[str, int]:
    try:
        if stored.startswith("[", at):
            _, space = _DECODER.raw_decode(stored, at)
        else:
            space = stored.index(" ", at)
        _, end = _DECODER.raw_decode(stored, space + 1)
        return restore(stored[space + 1 : end], stored[at:space]), end
    except (ValueError, IndexError, RecursionError) as error:
        raise BrokenFrame from error


_DECODER = json.JSONDecoder()
_READERS = {LITERAL: _read_literal, JSON: _read_json}
