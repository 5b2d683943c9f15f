"""`SemanticCache`: has this been asked before? The pipeline's verbs over the exact and the semantic layer.

Whatever fails in here is a miss, counted: a cache must never be the reason why somebody gets no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from synthlang_router.answer import Answer
from synthlang_router.cache.admission import Lifetimes, admit_answer
from synthlang_router.cache.entry import CacheEntry, CacheStore, Selection, StoreStats
from synthlang_router.cache.exact import ExactLayer
from synthlang_router.cache.flights import Flights
from synthlang_router.cache.key import CacheKey, Widening, make_cache_key
from synthlang_router.errors import NotCached, RouterError
from synthlang_router.models import CacheStatus, Caller, ChatCompletion, ChatRequest, Facts, Route, Wishes
from synthlang_router.telemetry import count, report_unforeseen

if TYPE_CHECKING:
    from synthlang_router.cache.meaning import MeaningLayer

_RECENT: Final = 1_024
"""Digests remembered as just stored, so that a flight's readers store its answer once."""
_OFF: Final = CacheKey(bypass="off")
_ONLY_IF_CACHED: Final = CacheKey(bypass="off", only_if_cached=True)


class SemanticCache:
    """`clock` is wall-clock seconds, `monotonic` seconds for spans. Without `meaning` only exact repeats are served.

    `exact` False: repeats are served as near questions are, and kept no longer. `flights` None: no request waits for
    another's answer. `widen` is what the operator left out of the scope.
    """

    def __init__(
        self,
        store: CacheStore,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        lifetimes: Lifetimes = Lifetimes(),  # noqa: B008 - frozen
        meaning: MeaningLayer | None = None,
        flights: Flights | None = None,
        widen: frozenset[Widening] = frozenset(),
        max_answer_bytes: int = 1_000_000,
        tool_calls: bool = False,
        exact: bool = True,
        enabled: bool = True,
    ) -> None:
        self._exact = ExactLayer(store, seconds=lifetimes.exact) if exact else None
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._lifetimes = lifetimes
        self._meaning = meaning
        self._flights = flights
        self._widen = widen
        self._max_answer_bytes = max_answer_bytes
        self._tool_calls = tool_calls
        self._enabled = enabled
        self._version = "" if meaning is None else meaning.name
        self._recent: dict[bytes, None] = {}

    def make_cache_key(self, caller: Caller, route: Route, request: ChatRequest, wishes: Wishes) -> CacheKey:
        """What this request may share, and with whom."""
        if not self._enabled:
            return _ONLY_IF_CACHED if wishes.only_if_cached else _OFF
        try:
            return make_cache_key(caller, route, request, wishes, version=self._version, widen=self._widen)
        except Exception as error:  # noqa: BLE001 - protects the request from whatever a body can hold
            report_unforeseen("cache_key", error)
            return CacheKey(bypass="unreadable", only_if_cached=wishes.only_if_cached)

    async def get_similar_response(self, key: CacheKey, facts: Facts) -> Answer | None:
        """The stored answer to this question or to one that means the same; None where there is none.

        Raises NotCached instead where the client wants nothing else.
        """
        if key.bypass or not key.may_read:
            facts.cache = CacheStatus.BYPASS
            facts.why = key.bypass or "no-cache"
            answer = None
        else:
            started = self._monotonic()
            answer = await self._find(key, facts)
            facts.cache_ms += (self._monotonic() - started) * 1000
        if answer is None and key.only_if_cached:
            raise NotCached("There is no stored answer to this request.")
        return answer

    async def share(self, key: CacheKey, facts: Facts, factory: Callable[[Facts], Answer]) -> Answer:
        """The answer of one call upstream, shared with equal requests that come while it is under way.

        `factory` makes the call, into the notebook it is given.
        """
        if self._flights is None or key.bypass or not key.may_read or not key.may_store:
            return factory(facts)
        return Answer(
            self._flights.read((key.exact, key.form), facts, factory), facts, dialect=key.form.dialect
        )

    def store(self, key: CacheKey, completion: ChatCompletion, facts: Facts) -> None:
        """Keep a whole answer if it may be kept. Never raises."""
        if key.bypass or not key.may_store:
            return
        try:
            self._keep(key, completion, facts)
        except Exception as error:  # noqa: BLE001 - protects an answer that is whole from its storing
            report_unforeseen("cache_store", error)

    async def purge(self, which: Selection) -> int:
        """Forget entries by digest, scope, tenant or tag; how many there were."""
        return await self._store.delete(which)

    async def stats(self) -> StoreStats:
        """What is held now."""
        return await self._store.stats()

    async def _find(self, key: CacheKey, facts: Facts) -> Answer | None:
        try:
            now = self._clock()
            entry = None if self._exact is None else await self._exact.find(key, now)
            if entry is not None:
                return self._replay(entry, CacheStatus.HIT, facts, now)
            if self._meaning is not None and key.semantic:
                entry = await self._meaning.find(key, facts, now)
                if entry is not None:
                    return self._replay(entry, CacheStatus.SEMANTIC_HIT, facts, now)
        except RouterError as error:
            count("cache_failed", error.error_code or "")
        except Exception as error:  # noqa: BLE001 - protects the request: a broken cache is a miss
            report_unforeseen("cache", error)
        facts.cache = CacheStatus.MISS
        count("cache", "miss")
        return None

    def _replay(self, entry: CacheEntry, status: CacheStatus, facts: Facts, now: float) -> Answer:
        facts.cache = status
        facts.cache_entry = entry.entry_id
        facts.age = max(0.0, now - entry.stored)
        facts.provider = entry.provider
        facts.served_model = entry.served_model
        facts.simulated = entry.simulated
        facts.cost = 0.0
        count("cache", status.value.lower())
        return Answer.replay(entry.completion, facts)

    def _keep(self, key: CacheKey, completion: ChatCompletion, facts: Facts) -> None:
        vector = None if self._meaning is None else self._meaning.take_vector(facts)
        if facts.cache is CacheStatus.COALESCED and key.exact in self._recent:
            return
        admission = admit_answer(
            key,
            completion,
            self._lifetimes,
            max_bytes=self._max_answer_bytes,
            tool_calls=self._tool_calls,
        )
        if not admission.seconds or (self._exact is None and not admission.semantic):
            count("cache_refused", admission.reason)
            return
        now = self._clock()
        entry = CacheEntry(
            digest=key.exact,
            scope=key.scope,
            tenant=key.tenant,
            completion=completion,
            stored=now,
            expires=now + admission.seconds,
            question=key.question if admission.semantic else None,
            vector=vector if admission.semantic else None,
            provider=facts.provider,
            served_model=facts.served_model,
            simulated=facts.simulated,
            origin=facts.row_id,
            tags=key.tags,
        )
        self._store.put(entry, now)
        if self._meaning is not None:
            self._meaning.remember(entry)
        self._note(key.exact)

    def _note(self, digest: bytes) -> None:
        self._recent.pop(digest, None)
        self._recent[digest] = None
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]
