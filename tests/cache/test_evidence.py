"""Answers given on evidence: what traffic has shown to be right, audited, and taken back when it turns out wrong."""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec.structs import replace

from synthlang_router.backends.memory.cache import MemoryCacheStore
from synthlang_router.cache import MeaningLayer, Recall, SemanticCache
from synthlang_router.cache.auditor import Auditor
from synthlang_router.cache.comparator import Comparator
from synthlang_router.cache.error_budget import ErrorBudget
from synthlang_router.cache.evidence import Evidence
from synthlang_router.cache.hits import MAX_RECENT, REPEATED_WITHIN, Hit, RecentHits
from synthlang_router.cache.objection import objection
from synthlang_router.cache.vectors import ScanIndex, quantise
from synthlang_router.models import CacheStatus, Facts, Wishes
from tests.cache.requests import answered, asked, facts, key_of
from tests.cache.stores import Clock, LetterEmbedder, at_once, same_letters_any_case
from tests.cache.test_auditor import Upstream

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Stream:
    """Questions of a few kinds, made of one letter each and noise, and answers by kind."""

    def __init__(self, *, coin: float = 0.0, budget: ErrorBudget | None = None) -> None:
        self.clock = Clock()
        self.auditor = Auditor(
            Comparator(),
            spawn=asyncio.get_running_loop().create_task,
            new_facts=lambda: facts("audit"),
            clock=self.clock,
        )
        self.evidence = Evidence(
            budget or ErrorBudget(0.02), coin=lambda: coin, may_audit=self.auditor.has_room
        )
        store = MemoryCacheStore(max_entries=10_000, max_bytes=100_000_000)
        meaning = MeaningLayer(
            store,
            Recall(lambda: ScanIndex(26), offload=at_once, max_entries=10_000),
            embedder=LetterEmbedder(),
            quantise=quantise,
            verify=same_letters_any_case,
            offload=at_once,
            seconds=1e9,
            evidence=self.evidence,
        )
        self.cache = SemanticCache(
            store, clock=self.clock, monotonic=self.clock, meaning=meaning, auditor=self.auditor
        )
        self.rows = 0

    async def ask(self, number: int, *, upstream: str | None = None, wishes: Wishes = Wishes()) -> Facts:  # noqa: B008
        """One question of four kinds, never the same twice; `upstream` is what an audit would hear."""
        self.clock.now += 1
        self.rows += 1
        kind = number % 4
        text = LETTERS[kind] * 60 + LETTERS[5 + number // 4 % 20] * (1 + number // 80)
        key, noted = key_of(asked(text), wishes=wishes), facts(f"row-{self.rows}")
        hit = await self.cache.get_similar_response(key, noted)
        answer = f"kind {kind}"
        if hit is None:
            self.cache.store(key, answered(answer), noted)
        else:
            self.cache.audit(key, noted, partial(Upstream(upstream or answer)))
        await self.auditor.settled()
        return noted

    async def learn(self, requests: int = 200) -> int:
        """How many of them were answered."""
        hits = 0
        for number in range(requests):
            hits += (await self.ask(number)).cache is CacheStatus.SEMANTIC_HIT
        return hits


async def test_a_kind_of_question_that_was_compared_often_enough_is_answered_on_evidence() -> None:
    stream = Stream()

    hits = await stream.learn()
    noted = await stream.ask(400)

    assert hits > 50
    assert noted.cache is CacheStatus.SEMANTIC_HIT
    assert noted.why.startswith("evidence: ")
    assert noted.confidence is not None
    assert noted.confidence > 0.9
    assert noted.similarity is not None


async def test_where_nothing_is_audited_or_compared_only_the_verifier_serves() -> None:
    stream = Stream(coin=0.999)

    assert await stream.learn() == 0


async def test_an_audit_that_finds_another_answer_counts_and_keeps_the_right_one() -> None:
    stream = Stream()
    await stream.learn()
    wrong = stream.evidence.budget.gateway.ledger.known_wrong
    first = await stream.ask(400, upstream="Paris.")

    again = await stream.ask(400)

    assert first.cache is CacheStatus.SEMANTIC_HIT
    assert again.cache is CacheStatus.HIT or again.cache is CacheStatus.SEMANTIC_HIT
    assert stream.evidence.budget.gateway.ledger.known_wrong >= wrong


async def test_an_audited_question_becomes_a_key_of_the_right_answer() -> None:
    stream = Stream()
    await stream.learn()
    first = await stream.ask(400)

    again = await stream.ask(400)

    assert first.cache is CacheStatus.SEMANTIC_HIT
    assert again.cache is CacheStatus.HIT


async def test_a_report_counts_once_and_only_for_the_tenant_that_got_the_answer() -> None:
    stream = Stream(budget=ErrorBudget(0.02))
    await stream.learn()
    stream.evidence._coin = lambda: 0.999
    noted = await stream.ask(400)

    assert noted.cache is CacheStatus.SEMANTIC_HIT
    assert not stream.cache.report(noted.row_id, "rival", False)
    assert stream.cache.report(noted.row_id, "acme", False)
    assert not stream.cache.report(noted.row_id, "acme", False)
    tenant = stream.evidence.budget.population("acme")
    assert tenant is not None
    assert tenant.ledger.known_wrong == 1
    assert stream.evidence.budget.gateway.ledger.known_wrong == 0


async def test_a_report_never_stands_in_for_an_audit_under_way() -> None:
    stream = Stream(budget=ErrorBudget(0.02))
    await stream.learn()
    ledger = stream.evidence.budget.gateway.ledger
    hit = replace(await _any_hit(stream), row="under audit", audited=True)
    before = ledger.known_wrong
    stream.evidence.hits.add(hit)

    assert stream.cache.report("under audit", "acme", True)
    assert not stream.cache.report("under audit", "acme", True)
    assert ledger.known_wrong == before
    stream.evidence.audited(hit, right=False)

    assert ledger.known_wrong == before + 1


async def test_the_same_question_with_no_cache_says_that_the_answer_was_no_good() -> None:
    stream = Stream()
    await stream.learn()
    stream.evidence._coin = lambda: 0.999
    await stream.ask(400)

    await stream.ask(400, wishes=Wishes(no_cache=True))

    tenant = stream.evidence.budget.population("acme")
    assert tenant is not None
    assert tenant.ledger.known_wrong == 1


async def test_with_no_cache_an_answer_that_was_never_served_is_not_blamed() -> None:
    stream = Stream()
    await stream.ask(1)

    await stream.ask(1, wishes=Wishes(no_cache=True))

    tenant = stream.evidence.budget.population("acme")
    assert tenant is None or tenant.ledger.known_wrong == 0


async def test_hits_are_remembered_up_to_a_bound_and_a_repeat_counts_for_a_while() -> None:
    stream = Stream()
    await stream.learn()
    hit = next(iter(stream.evidence.hits._by_row.values()), None) or await _any_hit(stream)
    recent = RecentHits()
    for number in range(MAX_RECENT + 10):
        recent.add(_like(hit, f"row {number}", b"%d" % number))

    assert len(recent) == MAX_RECENT
    assert recent.take("row 0", "acme") is None
    newest = b"%d" % (MAX_RECENT + 9)
    assert recent.report_repeated(newest, "acme", hit.at + REPEATED_WITHIN + 1) is None
    assert recent.report_repeated(newest, "acme", hit.at + 1) is not None


async def _any_hit(stream: Stream) -> Hit:
    stream.evidence._coin = lambda: 0.999
    noted = await stream.ask(400)
    hit = stream.evidence.hits.find(noted.row_id)
    assert hit is not None
    return hit


def _like(hit: Hit, row: str, exact: bytes) -> Hit:
    return replace(hit, row=row, exact=exact)


def test_numbers_and_negations_are_objected_to_and_wording_is_not() -> None:
    assert objection("Book a table for 2", "Book a table for 3") is not None
    assert objection("Can I take it with food?", "Can I not take it with food?") is not None
    assert objection("how do I reset my password", "please tell me how I reset my password") is None
    assert objection("x" * 3_000, "y") == "length"
    assert objection("", "y") == "length"
