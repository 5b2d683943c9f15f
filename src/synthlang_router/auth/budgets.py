"""Money: a budget, its window, and the rule that lets a request spend from it. Pure.

An upper bound is set aside before the call and replaced by the truth after it, so that requests under way together
can never spend more than there is. Amounts are whole nano-dollars: sums are exact.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

import msgspec

from synthlang_router.errors import ConfigurationError

NANO: Final = 1_000_000_000
DAY: Final = 86_400
Period = Literal["day", "week", "month", "total"]
_ROLLING: Final[dict[str, tuple[int, int]]] = {
    "day": (DAY, 3_600),
    "week": (7 * DAY, 6 * 3_600),
    "month": (30 * DAY, DAY),
}
"""Seconds of a rolling window, and of the slots its spending is kept in."""


class Budget(msgspec.Struct, frozen=True):
    """`usd` to spend per calendar period in UTC or, `rolling`, in the time before now.

    `hard` False only warns. `estimate`: `mean` sets aside what such requests cost on average, which uses the budget
    better and may overspend by what is under way; it is `upper` again once less than `careful` of the budget is left.
    `alerts` are shares of it, each told once a window.
    """

    usd: float
    per: Period = "month"
    rolling: bool = False
    hard: bool = True
    estimate: Literal["upper", "mean"] = "upper"
    careful: float = 0.1
    alerts: tuple[float, ...] = ()

    def check(self) -> None:
        """Raises ConfigurationError for what could not be meant."""
        if not 0 < self.usd < math.inf:
            raise ConfigurationError("A budget is a number of US dollars over 0.")
        if self.rolling and self.per == "total":
            raise ConfigurationError("A total budget has no window that could roll.")
        if not 0 <= self.careful <= 1 or not all(0 < share <= 1 for share in self.alerts):
            raise ConfigurationError("Shares of a budget lie between 0 and 1.")

    @property
    def nano(self) -> int:
        return math.floor(self.usd * NANO)


class Window(msgspec.Struct, frozen=True, gc=False):
    """Seconds since the epoch: the slot that is spent into now, the first that counts, and when money comes free."""

    slot: int
    since: int
    until: float


def window_at(budget: Budget, now: float) -> Window:
    """The window of a budget. A rolling one counts its oldest slot whole: never too little."""
    if budget.per == "total":
        return Window(0, 0, math.inf)
    if budget.rolling:
        length, step = _ROLLING[budget.per]
        slot = math.floor(now / step) * step
        return Window(slot, math.floor((now - length) / step) * step, slot + step)
    midnight = datetime.fromtimestamp(math.floor(now), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if budget.per == "day":
        start, end = midnight, midnight + timedelta(days=1)
    elif budget.per == "week":
        start = midnight - timedelta(days=midnight.weekday())
        end = start + timedelta(days=7)
    else:
        start = midnight.replace(day=1)
        end = (start + timedelta(days=32)).replace(day=1)
    return Window(int(start.timestamp()), int(start.timestamp()), end.timestamp())


def slot_of(budget: Budget, moment: float) -> int:
    """The slot that spending at this moment falls into."""
    return window_at(budget, moment).slot


class Windows:
    """Windows as `window_at` gives them, kept while they last: computing one takes 2 us, twice a request."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[Period, bool], Window] = {}

    def at(self, budget: Budget, now: float) -> Window:
        kind = (budget.per, budget.rolling)
        window = self._known.get(kind)
        if window is None or not window.slot <= now < window.until:
            window = self._known[kind] = window_at(budget, now)
        return window


class BudgetAsk(msgspec.Struct, frozen=True, gc=False):
    """Money a request may need from one account: at most, and on average, in nano-dollars."""

    account: str
    budget: Budget
    upper: int
    mean: int


class Share(msgspec.Struct, frozen=True, gc=False):
    """What one account set aside, and the slot it will be spent in."""

    account: str
    budget: Budget
    slot: int
    amount: int


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """`spent` says that the money is gone; else requests under way hold it. `until` is when the window moves on."""

    account: str
    budget: Budget
    spent: bool
    until: float


def amount_for(ask: BudgetAsk, spent: int, reserved: int) -> tuple[int, bool]:
    """What to set aside, and whether that may be. Nothing costs nothing, however much was spent."""
    limit = ask.budget.nano
    left = limit - spent - reserved
    careful = ask.budget.estimate == "upper" or left < ask.budget.careful * limit
    amount = ask.upper if careful else ask.mean
    return amount, amount <= left or not ask.budget.hard or amount == 0


class BudgetAlert(msgspec.Struct, frozen=True):
    """A share of a budget has been spent."""

    account: str
    share: float
    spent_usd: float
    budget_usd: float
    window: int


def alerts_between(account: str, budget: Budget, before: int, after: int, slot: int) -> list[BudgetAlert]:
    """The alerts due as spending in the window went from `before` to `after`."""
    if not budget.alerts or before == after:
        return []
    limit = budget.nano
    return [
        BudgetAlert(account, share, after / NANO, budget.usd, slot)
        for share in sorted(budget.alerts)
        if before < share * limit <= after
    ]


class Balance(msgspec.Struct, frozen=True):
    """What an account has spent in its window and has set aside, in nano-dollars."""

    spent: int
    reserved: int


History = Callable[[str, float], Awaitable[Mapping[int, int] | None]]
"""What the record says that an account has spent since a moment: nano-dollars by the hour (seconds since the epoch) it
began in. None where the record does not know."""


class BudgetLedger(Protocol):
    """Where spending is kept. Raises BackendError when it is not to be had, but for `settle`."""

    async def reserve(self, asks: Sequence[BudgetAsk], now: float) -> tuple[Share, ...] | Refusal:
        """Set aside from all accounts or from none."""
        ...

    def settle(self, shares: Sequence[Share], cost: int, now: float) -> list[BudgetAlert]:
        """Replace what was set aside by what it cost, once; the alerts that became due. Never raises or waits."""
        ...

    async def balance(self, account: str, budget: Budget, now: float) -> Balance: ...
