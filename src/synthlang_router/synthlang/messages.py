"""A conversation -> its shorter form and back: the raw `messages` array, message by message, in order.

The stored form is a line that names the version, the escape habit and the texts that were changed, then the array
with those texts in the notation. It decodes to the very bytes the client sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from synthlang_router.models import CompressionLevel
from synthlang_router.synthlang.codec import Coded, LosslessLevel, encode, unframed
from synthlang_router.synthlang.frames import BrokenFrame, read_text
from synthlang_router.synthlang.literals import (
    Escapes,
    Slot,
    escapes_of,
    literal,
    splice,
    text_of,
    text_slots,
)
from synthlang_router.synthlang.references import Earlier
from synthlang_router.synthlang.selection import select
from synthlang_router.synthlang.tokens import ENCODINGS, Encoding, count_tokens

STORED_VERSION: Final = b"synthlang/1"
_ESCAPES: Final[Mapping[bytes, Escapes]] = {b"r": "r", b"u": "u", b"g": "g"}
_LOSSLESS: Final[Mapping[CompressionLevel, LosslessLevel]] = {
    "exact": "exact",
    "readable": "readable",
    "session": "session",
    "lossy": "session",
}


class Compressed(msgspec.Struct, frozen=True, gc=False):
    """Raw arrays: what the model sees, and what `decode_messages` reads. Tokens are those of the changed texts."""

    sent: bytes
    stored: bytes
    tokens_before: int
    tokens_after: int


class _Change(msgspec.Struct, frozen=True, gc=False):
    coded: Coded
    escapes: Escapes
    before: int
    after: int


def compress_messages(
    raw: bytes, level: CompressionLevel, encoding: Encoding, *, exact: bool
) -> Compressed | None:
    """The array at this level, None where nothing is gained. `exact` False: no encoding at all may get longer."""
    slots = text_slots(raw)
    query = _query(raw, slots) if level == "lossy" else ""
    earlier = Earlier()
    changes: dict[int, _Change] = {}
    for index, slot in enumerate(slots):
        text = text_of(raw, slot)
        if slot.changeable:
            change = _change(raw, slot, text, level, earlier, query, encoding, exact=exact)
            if change is not None and all(change.escapes == other.escapes for other in changes.values()):
                changes[index] = change
        if slot.alone:
            earlier.add(slot.message + 1, text)
    if not changes:
        return None
    found = Compressed(
        splice(
            raw,
            {index: literal(change.coded.sent, change.escapes) for index, change in changes.items()},
            slots,
        ),
        _stored(raw, changes, slots),
        sum(change.before for change in changes.values()),
        sum(change.after for change in changes.values()),
    )
    return found if _reads_as(found.stored, raw) else None


def decode_messages(stored: bytes) -> bytes:
    """The raw `messages` array a stored form was made of.

    Raises BrokenFrame where it is not one of ours.
    """
    version, _, rest = stored.partition(b" ")
    head, _, raw = rest.partition(b"\n")
    escapes, *numbers = head.split(b" ")
    if version != STORED_VERSION or not all(map(bytes.isdigit, numbers)):
        raise BrokenFrame
    try:
        return _decode(raw, frozenset(map(int, numbers)), _ESCAPES[escapes])
    except (IndexError, KeyError, ValueError) as error:
        raise BrokenFrame from error


def _decode(raw: bytes, changed: frozenset[int], escapes: Escapes) -> bytes:
    slots = text_slots(raw)
    if not changed <= set(range(len(slots))):
        raise BrokenFrame
    earlier = Earlier()
    changes: dict[int, bytes] = {}
    for index, slot in enumerate(slots):
        text = text_of(raw, slot)
        if index in changed:
            text = read_text(text, earlier)
            changes[index] = literal(text, escapes)
        if slot.alone:
            earlier.add(slot.message + 1, text)
    return splice(raw, changes, slots)


def _reads_as(stored: bytes, raw: bytes) -> bool:
    try:
        return decode_messages(stored) == raw
    except BrokenFrame:
        return False


def _query(raw: bytes, slots: list[Slot]) -> str:
    """What is asked: the last text of a user."""
    return next((text_of(raw, slot) for slot in reversed(slots) if slot.role == "user"), "")


def _change(
    raw: bytes,
    slot: Slot,
    text: str,
    level: CompressionLevel,
    earlier: Earlier,
    query: str,
    encoding: Encoding,
    *,
    exact: bool,
) -> _Change | None:
    coded = encode(text, slot.role, _LOSSLESS[level], earlier)
    if level == "lossy":
        coded = _selected(text, slot.role, query, coded)
    if coded is None:
        return None
    escapes = escapes_of(raw[slot.start : slot.end], text)
    before, after = count_tokens(text, encoding), count_tokens(coded.sent, encoding)
    if escapes is None or after >= before:
        return None
    if not exact and any(count_tokens(coded.sent, name) > count_tokens(text, name) for name in ENCODINGS):
        return None
    return _Change(coded, escapes, before, after)


def _selected(text: str, role: str, query: str, coded: Coded | None) -> Coded | None:
    """What is left of the text after selection. What is stored is all of it."""
    left = select(text, query)
    if left is None:
        return coded
    shorter = encode(left, role, "session")
    return Coded(
        left if shorter is None else shorter.sent, coded.stored if coded is not None else unframed(text)
    )


def _stored(raw: bytes, changes: Mapping[int, _Change], slots: list[Slot]) -> bytes:
    escapes = next(iter(changes.values())).escapes
    head = f" {escapes} {' '.join(map(str, changes))}\n".encode()
    literals = {index: literal(change.coded.stored, escapes) for index, change in changes.items()}
    return STORED_VERSION + head + splice(raw, literals, slots)
