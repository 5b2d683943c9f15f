"""The semantic layer: the nearest stored questions of the scope, of which one is served only if the verifier says so.

Nearness only chooses whom to compare with; it never decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from synthlang_router.cache.embedding import EmbeddingRefused
from synthlang_router.cache.entry import CacheEntry, CacheStore
from synthlang_router.cache.exact import is_fresh
from synthlang_router.cache.key import CacheKey
from synthlang_router.cache.recall import Recall
from synthlang_router.models import Facts
from synthlang_router.telemetry import count

if TYPE_CHECKING:
    from synthlang_router.cache.embedding import Embedder
    from synthlang_router.cache.vectors import Floats
    from synthlang_router.cache.verifier import Verdict

CANDIDATES: Final = 5
MAX_WAITING: Final = 4_096
"""Vectors kept for requests whose answer is still under way."""
LONG: Final = 1_000
"""Characters of a question beyond which comparing it leaves the event loop."""
T = TypeVar("T")


class MeaningLayer:
    """`seconds` is how old an answer may be; `offload` runs a call beside the event loop.

    `verify(stored, asked)` decides whether the answer to one question serves the other; up to `on_loop` characters of
    both are compared on the event loop.
    """

    def __init__(
        self,
        store: CacheStore,
        recall: Recall,
        *,
        embedder: Embedder,
        quantise: Callable[[Floats], bytes],
        verify: Callable[[str, str], Verdict],
        offload: Callable[[Callable[[], Verdict]], Awaitable[Verdict]],
        seconds: float,
        on_loop: int = LONG,
    ) -> None:
        self.name = embedder.name
        self._store = store
        self._recall = recall
        self._embedder = embedder
        self._quantise = quantise
        self._verify = verify
        self._offload = offload
        self._seconds = seconds
        self._on_loop = on_loop
        self._waiting: dict[str, bytes] = {}

    @property
    def waiting(self) -> int:
        """Vectors kept for answers under way."""
        return len(self._waiting)

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
        self._hold(facts, self._quantise(vector))
        for digest, similarity in await self._recall.nearest(key.scope, vector, CANDIDATES):
            entry = await self._candidate(digest, key, now)
            if entry is None or entry.question is None:
                continue
            verdict = await self._compare(entry.question, question)
            facts.why = verdict.reason
            if verdict.serve:
                facts.similarity = similarity
                return entry
        return None

    def take_vector(self, facts: Facts) -> bytes | None:
        """The vector that `find` made for this request, once."""
        return self._waiting.pop(facts.row_id, None)

    def remember(self, entry: CacheEntry) -> None:
        """Find this entry from now on, if it has a vector."""
        if entry.vector is not None and entry.question is not None:
            self._recall.remember(entry.scope, entry.digest, entry.vector)

    async def _candidate(self, digest: bytes, key: CacheKey, now: float) -> CacheEntry | None:
        entry = await self._store.get(digest, now)
        if entry is None or entry.scope != key.scope:
            self._recall.forget(digest)
            return None
        return entry if is_fresh(entry, key, self._seconds, now) else None

    async def _compare(self, stored: str, asked: str) -> Verdict:
        if len(stored) + len(asked) <= self._on_loop:
            return self._verify(stored, asked)
        return await self._offload(lambda: self._verify(stored, asked))

    def _hold(self, facts: Facts, vector: bytes) -> None:
        self._waiting[facts.row_id] = vector
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
            count("cache_vectors_dropped")
