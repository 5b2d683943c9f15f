"""`Explanation`: what the cache would do with a request, and why; nothing is served, counted or learned by asking."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from synthlang_router.cache.consensus import Consensus
from synthlang_router.cache.entry import CacheEntry
from synthlang_router.cache.error_budget import Chance

if TYPE_CHECKING:
    from synthlang_router.cache.verifier import Verdict

_SHOWN: Final = 200
"""Characters of a scope part that are shown; the digest tells the rest apart."""


class ScopePart(msgspec.Struct, frozen=True):
    """One of the things that must be equal. Two requests that share have equal digests in all."""

    name: str
    value: str
    digest: str


class NearQuestion(msgspec.Struct, frozen=True):
    """A stored question, the nearest first. `serves`: on the verifier's word; `reason` is the verifier's."""

    entry: str
    origin: str
    """The row of the request that the answer was made for."""
    age: float
    question: str
    similarity: float
    serves: bool
    reason: str
    features: tuple[str, ...]
    probability: float | None


class OnEvidence(msgspec.Struct, frozen=True):
    """The answer that the nearest agree on: what speaks for it, against it, and what is borne."""

    entry: str
    support: float
    opposition: float
    similarity: float
    objection: str | None
    risk: float
    limit: float
    level: str | None
    serves: bool


class Explanation(msgspec.Struct, frozen=True):
    """`outcome`: BYPASS (with `why`), HIT, SEMANTIC-HIT or MISS."""

    outcome: str
    why: str
    scope: tuple[ScopePart, ...] = ()
    entry: str | None = None
    near: tuple[NearQuestion, ...] = ()
    evidence: OnEvidence | None = None


def near_question(entry: CacheEntry, similarity: float, verdict: Verdict, now: float) -> NearQuestion:
    """As it is shown."""
    return NearQuestion(
        entry=entry.entry_id,
        origin=entry.origin,
        age=round(now - entry.stored, 3),
        question=entry.question or "",
        similarity=round(similarity, 4),
        serves=verdict.serve,
        reason=verdict.reason,
        features=verdict.features,
        probability=verdict.probability,
    )


def on_evidence(
    entry: CacheEntry, consensus: Consensus[bytes], objection: str | None, chance: Chance
) -> OnEvidence:
    """As it is shown."""
    return OnEvidence(
        entry=entry.entry_id,
        support=round(consensus.support, 4),
        opposition=round(consensus.opposition, 4),
        similarity=round(consensus.similarity, 4),
        objection=objection,
        risk=round(chance.risk, 6),
        limit=round(chance.limit, 6),
        level=chance.level,
        serves=chance.serve,
    )


def shown_parts(parts: Mapping[str, object]) -> tuple[ScopePart, ...]:
    """Scope parts by name."""
    return tuple(
        _shown(name, msgspec.json.encode(value, order="deterministic")) for name, value in parts.items()
    )


def _shown(name: str, encoded: bytes) -> ScopePart:
    text = encoded.decode()
    value = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return ScopePart(name, value, hashlib.sha256(encoded).hexdigest()[:16])
