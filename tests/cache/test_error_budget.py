"""The error budget: safe without evidence, generous with it, and closed again when it turns."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from synthlang_router.cache import error_budget
from synthlang_router.cache.error_budget import FREE_AUDITS, MAX_POPULATIONS, ErrorBudget
from synthlang_router.cache.error_ledger import LEAST

GOOD = (1.0, 3.0, 0.0, 0.95, 0.0, 0.0)
BAD = (1.0, 0.5, 0.4, 0.75, 0.0, 0.0)
S, T = b"scope", "acme"


class Stream:
    """Requests with a candidate each, served as the budget says and judged as its coins fall."""

    def __init__(self, budget: ErrorBudget, *, seed: int = 0) -> None:
        self.budget = budget
        self.source = random.Random(seed)
        self.requests = self.hits = self.wrong = 0

    def run(self, requests: int, right: Callable[[bool], bool], *, scope: bytes = S, tenant: str = T) -> None:
        """`right(good)` tells whether the candidate, a good or a bad looking one, serves."""
        for _ in range(requests):
            good = self.source.random() < 0.5
            self.one(GOOD if good else BAD, right(good), scope, tenant)

    def one(self, features: tuple[float, ...], right: bool, scope: bytes, tenant: str) -> None:
        budget, coin = self.budget, self.source.random
        budget.request(scope, tenant)
        self.requests += 1
        chance = budget.weigh(scope, tenant, features)
        if not chance.serve:
            if coin() < budget.curiosity(scope, tenant, chance):
                budget.audits += 1
                budget.learn(scope, tenant, features, right)
            return
        self.hits += 1
        self.wrong += not right
        budget.hit(scope, tenant, chance.audit, verified=False)
        if coin() < chance.audit:
            budget.audits += 1
            budget.judge(scope, tenant, chance, right, verified=False, audited=True)
            budget.learn(scope, tenant, features, right)


def test_without_a_verdict_nothing_is_served_on_evidence() -> None:
    budget = ErrorBudget(0.01)
    for _ in range(1_000):
        budget.request(S, T)
        assert not budget.weigh(S, T, GOOD).serve


def test_where_nothing_may_be_audited_nothing_is_served_on_evidence() -> None:
    budget = ErrorBudget(0.01, audit_share=0.0)
    stream = Stream(budget)

    stream.run(3_000, lambda good: True)

    assert (stream.hits, budget.audits) == (0, 0)


def test_with_verdicts_what_looks_good_is_served_and_the_rest_is_not() -> None:
    stream = Stream(ErrorBudget(0.01))

    stream.run(4_000, lambda good: good)

    assert stream.hits > 1_000
    assert stream.wrong <= 0.01 * stream.requests


@pytest.mark.parametrize("seed", range(5))
def test_a_stream_that_turns_bad_is_stopped_before_its_share_is_used_up(seed: int) -> None:
    budget = ErrorBudget(0.02)
    stream = Stream(budget, seed=seed)
    stream.run(2_500, lambda good: True)
    before = stream.hits

    stream.run(2_500, lambda good: stream.source.random() < 0.5)

    assert before > 300
    assert stream.wrong <= max(LEAST, 0.02 * stream.requests)


def test_audits_keep_to_their_share_once_there_are_requests_enough() -> None:
    budget = ErrorBudget(0.01, audit_share=0.05)
    stream = Stream(budget)

    stream.run(6_000, lambda good: True)

    assert budget.audits <= max(FREE_AUDITS, 0.05 * 6_000) + 1


def test_audits_grow_rarer_as_requests_come() -> None:
    budget = ErrorBudget(0.01)
    stream = Stream(budget)
    stream.run(500, lambda good: True)
    early = budget.look(S, T, GOOD).audit

    for _ in range(50_000):
        budget.request(S, T)

    assert budget.look(S, T, GOOD).audit < early / 3


def test_a_new_scope_is_served_on_its_tenants_evidence() -> None:
    budget = ErrorBudget(0.01)
    stream = Stream(budget)
    stream.run(3_000, lambda good: good)

    stream.run(300, lambda good: good, scope=b"new")

    assert budget.look(b"new", T, GOOD).level is not None


def test_reports_of_clients_close_their_own_tenants_door_and_no_others() -> None:
    budget = ErrorBudget(0.01)
    stream = Stream(budget)
    stream.run(1_500, lambda good: good)
    stream.run(1_500, lambda good: good, scope=b"other", tenant="other")
    chance = budget.look(S, T, GOOD)
    gateway = budget.gateway.ledger.upper()

    for _ in range(60):
        budget.judge(S, T, chance, False, verified=False, audited=False)

    assert budget.look(S, T, GOOD).level is None
    assert budget.look(b"other", "other", GOOD).level is not None
    assert budget.gateway.ledger.upper() == gateway


def test_a_share_of_the_hits_can_be_bounded_instead() -> None:
    budget = ErrorBudget(0.05, of="hits")
    stream = Stream(budget)

    stream.run(4_000, lambda good: good)

    assert stream.hits > 300
    assert stream.wrong <= max(LEAST, 0.05 * stream.hits)


def test_the_verifiers_hits_are_counted_apart() -> None:
    budget = ErrorBudget(0.01)
    chance = budget.look(S, T, GOOD)
    budget.hit(S, T, 0.01, verified=True)
    budget.judge(S, T, chance, False, verified=True, audited=True)

    assert budget.gateway.verified.known_wrong == 1
    assert budget.gateway.ledger.hits == 0


def test_a_first_try_is_never_audited() -> None:
    budget = ErrorBudget(0.01)
    before = budget.verified_audit()
    for _ in range(error_budget.FIRST_REQUESTS):
        budget.request(S, T)

    assert before == 0.0
    assert budget.verified_audit() > 0.0


def test_populations_are_bounded() -> None:
    budget = ErrorBudget(0.01)
    for number in range(MAX_POPULATIONS + 50):
        budget.request(b"%d" % number, T)

    assert budget.populations <= MAX_POPULATIONS
    assert budget.population(T) is not None
    assert budget.population(b"0") is None
