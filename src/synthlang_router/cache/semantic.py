"""`SemanticCache`: has this been asked before? The pipeline's verbs over the exact and the semantic layer.

Whatever fails in here is a miss, counted: a cache must never be the reason why somebody gets no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from synthlang_router.answer import Answer
from synthlang_router.cache.admission import Lifetimes, admit_answer
from synthlang_router.cache.entry import CacheEntry, CacheStore, Origin, Selection, StoreStats
from synthlang_router.cache.exact import ExactLayer
from synthlang_router.cache.explanation import Explanation, shown_parts
from synthlang_router.cache.figures import CacheFigures, figures_of
from synthlang_router.cache.flights import Flights
from synthlang_router.cache.key import CacheKey, Widening, make_cache_key, scope_parts
from synthlang_router.cache.savings import Savings
from synthlang_router.errors import NotCached, RouterError
from synthlang_router.models import (
    CacheStatus,
    Caller,
    ChatCompletion,
    ChatRequest,
    Facts,
    Outcome,
    Route,
    Wishes,
)
from synthlang_router.telemetry import count, report_unforeseen

if TYPE_CHECKING:
    from synthlang_router.cache.auditor import Ask, Auditor
    from synthlang_router.cache.evidence import Candidate
    from synthlang_router.cache.hits import Hit
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
        auditor: Auditor | None = None,
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
        self._evidence = None if meaning is None else meaning.evidence
        self._auditor = auditor
        self._savings = Savings()
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
            if self._evidence is not None and not key.bypass:
                self._evidence.repeated(key, self._clock())
        else:
            started = self._monotonic()
            answer = await self._find(key, facts)
            facts.cache_ms += (self._monotonic() - started) * 1000
        if answer is None and key.only_if_cached:
            raise NotCached("There is no stored answer to this request.")
        return answer

    async def share(
        self, key: CacheKey, facts: Facts, chat: Callable[[Facts], Answer], pays: Callable[[Facts], None]
    ) -> Answer:
        """The answer of one call upstream, shared with equal requests that come while it is under way.

        `chat` makes the call, into the notebook it is given; `pays` is told when the call becomes this request's to
        pay for: before it is made, or when the one who paid so far has left.
        """
        if self._flights is None or key.bypass or not key.may_read or not key.may_store:
            pays(facts)
            return chat(facts)
        return Answer(
            self._flights.read((key.exact, key.form), facts, chat, pays), facts, dialect=key.form.dialect
        )

    def storing(self, key: CacheKey) -> Callable[[ChatCompletion, Facts], None] | None:
        """`store` for this key; None where nothing would be kept."""
        return None if key.bypass or not key.may_store else partial(self.store, key)

    def store(self, key: CacheKey, completion: ChatCompletion, facts: Facts) -> None:
        """Keep a whole answer if it may be kept. Never raises."""
        if key.bypass or not key.may_store:
            return
        try:
            self._keep(key, completion, facts)
        except Exception as error:  # noqa: BLE001 - protects an answer that is whole from its storing
            report_unforeseen("cache_store", error)

    def audit(self, key: CacheKey, facts: Facts, ask: Ask) -> None:
        """Have a hit checked, if its coin fell: `ask` asks upstream once more, at the gateway's own cost."""
        evidence, auditor = self._evidence, self._auditor
        if evidence is None or auditor is None or facts.cache is not CacheStatus.SEMANTIC_HIT:
            return
        hit = evidence.hits.find(facts.row_id)
        if hit is not None and hit.audited:
            auditor.audit(hit.question, hit.entry.completion, ask, partial(self._audited, key, hit))

    def report(self, row: str, tenant: str, right: bool) -> bool:
        """A client's word on a near answer it got; False where there was none."""
        return self._evidence is not None and self._evidence.report(row, tenant, right)

    def credit(self, facts: Facts, outcome: Outcome) -> None:
        """A debt of a hit's ending, paid after its costs are known."""
        self._savings.add(facts)

    async def explain(
        self, caller: Caller, route: Route, request: ChatRequest, wishes: Wishes
    ) -> Explanation:
        """What would be done with this request, without doing it. Raises BackendError."""
        key = self.make_cache_key(caller, route, request, wishes)
        if key.bypass:
            return Explanation("BYPASS", key.bypass)
        _, parts = scope_parts(caller, route, request, wishes, version=self._version, widen=self._widen)
        scope, now = shown_parts(parts), self._clock()
        entry = None if self._exact is None else await self._exact.find(key, now)
        if entry is not None:
            return Explanation("HIT", "word for word", scope, entry.entry_id)
        if self._meaning is None or not key.semantic:
            return Explanation("MISS", "no such question", scope)
        near, evidence = await self._meaning.explain(key, now)
        served = next((one for one in near if one.serves), None)
        if served is not None:
            return Explanation("SEMANTIC-HIT", served.reason, scope, served.entry, near, evidence)
        if evidence is not None and evidence.serves:
            return Explanation(
                "SEMANTIC-HIT", f"evidence: {evidence.level}", scope, evidence.entry, near, evidence
            )
        why = "nothing is near" if not near else near[0].reason
        return Explanation("MISS", why, scope, None, near, evidence)

    async def figures(self, tenant: str | None = None) -> CacheFigures:
        """What it holds, served, saved and cost, and how wrong it was; the promise is the tenant's, or all's."""
        return figures_of(
            await self.stats(),
            self._savings,
            questions=0 if self._meaning is None else len(self._meaning),
            auditor=self._auditor,
            budget=None if self._evidence is None else self._evidence.budget,
            tenant=tenant,
        )

    async def purge(self, which: Selection) -> int:
        """Forget entries by digest, scope, tenant or tag; how many there were."""
        return await self._store.delete(which)

    async def stats(self) -> StoreStats:
        """What is held now."""
        return await self._store.stats()

    async def _find(self, key: CacheKey, facts: Facts) -> Answer | None:
        try:
            now = self._clock()
            if self._evidence is not None and key.semantic:
                self._evidence.request(key)
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
        if self._widen:
            facts.why = "; ".join(filter(None, (facts.why, "shared: " + ", ".join(sorted(self._widen)))))
        facts.age = max(0.0, now - entry.stored)
        facts.provider = entry.provider
        facts.served_model = entry.served_model
        facts.simulated = entry.simulated
        facts.cost = 0.0
        count("cache", status.value.lower())
        return Answer.replay(entry.completion, facts)

    def _keep(self, key: CacheKey, completion: ChatCompletion, facts: Facts) -> None:
        asked = None if self._meaning is None else self._meaning.take(facts)
        if facts.cache is CacheStatus.COALESCED and key.exact in self._recent:
            return
        if asked is not None and asked.candidate is not None:
            self._compare(key, asked.candidate, completion)
        origin = Origin(facts.provider, facts.served_model, facts.simulated, facts.row_id)
        self._put(key, completion, None if asked is None else asked.vector, origin)

    def _put(self, key: CacheKey, completion: ChatCompletion, vector: bytes | None, origin: Origin) -> None:
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
            provider=origin.provider,
            served_model=origin.model,
            simulated=origin.simulated,
            origin=origin.row,
            tags=key.tags,
        )
        self._store.put(entry, now)
        if self._meaning is not None:
            self._meaning.remember(entry)
        self._note(key.exact)

    def _compare(self, key: CacheKey, candidate: Candidate, came: ChatCompletion) -> None:
        """The answer came anyway: what would the candidate's have been worth?"""
        evidence, auditor = self._evidence, self._auditor
        if evidence is None or auditor is None or not evidence.wants_comparison(key, candidate):
            return
        judged = partial(evidence.compared, key, candidate)
        auditor.compare(key.question or "", candidate.entry.completion, came, judged)

    def _audited(self, key: CacheKey, hit: Hit, right: bool, came: ChatCompletion) -> None:
        """The verdict counts; and the question becomes a key of the right answer."""
        if self._evidence is not None:
            self._evidence.audited(hit, right)
        old = hit.entry
        origin = Origin(old.provider, old.served_model, old.simulated, old.origin if right else hit.row)
        self._put(key, old.completion if right else came, hit.vector, origin)

    def _note(self, digest: bytes) -> None:
        self._recent.pop(digest, None)
        self._recent[digest] = None
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]
