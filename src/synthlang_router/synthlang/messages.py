"""A conversation -> its shorter form and back: the raw `messages` array, message by message, in order.

The stored form is a line that names the version, the escape habit and the texts that were changed, then the array
with those texts in the notation. It decodes to the very bytes the client sent.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final

import msgspec

from synthlang_router.models import CompressionLevel
from synthlang_router.synthlang.codec import Coded, LosslessLevel, encode, encode_unread, unframed
from synthlang_router.synthlang.frames import BrokenFrame, Budget, read_text
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
from synthlang_router.synthlang.segments import find_data
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


_Encode = Callable[[str, str, LosslessLevel, Earlier | None], Coded | None]


class _Change(msgspec.Struct, frozen=True, gc=False):
    coded: Coded
    escapes: Escapes
    before: int
    after: int


def compress_messages(
    raw: bytes, level: CompressionLevel, encoding: Encoding, *, exact: bool
) -> Compressed | None:
    """The array at this level, None where nothing is gained. `exact` False: no encoding at all may get longer.

    The whole is read back and compared before anyone sees it; should a text not come back, each is read by itself,
    and those that do are kept.
    """
    for write in (encode_unread, encode):
        found = _Writer(raw, level, encoding, exact=exact, write=write).compressed()
        if found is None or _reads_as(found.stored, raw):
            return found
    return None


def hold_data(raw: bytes, level: CompressionLevel) -> bool:
    """Whether anything in these messages could be written otherwise; a conversation at `session` always might."""
    slots = [slot for slot in text_slots(raw) if slot.changeable]
    if _LOSSLESS[level] == "session":
        return bool(slots)
    return any(find_data(text_of(raw, slot), slot.role) for slot in slots)


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
    earlier, budget = Earlier(), Budget(len(raw))
    changes: dict[int, bytes] = {}
    for index, slot in enumerate(slots):
        text = text_of(raw, slot)
        if index in changed:
            text = read_text(text, earlier, budget)
            changes[index] = literal(text, escapes)
        if slot.alone:
            earlier.add(slot.message + 1, text)
    return splice(raw, changes, slots)


def _reads_as(stored: bytes, raw: bytes) -> bool:
    try:
        return decode_messages(stored) == raw
    except BrokenFrame:
        return False


class _Writer:
    """One conversation at one level, for one tokenizer."""

    def __init__(
        self, raw: bytes, level: CompressionLevel, encoding: Encoding, *, exact: bool, write: _Encode
    ) -> None:
        self._raw = raw
        self._level = level
        self._encoding = encoding
        self._exact = exact
        self._write = write
        self._slots = text_slots(raw)
        self._earlier = Earlier() if _LOSSLESS[level] == "session" else None

    def compressed(self) -> Compressed | None:
        changes: dict[int, _Change] = {}
        for index, slot in enumerate(self._slots):
            text = text_of(self._raw, slot)
            change = self._change(slot, text) if slot.changeable else None
            if change is not None and all(change.escapes == other.escapes for other in changes.values()):
                changes[index] = change
            if self._earlier is not None and slot.alone:
                self._earlier.add(slot.message + 1, text)
        if not changes:
            return None
        escapes = next(iter(changes.values())).escapes
        head = f" {escapes} {' '.join(map(str, changes))}\n".encode()
        return Compressed(
            self._spliced({index: change.coded.sent for index, change in changes.items()}, escapes),
            STORED_VERSION
            + head
            + self._spliced({index: change.coded.stored for index, change in changes.items()}, escapes),
            sum(change.before for change in changes.values()),
            sum(change.after for change in changes.values()),
        )

    def _spliced(self, texts: Mapping[int, str], escapes: Escapes) -> bytes:
        return splice(
            self._raw, {index: literal(text, escapes) for index, text in texts.items()}, self._slots
        )

    def _change(self, slot: Slot, text: str) -> _Change | None:
        coded = self._write(text, slot.role, _LOSSLESS[self._level], self._earlier)
        if self._level == "lossy":
            coded = self._selected(text, slot, coded)
        if coded is None:
            return None
        escapes = escapes_of(self._raw[slot.start : slot.end], text)
        before, after = self._tokens(text, coded)
        if escapes is None or after >= before or not (self._exact or _nowhere_longer(text, coded.sent)):
            return None
        return _Change(coded, escapes, before, after)

    def _tokens(self, text: str, coded: Coded) -> tuple[int, int]:
        if coded.tokens is not None and self._encoding == "o200k_base":
            return coded.tokens
        return count_tokens(text, self._encoding), count_tokens(coded.sent, self._encoding)

    def _selected(self, text: str, slot: Slot, coded: Coded | None) -> Coded | None:
        """What is left of the text after selection. What is stored is all of it."""
        left = select(text, self._asked_at(slot.message))
        if left is None:
            return coded
        shorter = encode(left, slot.role, "session")
        stored = coded.stored if coded is not None else unframed(text)
        return Coded(left if shorter is None else shorter.sent, stored)

    def _asked_at(self, message: int) -> str:
        """What was asked when this message came: the last text of a user so far, of what opens a conversation the first.

        So a message is written the same in every later turn.
        """
        place = bisect_right(self._asked, message, key=lambda asked: asked[0])
        return self._asked[max(0, place - 1)][1] if self._asked else ""

    @cached_property
    def _asked(self) -> list[tuple[int, str]]:
        return [(slot.message, text_of(self._raw, slot)) for slot in self._slots if slot.role == "user"]


def _nowhere_longer(text: str, other: str) -> bool:
    return all(count_tokens(other, name) <= count_tokens(text, name) for name in ENCODINGS)
