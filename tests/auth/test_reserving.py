"""Tokens and money: set aside before a call, settled after it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from msgspec import structs

from synthlang_router.auth import (
    Budget,
    BudgetAlert,
    BudgetScopes,
    Gate,
    Keyring,
    LimitScopes,
    Reservation,
    Reserver,
)
from synthlang_router.auth.budgets import NANO, Balance
from synthlang_router.backends.memory.budgets import MemoryBudgetLedger
from synthlang_router.backends.memory.limits import MemoryRateLimiter
from synthlang_router.errors import BudgetExceeded, ProviderProtocolError, RateLimitExceeded
from synthlang_router.models import (
    Attempt,
    Caller,
    ChatCompletion,
    ChatRequest,
    Facts,
    Limits,
    Outcome,
    Route,
    Target,
    Usage,
)
from synthlang_router.wire import DIALECTS
from tests.auth.stores import DictKeyStore

CALLER = Caller(
    "acme", "ann", "k1", "dev", limits=Limits(requests_per_minute=600), tags=(("team", "a"),), project_id="p"
)
ROUTE = Route("openai", "gpt", "asked", "p1")
DONE = Outcome("complete")


class Clock:
    def __init__(self) -> None:
        self.now = 1_900_000_000.0

    def __call__(self) -> float:
        return self.now

    def nanoseconds(self) -> int:
        return round(self.now * 1e9)


class Tariff:
    """A dollar per million tokens, ten for those of `dear`; nobody knows the price of `secret`."""

    def price(self, provider: str, model: str, usage: Usage, tier: str | None = None) -> float | None:
        return None if model == "secret" else usage.total_tokens / 1e6 * (10 if model == "dear" else 1)

    def most(
        self, provider: str, model: str, prompt: int, completion: int, tier: str | None = None
    ) -> float | None:
        return self.price(provider, model, Usage(prompt, completion))

    def output_cap(self, provider: str, model: str) -> int | None:
        return 10_000


class Transcript:
    def __init__(self, text: str) -> None:
        self.text = text

    def completion(self) -> ChatCompletion | None:
        return ChatCompletion(b"{}", content=self.text) if self.text else None


class BrokenTranscript:
    def completion(self) -> ChatCompletion | None:
        raise ProviderProtocolError("frames that make no answer")


class House:
    def __init__(self, limits: LimitScopes | None = None, budgets: BudgetScopes | None = None) -> None:
        self.clock = Clock()
        self.limiter = MemoryRateLimiter(self.clock.nanoseconds)
        self.ledger = MemoryBudgetLedger()
        self.alerts: list[BudgetAlert] = []
        self.reserver = Reserver(
            self.limiter,
            self.ledger,
            tariff=Tariff(),
            budget_of={"rich": Budget(100.0)}.get,
            clock=self.clock,
            alert=self.alerts.append,
        )
        ring = Keyring(DictKeyStore(), pepper=b"p", clock=self.clock)
        self.gate = Gate(ring, self.limiter, defaults=Limits(), clock=self.clock, reserver=self.reserver)
        self.gate.use(limits or LimitScopes(), budgets or BudgetScopes())

    async def reserve(
        self,
        noted: Facts | None = None,
        *,
        caller: Caller = CALLER,
        route: Route = ROUTE,
        max_tokens: int = 1_000,
    ) -> Reservation:
        return await self.gate.reserve(caller, route, request(max_tokens=max_tokens), noted or facts())

    async def spent(self, account: str, budget: Budget) -> Balance:
        return await self.ledger.balance(account, budget, self.clock.now)


def request(**more: Any) -> ChatRequest:
    body = {"model": "gpt", "messages": [{"role": "user", "content": "Hi"}], **more}
    return DIALECTS["openai"].read_request(json.dumps(body).encode(), "chat")


def facts() -> Facts:
    return Facts(request_id="r", row_id="r", arrived=0.0, started=0.0)


def called(usage: Usage | None = None, *, status: int = 200, data: bool = True, model: str = "gpt") -> Facts:
    noted = facts()
    noted.attempts.append(Attempt("openai", model, 0.0, 1.0, status))
    noted.provider, noted.served_model, noted.usage = "openai", model, usage
    noted.first_data = 1.0 if data else None
    return noted


def tokens(per_minute: float) -> LimitScopes:
    return LimitScopes(key=Limits(tokens_per_minute=per_minute))


async def left(house: House) -> float | None:
    noted = facts()
    (await house.gate.allow_request(CALLER, noted)).release(noted, DONE)
    assert noted.rate is not None
    return noted.rate.remaining_tokens


async def test_without_limits_and_budgets_nothing_is_reserved() -> None:
    house = House()
    reservation = await house.reserve()

    reservation.settle(called(Usage(1, 1)), DONE)

    assert (house.limiter.size, house.ledger.accounts) == (0, {})


async def test_tokens_are_set_aside_and_settled_with_the_truth() -> None:
    house = House(tokens(10_000))
    reservation = await house.reserve()
    during = await left(house)

    reservation.settle(called(Usage(100, 200)), DONE)
    reservation.settle(called(Usage(100, 200)), DONE)

    assert during is not None
    assert 8_900 < during < 9_000
    assert await left(house) == 9_700


async def test_the_door_looks_at_tokens_and_takes_none() -> None:
    house = House(tokens(10_000))

    assert [await left(house) for _ in range(3)] == [10_000] * 3


async def test_spent_tokens_refuse_a_call_and_never_a_hit() -> None:
    house, noted = House(tokens(5_000)), facts()
    (await house.reserve()).settle(called(Usage(5_000, 4_000)), DONE)

    with pytest.raises(RateLimitExceeded) as refusal:
        await house.reserve(noted)

    assert refusal.value.error_type == "tokens"
    assert refusal.value.retry_after == pytest.approx(60, abs=15)
    assert await left(house) == 0
    house.clock.now += refusal.value.retry_after or 0.0
    await house.reserve()


async def test_the_headers_say_all_six_values() -> None:
    house, noted = House(tokens(10_000)), facts()
    await house.gate.allow_request(CALLER, noted)

    await house.reserve(noted)

    assert noted.rate is not None
    assert noted.rate.limit_requests == 600
    assert noted.rate.remaining_requests == 599
    assert noted.rate.reset_requests == pytest.approx(0.1)
    assert noted.rate.limit_tokens == 10_000
    assert noted.rate.remaining_tokens is not None
    assert 8_900 < noted.rate.remaining_tokens < 9_000
    assert noted.rate.reset_tokens == pytest.approx((10_000 - noted.rate.remaining_tokens) * 0.006)


async def test_a_request_larger_than_the_bucket_passes_when_it_is_full_and_leaves_a_debt() -> None:
    house = House(tokens(500))

    reservation = await house.reserve(max_tokens=1_000)
    with pytest.raises(RateLimitExceeded):
        await house.reserve(max_tokens=1)
    reservation.settle(called(Usage(0, 1_000)), DONE)

    house.clock.now += 60
    with pytest.raises(RateLimitExceeded):
        await house.reserve(max_tokens=1)
    house.clock.now += 61
    await house.reserve(max_tokens=1)


async def test_a_burst_of_parallel_calls_never_passes_more_than_the_bucket() -> None:
    house = House(tokens(10_000))

    async def one() -> int:
        try:
            reservation = await house.reserve(max_tokens=990)
        except RateLimitExceeded:
            return 0
        await asyncio.sleep(0)
        reservation.settle(called(Usage(5, 990)), DONE)
        return 995

    assert sum(await asyncio.gather(*(one() for _ in range(1000)))) <= 10_000


async def test_experience_makes_the_reservation_smaller_than_the_request_allows() -> None:
    house = House(tokens(100_000))
    (await house.reserve(max_tokens=9_000)).settle(called(Usage(5, 100)), DONE)
    before = await left(house)

    await house.reserve(max_tokens=9_000)

    after = await left(house)
    assert before is not None
    assert after is not None
    assert 100 <= before - after < 120


@pytest.mark.parametrize(
    "scopes",
    [
        LimitScopes(tenants={"acme": Limits(tokens_per_minute=1_500)}),
        LimitScopes(projects={"acme/p": Limits(tokens_per_minute=1_500)}),
        LimitScopes(models={"gpt": Limits(tokens_per_minute=1_500)}),
        LimitScopes(models={"openai/gpt": Limits(tokens_per_minute=1_500)}),
        LimitScopes(models={"gpt": Limits(requests_per_minute=1)}),
        LimitScopes(models={"gpt": Limits(concurrency=1)}),
    ],
    ids=str,
)
async def test_limits_of_tenant_project_and_model_are_shared_by_all_keys(scopes: LimitScopes) -> None:
    house = House(scopes)
    await house.reserve()

    with pytest.raises(RateLimitExceeded):
        await house.reserve(caller=structs.replace(CALLER, key_id="k2"))
    with pytest.raises(RateLimitExceeded):
        await house.reserve()


async def test_a_models_slot_is_free_again_after_the_call() -> None:
    house = House(LimitScopes(models={"gpt": Limits(concurrency=1)}))

    for _ in range(3):
        (await house.reserve()).settle(called(Usage(1, 1)), DONE)


async def test_requests_of_a_tenant_are_counted_at_the_door() -> None:
    house = House(LimitScopes(tenants={"acme": Limits(requests_per_minute=2)}))
    for number in range(2):
        await house.gate.allow_request(structs.replace(CALLER, key_id=f"k{number}"), facts())

    noted = facts()
    with pytest.raises(RateLimitExceeded, match="tenant"):
        await house.gate.allow_request(CALLER, noted)
    assert noted.rate is not None
    assert noted.rate.remaining_requests == 0


MONTHLY = Budget(1.0)


async def test_money_is_set_aside_at_the_upper_bound_and_settled_with_the_truth() -> None:
    house = House(budgets=BudgetScopes(key=MONTHLY))
    reservation = await house.reserve(max_tokens=1_000)
    during = await house.spent("key:k1", MONTHLY)

    reservation.settle(called(Usage(100, 200)), DONE)

    assert during.spent == 0
    assert 1_000_000 < during.reserved < 1_020_000
    assert await house.spent("key:k1", MONTHLY) == Balance(300_000, 0)


async def test_without_max_tokens_the_models_cap_is_the_bound() -> None:
    house = House(budgets=BudgetScopes(key=MONTHLY))

    await house.gate.reserve(CALLER, ROUTE, request(), facts())

    assert (await house.spent("key:k1", MONTHLY)).reserved > 10_000_000


async def test_the_bound_is_that_of_the_dearest_model_that_may_answer() -> None:
    house = House(budgets=BudgetScopes(key=MONTHLY))
    route = structs.replace(ROUTE, alternatives=(Target("openai", "dear"),))

    await house.reserve(route=route, max_tokens=1_000)

    assert (await house.spent("key:k1", MONTHLY)).reserved > 10_000_000


async def test_a_spent_budget_is_a_hard_stop_that_says_not_to_retry() -> None:
    house = House(budgets=BudgetScopes(key=Budget(0.001)))
    (await house.reserve(max_tokens=900)).settle(called(Usage(500, 500)), DONE)

    with pytest.raises(BudgetExceeded) as refusal:
        await house.reserve(max_tokens=10)

    assert refusal.value.http_status == 429
    assert refusal.value.error_code == "insufficient_quota"
    assert refusal.value.should_retry is False
    assert refusal.value.retry_after is not None


async def test_money_that_is_only_held_may_be_retried() -> None:
    house = House(budgets=BudgetScopes(key=Budget(0.0015)))
    held = await house.reserve(max_tokens=1_000)

    with pytest.raises(RateLimitExceeded):
        await house.reserve(max_tokens=1_000)
    held.settle(called(Usage(5, 5)), DONE)
    await house.reserve(max_tokens=1_000)


async def test_a_refused_budget_gives_the_tokens_back() -> None:
    house = House(tokens(10_000), BudgetScopes(key=Budget(0.0001)))

    with pytest.raises(BudgetExceeded):
        await house.reserve(max_tokens=1_000)

    assert await left(house) == 10_000


@pytest.mark.parametrize(
    ("budgets", "account"),
    [
        (BudgetScopes(tenants={"acme": MONTHLY}), "tenant:acme"),
        (BudgetScopes(projects={"acme/p": MONTHLY}), "project:acme/p"),
        (BudgetScopes(tags={("team", "a"): MONTHLY}), "tag:team=a"),
        (BudgetScopes(key=MONTHLY), "key:k1"),
    ],
)
async def test_tenants_projects_tags_and_keys_have_budgets(budgets: BudgetScopes, account: str) -> None:
    house = House(budgets=budgets)

    (await house.reserve()).settle(called(Usage(1, 2)), DONE)

    assert await house.spent(account, MONTHLY) == Balance(3_000, 0)


async def test_a_keys_own_budget_is_in_place_of_the_common_one() -> None:
    house = House(budgets=BudgetScopes(key=Budget(0.000001)))

    (await house.reserve(caller=structs.replace(CALLER, key_id="rich"))).settle(called(Usage(1, 2)), DONE)

    assert await house.spent("key:rich", Budget(100.0)) == Balance(3_000, 0)


async def test_alerts_are_handed_on() -> None:
    house = House(budgets=BudgetScopes(key=Budget(1.0, alerts=(0.5,))))

    (await house.reserve()).settle(called(Usage(600_000, 0)), DONE)

    assert [(alert.account, alert.share) for alert in house.alerts] == [("key:k1", 0.5)]


async def test_a_model_without_a_price_is_served_or_refused_as_configured() -> None:
    unpriced = structs.replace(ROUTE, model="secret")
    serving = House(budgets=BudgetScopes(key=MONTHLY))
    refusing = House(budgets=BudgetScopes(key=MONTHLY, unpriced="refuse"))

    (await serving.reserve(route=unpriced)).settle(called(Usage(5, 5), model="secret"), DONE)

    assert await serving.spent("key:k1", MONTHLY) == Balance(0, 0)
    with pytest.raises(BudgetExceeded):
        await refusing.reserve(route=unpriced)


GONE = Outcome("abandoned", Transcript("x" * 300), status=499)
FAILED = Outcome("failed", Transcript(""), error="provider_error", status=502)


@pytest.mark.parametrize(
    ("noted", "outcome", "used"),
    [
        (called(Usage(10, 20)), DONE, 30),
        (called(Usage(10, 20)), GONE, 30),
        (facts(), DONE, 0),
        (facts(), FAILED, 0),
        (called(None, status=400, data=False), FAILED, 0),
        (called(None, status=503, data=False), FAILED, 0),
        (called(None, status=504, data=False), FAILED, 5),
        (called(None), GONE, 105),
        (called(None, data=False), Outcome("abandoned", Transcript("")), 5),
        (called(None), Outcome("failed", Transcript("x" * 30), error="provider_error"), 15),
        (called(None), Outcome("complete", Transcript("x" * 30)), 15),
        (called(None), Outcome("complete", Transcript("x" * 90_000)), 1_005),
        (called(None), Outcome("failed", BrokenTranscript(), error="provider_error"), 1_005),
    ],
    ids=[
        "as the provider counts",
        "counted though left",
        "shared another's call",
        "failed before a call",
        "refused",
        "not reached",
        "timed out",
        "left in the middle",
        "left before data",
        "cut in the middle",
        "whole without a count",
        "never more than could be written",
        "garbage",
    ],
)
async def test_what_a_call_used_is_as_much_as_can_be_known(noted: Facts, outcome: Outcome, used: int) -> None:
    house = House(budgets=BudgetScopes(key=MONTHLY))

    (await house.reserve(max_tokens=1_000)).settle(noted, outcome)

    assert await house.spent("key:k1", MONTHLY) == Balance(used * NANO // 1_000_000, 0)


async def test_every_try_is_paid_where_the_record_has_a_line_for_it() -> None:
    house, noted = House(tokens(10_000), BudgetScopes(key=MONTHLY)), called(Usage(100, 200))
    first = structs.replace(noted.attempts[0], usage=Usage(100, 0), cost=0.002)
    noted.attempts = [first, structs.replace(first, usage=Usage(100, 200), cost=0.003)]
    noted.cost = 0.005

    (await house.reserve()).settle(noted, DONE)

    assert await left(house) == 9_600
    assert await house.spent("key:k1", MONTHLY) == Balance(5_000_000, 0)


async def test_someone_elses_usage_is_not_charged_to_who_shared_the_call() -> None:
    house, noted = House(tokens(10_000), BudgetScopes(key=MONTHLY)), facts()
    noted.usage, noted.provider, noted.served_model = Usage(500, 500), "openai", "gpt"

    (await house.reserve()).settle(noted, DONE)

    assert await left(house) == 10_000
    assert await house.spent("key:k1", MONTHLY) == Balance(0, 0)
