"""`CacheFigures`: what the cache holds, served, saved and cost, and how wrong it was, as `cache stats` shows it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from synthlang_router.cache.auditor import Auditor
from synthlang_router.cache.entry import StoreStats
from synthlang_router.cache.error_budget import ErrorBudget
from synthlang_router.cache.error_ledger import ErrorLedger, Of
from synthlang_router.cache.population import Population
from synthlang_router.cache.savings import Savings


class ErrorFigures(msgspec.Struct, frozen=True):
    """Of one kind of hits. `estimated` is unbiased, `at_least` known, `at_most` holds at 95 % at all times together."""

    hits: int
    audited: int
    at_least: int
    estimated: float
    at_most: int
    estimated_share: float
    most_share: float
    """Of all requests."""


class PromiseFigures(msgspec.Struct, frozen=True):
    """Without evidence there is no bound: `proved` False, and only the verifier serves."""

    max_error_rate: float
    bound: Of
    requests: int
    allowed: int
    """Wrong hits that are borne now."""
    proved: bool
    on_evidence: ErrorFigures
    verified: ErrorFigures


class CacheFigures(msgspec.Struct, frozen=True):
    """Since the gateway started. `saved_usd` is net of what audits cost."""

    entries: int
    bytes: int
    evicted: int
    questions: int
    hits: Mapping[str, int]
    saved_tokens: int
    saved_usd: float
    audits: int
    audits_usd: float
    comparators: tuple[str, ...]
    promise: PromiseFigures | None


def promise_of(budget: ErrorBudget, population: Population | None) -> PromiseFigures:
    """For one population; None is one that has not been heard of."""
    known = Population(None) if population is None else population
    ledger = known.ledger
    return PromiseFigures(
        max_error_rate=budget.rate,
        bound=budget.of,
        requests=ledger.requests,
        allowed=ledger.allowed(budget.rate, budget.of),
        proved=ledger.proves(budget.rate, budget.of),
        on_evidence=_errors(ledger),
        verified=_errors(known.verified),
    )


def figures_of(
    held: StoreStats,
    savings: Savings,
    *,
    questions: int,
    auditor: Auditor | None,
    budget: ErrorBudget | None,
    tenant: str | None,
) -> CacheFigures:
    """`tenant`: whose promise is shown; None: the gateway's."""
    promise = None
    if budget is not None:
        promise = promise_of(budget, budget.gateway if tenant is None else budget.population(tenant))
    cost = 0.0 if auditor is None else auditor.cost
    return CacheFigures(
        entries=held.entries,
        bytes=held.bytes,
        evicted=held.evicted,
        questions=questions,
        hits=dict(savings.hits),
        saved_tokens=savings.tokens,
        saved_usd=round(savings.usd - cost, 8),
        audits=0 if budget is None else budget.audits,
        audits_usd=round(cost, 8),
        comparators=() if auditor is None else auditor.comparator.names,
        promise=promise,
    )


def _errors(ledger: ErrorLedger) -> ErrorFigures:
    requests, most = max(1, ledger.requests), ledger.upper()
    return ErrorFigures(
        hits=ledger.hits,
        audited=ledger.audited,
        at_least=ledger.known_wrong,
        estimated=round(ledger.estimate, 3),
        at_most=most,
        estimated_share=round(ledger.estimate / requests, 6),
        most_share=round(most / requests, 6),
    )
