"""The holdout: which conversations stay uncompressed in native mode, and what the others saved measured by them.

A conversation is held out whole, for as long as it lasts: a prefix that changed its form would be no longer in the
provider's cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from synthlang_router.models import ChatRequest

_FIRST_BYTES: Final = 512  # of the messages; they are the same in every turn of a conversation
_SPACE: Final = 2**64


class Observed(msgspec.Struct, frozen=True, gc=False):
    """One answered request in native mode. Money in USD; `tokens_original` is what the uncompressed prompt has."""

    held_out: bool
    tokens_original: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost: float
    failed: bool
    retried: bool


class Arm(msgspec.Struct, frozen=True, gc=False):
    """Means of the requests of one arm, per 1,000 tokens of original prompt where that is the measure."""

    requests: int
    prompt_tokens: float
    cost: float
    cached_share: float
    completion_tokens: float
    error_rate: float
    retry_rate: float


class Measured(msgspec.Struct, frozen=True, gc=False):
    """Both arms, and the shares saved; None while one of them is empty."""

    compressed: Arm
    original: Arm
    tokens_saved: float | None
    cost_saved: float | None


def conversation_of(request: ChatRequest, session: str | None) -> bytes:
    """What stays the same from turn to turn: the session the client names, else how the messages begin."""
    if session is not None:
        return session.encode()
    raw = request.fields.get("messages")
    return b"" if raw is None else bytes(memoryview(raw)[:_FIRST_BYTES])


def held_out(conversation: bytes, share: float) -> bool:
    """Whether this conversation belongs to the share (0 to 1) that is not compressed. The same one always does."""
    digest = hashlib.blake2b(conversation, digest_size=8, person=b"holdout").digest()
    return int.from_bytes(digest) < share * _SPACE


def measured_saving(observed: Iterable[Observed]) -> Measured:
    """What compression saved per original token, by the requests that went uncompressed beside it."""
    rows = list(observed)
    compressed = _arm([row for row in rows if not row.held_out])
    original = _arm([row for row in rows if row.held_out])
    return Measured(
        compressed,
        original,
        _saved(compressed.prompt_tokens, original.prompt_tokens),
        _saved(compressed.cost, original.cost),
    )


def _saved(less: float, more: float) -> float | None:
    return 1 - less / more if less and more else None


def _arm(rows: list[Observed]) -> Arm:
    thousands = sum(row.tokens_original for row in rows) / 1000
    count, prompt = len(rows), sum(row.prompt_tokens for row in rows)
    return Arm(
        requests=count,
        prompt_tokens=_ratio(prompt, thousands),
        cost=_ratio(sum(row.cost for row in rows), thousands),
        cached_share=_ratio(sum(row.cached_tokens for row in rows), prompt),
        completion_tokens=_ratio(sum(row.completion_tokens for row in rows), count),
        error_rate=_ratio(sum(row.failed for row in rows), count),
        retry_rate=_ratio(sum(row.retried for row in rows), count),
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
