"""The semantic layer: the nearest stored questions of the scope, of which one is served only if the verifier says so,
or if verdicts on this traffic do.

Nearness only chooses whom to compare with; it never decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec

from synthlang_router.cache.consensus import answer_identity, find_consensus
from synthlang_router.cache.embedding import EmbeddingRefused
from synthlang_router.cache.entry import CacheEntry, CacheStore
from synthlang_router.cache.evidence import Candidate, Evidence
from synthlang_router.cache.exact import is_fresh
from synthlang_router.cache.explanation import NearQuestion, OnEvidence, near_question, on_evidence
from synthlang_router.cache.key import CacheKey
from synthlang_router.cache.recall import Near, Recall
from synthlang_router.models import Facts
from synthlang_router.telemetry import count

if TYPE_CHECKING:
    from synthlang_router.cache.embedding import Embedder
    from synthlang_router.cache.vectors import Floats
    from synthlang_router.cache.verifier import Verdict

CANDIDATES: Final = 5
"""Nearest questions that the verifier is asked about."""
VOICES: Final = 10
"""Nearest questions that are heard where answers are given on evidence."""
MAX_WAITING: Final = 4_096
"""Vectors kept for requests whose answer is still under way."""
LONG: Final = 1_000
"""Characters of a question beyond which comparing it leaves the event loop."""
T = TypeVar("T")


class Offload(Protocol):
    """Runs a call beside the event loop."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]: ...


class Asked(msgspec.Struct, frozen=True):
    """What was found out about a question that was not answered from here."""

    vector: bytes
    candidate: Candidate | None = None


class MeaningLayer:
    """`seconds` is how old an answer may be; `offload` runs a call beside the event loop.

    `verify(stored, asked)` decides whether the answer to one question serves the other; up to `on_loop` characters of
    both are compared on the event loop. With `evidence` what it does not pass may still be served, where verdicts on
    this traffic show that it may; `objects(stored, asked)` then names what speaks against a pair.
    """

    def __init__(
        self,
        store: CacheStore,
        recall: Recall,
        *,
        embedder: Embedder,
        quantise: Callable[[Floats], bytes],
        verify: Callable[[str, str], Verdict],
        offload: Offload,
        seconds: float,
        on_loop: int = LONG,
        evidence: Evidence | None = None,
        objects: Callable[[str, str], str | None] | None = None,
    ) -> None:
        self.name = embedder.name
        self.evidence = evidence
        self._store = store
        self._recall = recall
        self._embedder = embedder
        self._quantise = quantise
        self._verify = verify
        self._objects = objects
        self._offload = offload
        self._seconds = seconds
        self._on_loop = on_loop
        self._waiting: dict[str, Asked] = {}

    @property
    def waiting(self) -> int:
        """Questions held for answers under way."""
        return len(self._waiting)

    def __len__(self) -> int:
        """Questions that can be found."""
        return len(self._recall)

    async def find(self, key: CacheKey, facts: Facts, now: float) -> CacheEntry | None:
        """The entry whose answer serves this question. Raises BackendError."""
        question = key.question
        if question is None or not question.strip():
            return None
        try:
            vector = await self._embedder.embed(question)
        except EmbeddingRefused as refused:
            count("cache_not_embedded", refused.reason)
            facts.why = f"not embedded: {refused.reason}"
            return None
        packed = self._quantise(vector)
        self._hold(facts, Asked(packed))
        near = await self._recall.nearest(key.scope, vector, CANDIDATES if self.evidence is None else VOICES)
        for one in near[:CANDIDATES]:
            entry = await self._candidate(one.digest, key, now)
            if entry is None or entry.question is None:
                continue
            verdict = await self._compare(self._verify, entry.question, question)
            facts.why = verdict.reason
            if verdict.serve:
                facts.similarity = one.similarity
                return self._serve(key, facts, packed, entry, None, now)
        if self.evidence is None:
            return None
        return await self._on_evidence(self.evidence, key, facts, packed, near, now)

    async def explain(self, key: CacheKey, now: float) -> tuple[tuple[NearQuestion, ...], OnEvidence | None]:
        """Whom `find` would compare with, and what it would see. Raises BackendError."""
        if key.question is None or not key.question.strip():
            return (), None
        vector = await self._embedder.embed(key.question)
        near = await self._recall.nearest(key.scope, vector, VOICES)
        shown = []
        for one in near[:CANDIDATES]:
            entry = await self._candidate(one.digest, key, now)
            if entry is not None and entry.question is not None:
                verdict = await self._compare(self._verify, entry.question, key.question)
                shown.append(near_question(entry, one.similarity, verdict, now))
        consensus = find_consensus([(one.answer, one.similarity) for one in near])
        if self.evidence is None or consensus is None:
            return tuple(shown), None
        entry = await self._candidate(near[consensus.nearest].digest, key, now)
        if entry is None or entry.question is None:
            return tuple(shown), None
        objected = None if self._objects is None else self._objects(entry.question, key.question)
        features = consensus.features(vetoed=objected is not None)
        chance = self.evidence.budget.look(key.scope, key.tenant, features)
        return tuple(shown), on_evidence(entry, consensus, objected, chance)

    def take(self, facts: Facts) -> Asked | None:
        """What `find` found out for this request, once."""
        return self._waiting.pop(facts.row_id, None)

    def remember(self, entry: CacheEntry) -> None:
        """Find this entry from now on, if it has a vector."""
        if entry.vector is not None and entry.question is not None:
            answer = entry.completion.content
            identity = b"" if not answer else answer_identity(answer)
            self._recall.remember(entry.scope, entry.digest, entry.vector, identity)

    def find_again(self, scope: bytes, digest: bytes, vector: bytes, answer: bytes) -> None:
        """An entry that the store has kept from earlier."""
        self._recall.remember(scope, digest, vector, answer)

    async def _on_evidence(
        self, evidence: Evidence, key: CacheKey, facts: Facts, packed: bytes, near: list[Near], now: float
    ) -> CacheEntry | None:
        consensus = find_consensus([(one.answer, one.similarity) for one in near])
        entry = None
        if consensus is not None:
            entry = await self._candidate(near[consensus.nearest].digest, key, now)
        if consensus is None or entry is None or entry.question is None or key.question is None:
            evidence.no_candidate(key)
            return None
        objected: str | None = None
        if self._objects is not None:
            objected = await self._compare(self._objects, entry.question, key.question)
        candidate = evidence.weigh(key, entry, consensus, vetoed=objected is not None)
        facts.similarity = consensus.similarity
        facts.confidence = 1 - candidate.chance.risk
        if not evidence.may_serve(candidate):
            self._hold(facts, Asked(packed, candidate))
            return None
        facts.why = f"evidence: {candidate.chance.level}"
        return self._serve(key, facts, packed, entry, candidate, now)

    def _serve(
        self,
        key: CacheKey,
        facts: Facts,
        packed: bytes,
        entry: CacheEntry,
        candidate: Candidate | None,
        now: float,
    ) -> CacheEntry:
        self._waiting.pop(facts.row_id, None)
        if self.evidence is not None:
            self.evidence.served(key, facts.row_id, packed, entry, candidate, now)
        return entry

    async def _candidate(self, digest: bytes, key: CacheKey, now: float) -> CacheEntry | None:
        entry = await self._store.get(digest, now)
        if entry is None or entry.scope != key.scope:
            self._recall.forget(digest)
            return None
        return entry if is_fresh(entry, key, self._seconds, now) else None

    async def _compare(self, compare: Callable[[str, str], T], stored: str, asked: str) -> T:
        if len(stored) + len(asked) <= self._on_loop:
            return compare(stored, asked)
        return await self._offload(lambda: compare(stored, asked))

    def _hold(self, facts: Facts, asked: Asked) -> None:
        self._waiting[facts.row_id] = asked
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
            count("cache_vectors_dropped")
