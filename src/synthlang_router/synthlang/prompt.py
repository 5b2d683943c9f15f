"""The door: `compress_prompt` and `decompress_prompt`, and the step of the pipeline that uses them.

Any failure, and any text that would not get shorter, means the original. In transparent mode the model sees the
original and the figure is what would have been saved; in native mode it sees the compressed form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from synthlang_router.models import ChatRequest, CompressionLevel, CompressionMode, Facts, Wishes
from synthlang_router.synthlang.codec import BrokenFrame, decode, encode
from synthlang_router.synthlang.literals import (
    Escapes,
    Slot,
    escapes_of,
    literal,
    splice,
    text_of,
    text_slots,
)
from synthlang_router.synthlang.tokens import ENCODINGS, Encoding, count_tokens, encoding_for

STORED_VERSION: Final = b"synthlang/1"
LOOP_BYTES: Final = 6_000
"""Messages up to this size are measured at once (under 1 ms); larger ones by the writer, through `measure`."""

_JSON_IN_A_STRING: Final = re.compile(rb'[{\[](?:\s|\\[nrt])*(?:\\"|[{\[])')


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request and what became of it.

    `sent` is what the provider gets; `compressed` the shorter form, the very object `original` where nothing was
    gained. `stored` is the messages in the form `decompress_prompt` reads (empty where nothing was gained).
    The token figures are of the texts that changed (zero where none did), None while not measured yet.
    """

    original: ChatRequest
    sent: ChatRequest
    compressed: ChatRequest
    mode: CompressionMode
    level: CompressionLevel
    model: str
    encoding: Encoding
    exact: bool
    stored: bytes = b""
    tokens_before: int | None = 0
    tokens_after: int | None = 0

    @property
    def tokens_less(self) -> int | None:
        """What native mode saves, or transparent mode would; None while not measured."""
        if self.tokens_before is None or self.tokens_after is None:
            return None
        return self.tokens_before - self.tokens_after


class SynthLang:
    """The pipeline's step: compresses as wished, and notes the figure in the facts."""

    def compress_prompt(self, request: ChatRequest, wishes: Wishes, facts: Facts) -> Prompt:
        model = request.model if facts.route is None else facts.route.model
        raw = request.fields.get("messages")
        if wishes.compression == "transparent" and raw is not None and len(bytes(raw)) > LOOP_BYTES:
            return _untouched(request, "transparent", wishes.level, model, measured=False)
        prompt = compress_prompt(request, mode=wishes.compression, level=wishes.level, model=model)
        if prompt.mode == "native":
            facts.tokens_saved = prompt.tokens_less
        elif prompt.mode == "transparent":
            facts.tokens_would_save = prompt.tokens_less
        return prompt


def compress_prompt(
    request: ChatRequest, *, mode: CompressionMode, level: CompressionLevel, model: str | None = None
) -> Prompt:
    """The prompt in its shortest form at this level. `model` is the one that will be asked."""
    name = request.model if model is None else model
    prompt = _untouched(request, mode, level, name, measured=True)
    raw = request.fields.get("messages")
    if mode == "off" or raw is None:
        return prompt
    found = _compress_messages(bytes(raw), prompt.encoding, prompt.exact)
    if found is None:
        return prompt
    compressed = request.with_fields({"messages": found.sent})
    return replace(
        prompt,
        compressed=compressed,
        sent=compressed if mode == "native" else request,
        stored=found.stored,
        tokens_before=found.tokens_before,
        tokens_after=found.tokens_after,
    )


def measure(prompt: Prompt) -> Prompt:
    """The same prompt with its figures and its stored form, where they were put off. Belongs off the loop."""
    if prompt.tokens_before is not None:
        return prompt
    done = compress_prompt(prompt.original, mode=prompt.mode, level=prompt.level, model=prompt.model)
    return replace(
        prompt,
        compressed=done.compressed,
        stored=done.stored,
        tokens_before=done.tokens_before,
        tokens_after=done.tokens_after,
    )


def decompress_prompt(prompt: Prompt) -> ChatRequest:
    """The original request, byte for byte, made from the stored form."""
    if not prompt.stored:
        return prompt.original
    return prompt.compressed.with_fields({"messages": decode_messages(prompt.stored)})


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
        slots = text_slots(raw)
        changes = {n: literal(decode(text_of(raw, slots[n])), _ESCAPES[escapes]) for n in map(int, numbers)}
    except (IndexError, KeyError, msgspec.DecodeError) as error:
        raise BrokenFrame from error
    return splice(raw, changes, slots)


_ESCAPES: Final[dict[bytes, Escapes]] = {b"r": "r", b"u": "u", b"g": "g"}


class _Found(msgspec.Struct, frozen=True, gc=False):
    sent: bytes
    stored: bytes
    tokens_before: int
    tokens_after: int


def _compress_messages(raw: bytes, encoding: Encoding, exact: bool) -> _Found | None:
    if _JSON_IN_A_STRING.search(raw) is None:
        return None
    slots = text_slots(raw)
    escapes: Escapes | None = None
    sent: dict[int, bytes] = {}
    stored: dict[int, bytes] = {}
    before = after = 0
    for index, slot in enumerate(slots):
        text = text_of(raw, slot)
        coded = encode(text)
        if coded is None:
            continue
        habit = escapes_of(raw[slot.start : slot.end], text)
        counts = _shorter(text, coded.sent, encoding, exact)
        if habit is None or counts is None or escapes not in (None, habit):
            continue
        escapes = habit
        sent[index] = literal(coded.sent, habit)
        stored[index] = literal(coded.stored, habit)
        before += counts[0]
        after += counts[1]
    if escapes is None:
        return None
    found = _Found(splice(raw, sent, slots), _frame(raw, stored, slots, escapes), before, after)
    return found if decode_messages(found.stored) == raw else None


def _frame(raw: bytes, changes: dict[int, bytes], slots: list[Slot], escapes: Escapes) -> bytes:
    numbers = " ".join(map(str, changes))
    return STORED_VERSION + f" {escapes} {numbers}\n".encode() + splice(raw, changes, slots)


def _shorter(text: str, other: str, encoding: Encoding, exact: bool) -> tuple[int, int] | None:
    """Tokens before and after, None where it does not pay, or (for an unknown tokenizer) might not."""
    before, after = count_tokens(text, encoding), count_tokens(other, encoding)
    if after >= before:
        return None
    if not exact and any(count_tokens(other, name) > count_tokens(text, name) for name in ENCODINGS):
        return None
    return before, after


def _untouched(
    request: ChatRequest, mode: CompressionMode, level: CompressionLevel, model: str, *, measured: bool
) -> Prompt:
    encoding, exact = encoding_for(model)
    figure = 0 if measured else None
    return Prompt(request, request, request, mode, level, model, encoding, exact, b"", figure, figure)
