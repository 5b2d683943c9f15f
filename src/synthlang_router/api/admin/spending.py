"""`/admin/v1/budgets` and `/admin/v1/limits`: what everybody may spend and take, and where they stand now.

Both are set in the configuration file, and for a key with `PATCH /admin/v1/keys/{key_id}`; here they are read.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import msgspec

from synthlang_router.api.admin.action import Action, Actions, Call, Listed, Nothing, Paging, Reply, page_of
from synthlang_router.auth.administration import OpenedKeys, all_keys
from synthlang_router.auth.asks import LimitScopes, looks
from synthlang_router.auth.budgets import NANO, BudgetLedger, window_at
from synthlang_router.auth.holders import BudgetHolder, LimitHolder, budget_holders, limit_holders
from synthlang_router.auth.keys import ApiKey
from synthlang_router.auth.limits import SECOND, RateLimiter
from synthlang_router.auth.reserving import BudgetScopes
from synthlang_router.auth.terms import BudgetTerms, terms_of


class HoldersAsked(Paging, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`holder` is one account or bucket by its name (`key:ID`, `tenant:NAME`, `project:TENANT/NAME`, ...)."""

    holder: str | None = None
    tenant: str | None = None


class ShownBudget(msgspec.Struct, frozen=True):
    """US dollars; `remaining_usd` is what is neither spent nor set aside. Times are None where the window has no end."""

    holder: str
    budget: BudgetTerms
    spent_usd: float
    reserved_usd: float
    remaining_usd: float
    window_start: str | None
    window_moves: str | None


class ShownRate(msgspec.Struct, frozen=True):
    """`burst` units at once and `per_minute` in the long run; `remaining` now, full again in `resets_in` seconds."""

    per_minute: float
    burst: int
    remaining: int
    resets_in: float


class ShownLimits(msgspec.Struct, frozen=True):
    """None is no limit."""

    holder: str
    requests: ShownRate | None
    tokens: ShownRate | None
    concurrency: float | None


H = TypeVar("H", BudgetHolder, LimitHolder)


class Scopes(Protocol):
    """The limits and budgets in force."""

    @property
    def limit_scopes(self) -> LimitScopes: ...

    @property
    def budget_scopes(self) -> BudgetScopes: ...


class Spending:
    """Where keys, tenants, projects, models and tags stand. `clock` is seconds since the epoch."""

    def __init__(
        self,
        keys: OpenedKeys,
        scopes: Scopes,
        *,
        ledger: BudgetLedger,
        limiter: RateLimiter,
        clock: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._scopes = scopes
        self._ledger = ledger
        self._limiter = limiter
        self._clock = clock

    def actions(self) -> Actions:
        return (
            Action(
                "GET", "/budgets", "read-only", "budgets.list", "Where budgets stand", self.budgets,
                query=HoldersAsked, gives=Listed[ShownBudget],
            ),
            Action(
                "GET", "/limits", "read-only", "limits.list", "Where limits stand", self.limits,
                query=HoldersAsked, gives=Listed[ShownLimits],
            ),
        )  # fmt: skip

    async def budgets(self, call: Call[HoldersAsked, Nothing]) -> Reply:
        return await _page(
            call, budget_holders(self._scopes.budget_scopes, await self._valid_keys()), self._budget
        )

    async def limits(self, call: Call[HoldersAsked, Nothing]) -> Reply:
        return await _page(
            call, limit_holders(self._scopes.limit_scopes, await self._valid_keys()), self._limits
        )

    async def _valid_keys(self) -> Sequence[ApiKey]:
        now = self._clock()
        return [key for key in await all_keys(self._keys) if key.valid_at(now)]

    async def _budget(self, holder: BudgetHolder) -> ShownBudget:
        now = self._clock()
        budget = holder.budget
        balance = await self._ledger.balance(holder.name, budget, now)
        window = window_at(budget, now)
        return ShownBudget(
            holder=holder.name,
            budget=terms_of(budget),
            spent_usd=balance.spent / NANO,
            reserved_usd=balance.reserved / NANO,
            remaining_usd=max(0, budget.nano - balance.spent - balance.reserved) / NANO,
            window_start=_moment(window.since) if window.until != math.inf else None,
            window_moves=_moment(window.until) if window.until != math.inf else None,
        )

    async def _limits(self, holder: LimitHolder) -> ShownLimits:
        asks = looks(holder.name, holder.limits)
        admission = await self._limiter.admit(asks)
        rates = {
            ask.unit: ShownRate(
                60 * SECOND / ask.rate.interval, ask.rate.burst, verdict.remaining, verdict.reset / SECOND
            )
            for ask, verdict in zip(asks, admission.verdicts, strict=True)
            if ask.rate is not None
        }
        slots = holder.limits.concurrency
        return ShownLimits(
            holder=holder.name,
            requests=rates.get("requests"),
            tokens=rates.get("tokens"),
            concurrency=None if slots is None or slots == math.inf else slots,
        )


async def _page(
    call: Call[HoldersAsked, Nothing],
    holders: Sequence[H],
    show: Callable[[H], Awaitable[ShownBudget | ShownLimits]],
) -> Reply:
    """What several tenants share is an admin's to see."""
    query = call.query
    asked = [
        holder
        for holder in holders
        if call.tenant in (None, holder.tenant)
        and query.tenant in (None, holder.tenant)
        and query.holder in (None, holder.name)
    ]
    page = page_of(asked, lambda holder: holder.name, query)
    shown = tuple([await show(holder) for holder in page.data])
    return Reply(Listed(data=shown, has_more=page.has_more, next=page.next))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
