"""`Reserver`: tokens and money, set aside once a call upstream is certain and settled with the truth when it is over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from synthlang_router.auth.asks import LimitScopes, call_asks, rate_state, refusal, with_cost
from synthlang_router.auth.budgets import NANO, Budget, BudgetAlert, BudgetAsk, BudgetLedger, Refusal, Share
from synthlang_router.auth.demand import Demand, demand_of, prompt_tokens
from synthlang_router.auth.expectation import Expectation
from synthlang_router.auth.limits import Ask, Mark, RateLimiter
from synthlang_router.auth.permit import NothingReserved, Reservation
from synthlang_router.auth.spending import Tariff, cost_of, usage_of
from synthlang_router.errors import BudgetExceeded, RateLimitExceeded, RouterError
from synthlang_router.models import Caller, ChatRequest, Facts, Outcome, Route, Target, Usage
from synthlang_router.telemetry import count

_NOTHING: Final = NothingReserved()
_HELD_WAIT: Final = 1.0
"""Seconds after which money that requests under way hold may have come free: nobody knows."""


class BudgetScopes(msgspec.Struct, frozen=True):
    """Budgets beside those of keys, by name; `key` holds for every key without its own."""

    key: Budget | None = None
    tenants: Mapping[str, Budget] = {}
    projects: Mapping[str, Budget] = {}
    tags: Mapping[tuple[str, str], Budget] = {}


class Reserver:
    """`budget_of(key_id)` gives a key's own budget, `clock` wall-clock seconds, `alert` takes what became due.

    `unpriced`: what happens to a request under a budget whose model nobody has a price for.
    """

    def __init__(
        self,
        limiter: RateLimiter,
        ledger: BudgetLedger,
        *,
        tariff: Tariff,
        budget_of: Callable[[str], Budget | None],
        clock: Callable[[], float],
        alert: Callable[[BudgetAlert], None],
        unpriced: Literal["serve", "refuse"] = "serve",
        estimate: Callable[[ChatRequest], int] = prompt_tokens,
    ) -> None:
        self._limiter = limiter
        self._ledger = ledger
        self._tariff = tariff
        self._budget_of = budget_of
        self._clock = clock
        self._alert = alert
        self._unpriced = unpriced
        self._estimate = estimate
        self._expectation = Expectation()
        self.limits = LimitScopes()
        self.budgets = BudgetScopes()

    async def reserve(self, caller: Caller, route: Route, request: ChatRequest, facts: Facts) -> Reservation:
        """Set aside, or raise RateLimitExceeded or BudgetExceeded with nothing taken."""
        asks = call_asks(caller, (request.model, f"{route.provider}/{route.model}"), self.limits)
        accounts = self._accounts(caller)
        if not asks and not accounts:
            return _NOTHING
        demand = demand_of(
            request,
            prompt=self._estimate(request),
            expected=self._expectation.p95(route.model),
            cap=self._tariff.output_cap(route.provider, route.model),
        )
        asks = with_cost(asks, demand.prompt + demand.likely)
        admission = await self._limiter.admit(asks)
        facts.rate = rate_state(asks, admission.verdicts, facts.rate)
        if not admission.allowed:
            raise refusal(asks, admission.verdicts, _HELD_WAIT)
        held = Held(self, demand, asks, admission.marks, admission.lease)
        try:
            held.shares = await self._spend(accounts, route, demand)
        except BaseException:
            held.give_back()
            raise
        return held

    def settle(self, held: Held, usage: Usage, facts: Facts) -> None:
        """Replace what `held` set aside by the truth."""
        self._limiter.settle(held.asks, held.marks, usage.total_tokens)
        self._limiter.release(held.asks, held.lease)
        if held.shares:
            cost = cost_of(facts, usage, self._tariff)
            for alert in self._ledger.settle(held.shares, _nano(cost), self._clock()):
                count("budget_alerts")
                self._alert(alert)
        if usage.completion_tokens and facts.served_model:
            self._expectation.observe(facts.served_model, usage.completion_tokens)

    def undo(self, held: Held) -> None:
        """Give everything back: the call was never made."""
        self._limiter.settle(held.asks, held.marks, 0)
        self._limiter.release(held.asks, held.lease)
        if held.shares:
            self._ledger.settle(held.shares, 0, self._clock())

    async def _spend(
        self, accounts: tuple[tuple[str, Budget], ...], route: Route, demand: Demand
    ) -> tuple[Share, ...]:
        if not accounts:
            return ()
        upper = max(
            [
                self._price(target, demand.prompt, demand.most)
                for target in (Target(route.provider, route.model), *route.alternatives)
            ]
        )
        average = self._expectation.mean(route.model)
        mean = (
            upper
            if average is None
            else self._price(Target(route.provider, route.model), demand.prompt, average)
        )
        now = self._clock()
        outcome = await self._ledger.reserve(
            [BudgetAsk(account, budget, upper, min(mean, upper)) for account, budget in accounts], now
        )
        if isinstance(outcome, Refusal):
            raise _refused(outcome, now)
        return outcome

    def _price(self, target: Target, prompt: int, completion: int) -> int:
        usage = Usage(prompt_tokens=prompt, completion_tokens=completion)
        price = self._tariff.price(target.provider, target.model, usage)
        if price is None:
            count("budget_unpriced")
            if self._unpriced == "refuse":
                raise BudgetExceeded(
                    f"The price of {target.model!r} is not known, and this key has a budget."
                )
        return _nano(price)

    def _accounts(self, caller: Caller) -> tuple[tuple[str, Budget], ...]:
        scopes = self.budgets
        own = self._budget_of(caller.key_id) or scopes.key
        found = [
            (f"key:{caller.key_id}", own),
            (f"tenant:{caller.tenant_id}", scopes.tenants.get(caller.tenant_id)),
            (f"project:{caller.project_id}", scopes.projects.get(caller.project_id)),
        ]
        found += [(f"tag:{name}={value}", scopes.tags.get((name, value))) for name, value in caller.tags]
        return tuple([(account, budget) for account, budget in found if budget is not None])


class Held:
    """What one request has set aside; settled or given back once."""

    __slots__ = ("_reserver", "_settled", "asks", "demand", "lease", "marks", "shares")

    def __init__(
        self, reserver: Reserver, demand: Demand, asks: tuple[Ask, ...], marks: tuple[Mark, ...], lease: int
    ) -> None:
        self._reserver = reserver
        self._settled = False
        self.demand = demand
        self.asks = asks
        self.marks = marks
        self.lease = lease
        self.shares: tuple[Share, ...] = ()

    def settle(self, facts: Facts, outcome: Outcome) -> None:
        """By the provider's count, or by what can be known of a call that was cut."""
        if not self._settled:
            self._settled = True
            self._reserver.settle(self, usage_of(facts, outcome, self.demand), facts)

    def give_back(self) -> None:
        """As if it had never been asked."""
        if not self._settled:
            self._settled = True
            self._reserver.undo(self)


def _nano(usd: float | None) -> int:
    return 0 if usd is None else math.ceil(round(usd * NANO, 3))


def _refused(refusal: Refusal, now: float) -> RouterError:
    holder, budget = refusal.account.partition(":")[0], refusal.budget
    if not refusal.spent:
        count("budget_refused", "held")
        return RateLimitExceeded(
            f"What is left of the budget of this {holder} is held by requests under way.",
            retry_after=_HELD_WAIT,
        )
    count("budget_refused", "spent")
    wait = refusal.until - now
    return BudgetExceeded(
        f"The budget of this {holder} is spent: {budget.usd:g} USD per {budget.per}."
        if budget.per != "total"
        else f"The budget of this {holder} is spent: {budget.usd:g} USD in all.",
        retry_after=None if wait == math.inf else wait,
    )
