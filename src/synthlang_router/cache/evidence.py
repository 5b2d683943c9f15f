"""`Evidence`: the error budget at work: which candidate is served, which hit is audited, what verdicts teach.

Synchronous, on the event loop, microseconds each. It asks nobody: verdicts are brought by `Auditor`, by clients'
feedback and by their repeats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from synthlang_router.cache.consensus import Consensus
from synthlang_router.cache.entry import CacheEntry
from synthlang_router.cache.error_budget import Chance, ErrorBudget
from synthlang_router.cache.hits import Hit, RecentHits
from synthlang_router.cache.key import CacheKey
from synthlang_router.telemetry import count

CERTAIN: Final = 0.0
"""What a hit on the verifier's word is taken for: its errors are counted apart."""


class Candidate(msgspec.Struct, frozen=True):
    """What was weighed for a question, served or not."""

    entry: CacheEntry
    chance: Chance
    features: tuple[float, ...]


class Evidence:
    """`coin` gives numbers in [0, 1); `may_audit` tells whether an audit could be made now."""

    def __init__(
        self,
        budget: ErrorBudget,
        *,
        coin: Callable[[], float],
        may_audit: Callable[[], bool] = lambda: False,
    ) -> None:
        self.budget = budget
        self.hits = RecentHits()
        self._coin = coin
        self._may_audit = may_audit

    def request(self, key: CacheKey) -> None:
        """A request has come that a near answer might serve."""
        self.budget.request(key.scope, key.tenant)

    def weigh(
        self, key: CacheKey, entry: CacheEntry, consensus: Consensus[bytes], *, vetoed: bool
    ) -> Candidate:
        """What may be done with the answer that the neighbours agree on."""
        features = consensus.features(vetoed=vetoed)
        return Candidate(entry, self.budget.weigh(key.scope, key.tenant, features), features)

    def no_candidate(self, key: CacheKey) -> None:
        """Nothing is near."""
        self.budget.weigh(key.scope, key.tenant, None)

    def may_serve(self, candidate: Candidate) -> bool:
        """Never without an audit that could be made: the coin's probability must be true when it is thrown."""
        return candidate.chance.serve and self._may_audit()

    def served(
        self,
        key: CacheKey,
        row: str,
        vector: bytes,
        entry: CacheEntry,
        candidate: Candidate | None,
        now: float,
    ) -> Hit:
        """An answer goes out: by this candidate, or (None) on the verifier's word. Throws the coin."""
        if candidate is None:
            audit = self.budget.verified_audit() if self._may_audit() else 0.0
            chance = Chance(True, CERTAIN, 1.0, None, audit)
        else:
            chance = candidate.chance
        self.budget.hit(key.scope, key.tenant, chance.audit, verified=candidate is None)
        hit = Hit(
            row=row,
            tenant=key.tenant,
            scope=key.scope,
            exact=key.exact,
            question=key.question or "",
            vector=vector,
            entry=entry,
            chance=chance,
            features=None if candidate is None else candidate.features,
            audited=self._coin() < chance.audit,
            at=now,
        )
        if hit.audited:
            self.budget.audits += 1
        self.hits.add(hit)
        return hit

    def audited(self, hit: Hit, right: bool) -> None:
        """An audit's verdict."""
        if self.hits.take(hit.row, hit.tenant) is None:
            return
        count("cache_audits", "right" if right else "wrong")
        self._judge(hit, right, audited=True)

    def report(self, row: str, tenant: str, right: bool) -> bool:
        """A client's word on an answer it got; False where that is no hit of this tenant's, or an old one."""
        hit = self.hits.report(row, tenant)
        if hit is None:
            return False
        count("cache_feedback", "right" if right else "wrong")
        self._judge(hit, right, audited=False)
        return True

    def repeated(self, key: CacheKey, now: float) -> None:
        """The question came again with `no-cache`: the answer was no good."""
        hit = self.hits.report_repeated(key.exact, key.tenant, now)
        if hit is not None:
            count("cache_feedback", "repeated")
            self._judge(hit, False, audited=False)

    def wants_comparison(self, key: CacheKey, candidate: Candidate) -> bool:
        """Whether the answer of a miss is to be compared with what the candidate would have given."""
        if self._coin() >= self.budget.curiosity(key.scope, key.tenant, candidate.chance):
            return False
        self.budget.audits += 1
        return True

    def compared(self, key: CacheKey, candidate: Candidate, right: bool) -> None:
        """What came of it."""
        count("cache_comparisons", "right" if right else "wrong")
        self.budget.learn(key.scope, key.tenant, candidate.features, right)

    def _judge(self, hit: Hit, right: bool, *, audited: bool) -> None:
        self.budget.judge(hit.scope, hit.tenant, hit.chance, right, verified=hit.verified, audited=audited)
        if hit.features is not None:
            self.budget.learn(hit.scope, hit.tenant, hit.features, right)
