"""`Reserver`: tokens and money, set aside once a call upstream is certain and settled with the truth when it is over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from synthlang_router.auth.asks import (
    LimitScopes,
    call_asks,
    has_rate,
    project_name,
    rate_state,
    refusal,
    with_cost,
)
from synthlang_router.auth.budgets import NANO, Budget, BudgetAlert, BudgetAsk, BudgetLedger, Refusal, Share
from synthlang_router.auth.demand import Demand, demand_of
from synthlang_router.auth.expectation import Expectation
from synthlang_router.auth.limits import Ask, Mark, RateLimiter
from synthlang_router.auth.permit import NothingReserved, Reservation
from synthlang_router.auth.spending import Tariff, cost_of, usage_of
from synthlang_router.errors import BudgetExceeded, RateLimitExceeded, RouterError
from synthlang_router.models import Caller, ChatRequest, Facts, Outcome, Route, Usage
from synthlang_router.telemetry import count

_NOTHING: Final = NothingReserved()
_HELD_WAIT: Final = 1.0
"""Seconds after which money that requests under way hold may have come free: nobody knows."""

_MAX_PREPARED: Final = 10_000
"""Callers and targets whose asks are kept ready; making them anew costs microseconds."""


class BudgetScopes(msgspec.Struct, frozen=True):
    """Budgets beside those of keys; `key` holds for every key without its own.

    Projects go by `tenant/project`, for two tenants may call theirs the same. `unpriced` is what happens to a request
    under a budget whose model nobody has a price for.
    """

    key: Budget | None = None
    tenants: Mapping[str, Budget] = {}
    projects: Mapping[str, Budget] = {}
    tags: Mapping[tuple[str, str], Budget] = {}
    unpriced: Literal["serve", "refuse"] = "serve"


class Reserver:
    """`budget_of(key_id)` gives a key's own budget, `clock` wall-clock seconds, `alert` takes what became due."""

    def __init__(
        self,
        limiter: RateLimiter,
        ledger: BudgetLedger,
        *,
        tariff: Tariff,
        budget_of: Callable[[str], Budget | None],
        clock: Callable[[], float],
        alert: Callable[[BudgetAlert], None],
    ) -> None:
        self._limiter = limiter
        self._ledger = ledger
        self._tariff = tariff
        self._budget_of = budget_of
        self._clock = clock
        self._alert = alert
        self._expectation = Expectation()
        self.use(LimitScopes(), BudgetScopes())

    def use(self, limits: LimitScopes, budgets: BudgetScopes) -> None:
        """Take these from now on; what is used up stays used up."""
        self._limits = limits
        self._budgets = budgets
        self._asks: dict[tuple[str, str, str, str], tuple[Caller, tuple[Ask, ...]]] = {}
        shared = limits.tenants or limits.projects or limits.models or has_rate(limits.key.tokens_per_minute)
        self._keys_only = not shared and budgets == BudgetScopes(unpriced=budgets.unpriced)

    async def reserve(self, caller: Caller, route: Route, request: ChatRequest, facts: Facts) -> Reservation:
        """Set aside, or raise RateLimitExceeded or BudgetExceeded with nothing taken."""
        own = self._budget_of(caller.key_id)
        if self._keys_only and own is None and not has_rate(caller.limits.tokens_per_minute):
            return _NOTHING
        asks = self._asks_of(caller, request.model, route)
        accounts = accounts_of(caller, facts.tags, own, self._budgets)
        if not asks and not accounts:
            return _NOTHING
        demand = demand_of(
            request,
            expected=self._expectation.p95(route.model),
            cap=self._output_cap(route),
        )
        asks = with_cost(asks, demand.prompt + demand.likely)
        admission = await self._limiter.admit(asks)
        facts.rate = rate_state(asks, admission.verdicts, facts.rate)
        if not admission.allowed:
            raise refusal(asks, admission.verdicts, _HELD_WAIT)
        held = Held(self, demand, asks, admission.marks, admission.lease)
        try:
            held.shares = await self._spend(accounts, route, demand, request.service_tier)
        except BaseException:
            held.give_back()
            raise
        return held

    def _asks_of(self, caller: Caller, asked: str, route: Route) -> tuple[Ask, ...]:
        """What a call has to pass, made once for a caller and a target."""
        name = (caller.key_id, asked, route.provider, route.model)
        known = self._asks.get(name)
        if known is not None and known[0] is caller:
            return known[1]
        if len(self._asks) >= _MAX_PREPARED:
            self._asks.clear()
        asks = call_asks(caller, (asked, f"{route.provider}/{route.model}"), self._limits)
        self._asks[name] = (caller, asks)
        return asks

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
        self, accounts: Sequence[tuple[str, Budget]], route: Route, demand: Demand, tier: str | None
    ) -> tuple[Share, ...]:
        if not accounts:
            return ()
        upper = self._most(route.provider, route.model, demand, tier)
        for target in route.alternatives:
            upper = max(upper, self._most(target.provider, target.model, demand, tier))
        mean = upper
        for _, budget in accounts:
            if budget.estimate == "mean":
                mean = min(upper, self._mean(route, demand, tier, upper))
        now = self._clock()
        outcome = await self._ledger.reserve(
            [BudgetAsk(account, budget, upper, mean) for account, budget in accounts], now
        )
        if isinstance(outcome, Refusal):
            raise _refused(outcome, now)
        return outcome

    def _output_cap(self, route: Route) -> int | None:
        """Of the target that writes most; None where nobody knows of one."""
        most = self._tariff.output_cap(route.provider, route.model)
        for target in route.alternatives:
            cap = self._tariff.output_cap(target.provider, target.model)
            most = None if most is None or cap is None else max(most, cap)
        return most

    def _mean(self, route: Route, demand: Demand, tier: str | None, otherwise: int) -> int:
        """Nano-dollars that such calls cost on average, as far as there were any."""
        average = self._expectation.mean(route.model)
        if average is None:
            return otherwise
        return _nano(self._tariff.price(route.provider, route.model, Usage(demand.prompt, average), tier))

    def _most(self, provider: str, model: str, demand: Demand, tier: str | None) -> int:
        """Nano-dollars that a call of this target can cost."""
        price = self._tariff.most(provider, model, demand.prompt_most, demand.most, tier)
        if price is None:
            count("budget_unpriced")
            if self._budgets.unpriced == "refuse":
                raise BudgetExceeded(f"The price of {model!r} is not known, and a budget holds here.")
        return _nano(price)


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


def accounts_of(
    caller: Caller, tags: Sequence[tuple[str, str]], own: Budget | None, scopes: BudgetScopes
) -> list[tuple[str, Budget]]:
    """The accounts that pay for a call: of the key (`own` is its budget), its tenant, its project and every tag."""
    budget = scopes.key if own is None else own
    found = [] if budget is None else [(f"key:{caller.account or caller.key_id}", budget)]
    if caller.tenant_id in scopes.tenants:
        found.append((f"tenant:{caller.tenant_id}", scopes.tenants[caller.tenant_id]))
    project = project_name(caller)
    if project in scopes.projects:
        found.append((f"project:{project}", scopes.projects[project]))
    if scopes.tags:
        for tag in dict.fromkeys((*caller.tags, *tags)):
            if tag in scopes.tags:
                found.append((f"tag:{tag[0]}={tag[1]}", scopes.tags[tag]))
    return found


def _nano(usd: float | None) -> int:
    """Rounded up, but for what is only the float's own error."""
    return 0 if usd is None else math.ceil(usd * NANO - 0.001)


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
