"""Text -> notation and back, for one text: which segments are written how, and whether that is shorter.

`encode` reads its own output back and compares; what does not come back exactly is not changed. It is a pure
function of the text, the role and the level, so that the same message is written the same in every later request
and a provider's prompt cache keeps working.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from synthlang_router.synthlang.aliases import Taste, alias
from synthlang_router.synthlang.delimited import tabulate_fields
from synthlang_router.synthlang.frames import BrokenFrame, read_text
from synthlang_router.synthlang.grammar import (
    CLOSE,
    EARLIER,
    JSON,
    LEGEND,
    LINES,
    LITERAL,
    OPEN,
    SIGNS,
    TEXT,
    VERSION,
    Names,
    escape,
)
from synthlang_router.synthlang.json_spans import find_json
from synthlang_router.synthlang.lines import number_runs, tabulate_lines
from synthlang_router.synthlang.quoting import program_lines
from synthlang_router.synthlang.references import Earlier, Reference
from synthlang_router.synthlang.repeats import Look
from synthlang_router.synthlang.rows import Body
from synthlang_router.synthlang.segments import Kind, Segment, find_data
from synthlang_router.synthlang.tables import tabulate
from synthlang_router.synthlang.tokens import ENCODINGS, count_tokens
from synthlang_router.synthlang.trees import TooDeep, parse
from synthlang_router.synthlang.whitespace import minify

LosslessLevel = Literal["exact", "readable", "session"]

_ANY_SIGN: Final = re.compile(f"[{SIGNS}]")
_DATA: Final = Taste(gain=5, words=2, often=2, look=Look(4, (1, 2)))
_WORDS: Final = Taste(gain=8, words=6, often=8, look=Look(5, (1, 3)))
_AGENT: Final = Taste(gain=4, words=2, often=2, look=Look(3, (1, 2)), thorough=True)
_TEXT_PAYS: Final[Mapping[LosslessLevel, float]] = {"readable": 0.94, "session": 0.96}
"""Of the tokens; for less, text that people wrote is not touched."""
_LEGEND_PAYS: Final = 400  # tokens saved by the frame that shows it
_MARGIN: Final[Mapping[LosslessLevel, int]] = {"exact": 2, "readable": 6, "session": 6}
"""Tokens a segment must save: at its ends it may become two tokens with what stands there that were one before."""

_CLEARLY: Final[Mapping[LosslessLevel, float]] = {"exact": 0.95, "readable": 0.94, "session": 0.94}
"""Of the tokens of a segment with many: below that no encoding gets longer, above it all of them are counted."""

_MANY: Final = 300


class Coded(NamedTuple):
    """`sent` is what a model reads; `stored` is what `decode` turns into the original.

    `tokens` are those of the text before and after in o200k, where they are known already.
    """

    sent: str
    stored: str
    tokens: tuple[int, int] | None = None


class _Framed(NamedTuple):
    """A segment written otherwise, and what both cost in o200k."""

    sent: str
    stored: str
    before: int
    after: int


def encode(text: str, role: str, level: LosslessLevel, earlier: Earlier | None = None) -> Coded | None:
    """The text with its data written shorter, None where there is nothing to gain.

    `earlier` are the originals of the messages before it, which level `session` refers to.
    """
    coded = encode_unread(text, role, level, earlier)
    return coded if coded is not None and _reads_as(coded.stored, text, earlier) else None


def encode_unread(text: str, role: str, level: LosslessLevel, earlier: Earlier | None = None) -> Coded | None:
    """The same before it has been read back: for a caller who reads back the whole conversation."""
    coded = _encode(text, role, level)
    if level == "session" and earlier is not None:
        return _shortest(coded, _refer(text, role, earlier))
    return coded


def _encode(text: str, role: str, level: LosslessLevel) -> Coded | None:
    if level == "exact":
        segments = [Segment("json", *span) for span in find_json(text)]
    else:
        segments = find_data(text, role, listings=level == "session")
    sent: list[str] = []
    stored: list[str] = []
    at = 0
    for segment in segments:
        source = text[segment.start : segment.end]
        coded = _FRAMERS[segment.kind](source, level)
        if coded is not None and _pays(source, coded, level):
            plain = text[at : segment.start]
            sent += (plain, coded.sent)
            stored += (unframed(plain), coded.stored)
            at = segment.end
        if coded is not None and at == len(text) == len(source):
            return Coded(coded.sent, coded.stored, (coded.before, coded.after))
    if at == 0:
        return None
    return Coded("".join(sent) + text[at:], "".join(stored) + unframed(text[at:]))


def _refer(text: str, role: str, earlier: Earlier) -> Coded | None:
    """The text with references to earlier messages, and what is its own written as far as possible."""
    if role in ("system", "developer"):
        return None
    pieces = earlier.split(text)
    if role not in ("tool", "function"):
        pieces = program_lines(text, pieces, earlier)
    if not any(isinstance(piece, Reference) for piece in pieces):
        return None
    parts = [_piece(piece, role) for piece in pieces]
    sent, stored = "\n".join(part.sent for part in parts), "\n".join(part.stored for part in parts)
    framed = _Framed(sent, stored, _tokens(text), _tokens(sent))
    return Coded(sent, stored) if _pays(text, framed, "session") else None


def _piece(piece: str | Reference, role: str) -> Coded:
    if isinstance(piece, str):
        return _encode(piece, role, "session") or Coded(piece, unframed(piece))
    hint = _ANY_SIGN.sub("", piece.hint)
    shift = f"{piece.shift:+}" if piece.shift else ""
    frame = f"{OPEN}{VERSION}{EARLIER}{piece.message}:{piece.first}-{piece.last}{shift} {hint}{CLOSE}"
    return Coded(frame, frame)


def _shortest(*choices: Coded | None) -> Coded | None:
    found = [choice for choice in choices if choice is not None]
    return min(found, key=lambda choice: _tokens(choice.sent)) if len(found) > 1 else next(iter(found), None)


def _reads_as(stored: str, text: str, earlier: Earlier | None) -> bool:
    try:
        return read_text(stored, earlier) == text
    except BrokenFrame:
        return False


def _tokens(text: str) -> int:
    return count_tokens(text, "o200k_base")


def _pays(source: str, framed: _Framed, level: LosslessLevel) -> bool:
    margin, before, after = _MARGIN[level], framed.before, framed.after
    if after > before - margin:
        return False
    if before > _MANY and after < _CLEARLY[level] * before:
        return True
    return all(
        count_tokens(framed.sent, name) <= count_tokens(source, name) - margin for name in ENCODINGS[1:]
    )


def unframed(plain: str) -> str:
    """A text as it is, with the sign that opens frames marked as its own."""
    return plain.replace(OPEN, OPEN + VERSION + LITERAL)


def _frame(kind: str, style: str, body: str) -> str:
    return f"{OPEN}{VERSION}{kind}{style}\n{body}{CLOSE}"


def _in_frame(
    source: str, kind: str, style: str, body: str, first: Sequence[str] = (), last: Sequence[str] = ()
) -> _Framed:
    """The body framed, between lines that stay as they are; the legend goes in where it pays."""
    frame = _frame(kind, style, body)
    sent = "\n".join([*first, frame, *last])
    before, after = _tokens(source), _tokens(sent)
    if before - after >= _LEGEND_PAYS:
        frame = _frame(kind, style, f"{LEGEND}\n{body}")
        sent = "\n".join([*first, frame, *last])
        after = _tokens(sent)
    stored = "\n".join([*map(unframed, first), frame, *map(unframed, last)])
    return _Framed(sent, stored, before, after)


def _json(source: str, level: LosslessLevel) -> _Framed | None:
    small = minify(source)
    plain = escape(small.text)
    if level == "exact":
        return _bare(source, small.text, _frame(JSON, small.style, plain)) if small.style else None
    try:
        framed = _in_frame(source, JSON, small.style, _json_body(plain))
    except TooDeep:
        framed = None
    return _shorter(framed, source, small.text, _frame(JSON, small.style, plain) if small.style else None)


def _json_lines(source: str, level: LosslessLevel) -> _Framed | None:
    small = [minify(line) for line in source.split("\n")]
    style = small[0].style
    if any(line.style != style for line in small):
        return None
    array = escape(f"[{','.join(line.text for line in small)}]")
    try:
        framed = _in_frame(source, LINES, style, _json_body(array))
    except TooDeep:
        return None
    bare = "\n".join(line.text for line in small)
    return _shorter(framed, source, bare, _frame(LINES, style, array) if style else None)


def _shorter(framed: _Framed | None, source: str, bare: str, stored: str | None) -> _Framed | None:
    """The frame, or JSON without white space where that is shorter; `stored` is None where there was none to drop."""
    tokens = _tokens(bare)
    if framed is not None and framed.after < tokens:
        return framed
    if stored is None:
        return None
    return _Framed(bare, stored, _tokens(source) if framed is None else framed.before, tokens)


def _bare(source: str, small: str, stored: str) -> _Framed:
    return _Framed(small, stored, _tokens(source), _tokens(small))


def _json_body(plain: str) -> str:
    names = Names(plain)
    body = tabulate(parse(plain), names)
    return alias(body.text, names, _DATA, stops="\n" + body.separators.translate(_MAY_CROSS), json=True)


def _log(source: str, level: LosslessLevel) -> _Framed | None:
    plain = escape(source)
    names = Names(plain)
    return _lines(source, level, tabulate_lines(plain.split("\n"), names), names)


def _fields(source: str, level: LosslessLevel) -> _Framed | None:
    plain = escape(source)
    names = Names(plain)
    return _lines(source, level, tabulate_fields(plain, names), names)


def _lines(source: str, level: LosslessLevel, body: Body | None, names: Names) -> _Framed | None:
    if body is None:
        return _text(source, level)
    short = alias(body.text, names, _DATA, stops="\n" + body.separators.translate(_MAY_CROSS))
    return _in_frame(source, TEXT, "", short)


_MAY_CROSS: Final = {ord(" "): None, ord(","): None}
"""Separators an alias may hold: they are parts of words and sentences, too."""


def _text(source: str, level: LosslessLevel) -> _Framed | None:
    """Only the lines from the first name to the last call are framed; what is around them stays as it is."""
    plain = escape(source)
    names = Names(plain)
    body = alias(number_runs(plain, names), names, _AGENT if level == "session" else _WORDS)
    if not names.taken:
        return None
    before, after, lines = plain.split("\n"), body.split("\n"), source.split("\n")
    head = _same(before, after)
    tail = _same(before[head:][::-1], after[head:][::-1])
    first, last = lines[:head], lines[len(before) - tail :]
    framed = _in_frame(source, TEXT, "", "\n".join(after[head : len(after) - tail]), first, last)
    return framed if framed.after <= _TEXT_PAYS[level] * framed.before else None


def _same(one: list[str], other: list[str]) -> int:
    """How many lines are the same from the beginning."""
    size = 0
    for here, there in zip(one, other, strict=False):
        if here != there:
            break
        size += 1
    return size


_FRAMERS: Final[Mapping[Kind, Callable[[str, LosslessLevel], _Framed | None]]] = {
    "json": _json,
    "jsonl": _json_lines,
    "log": _log,
    "fields": _fields,
    "text": _text,
}
