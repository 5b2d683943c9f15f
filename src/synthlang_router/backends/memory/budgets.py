"""Spending in this process. What is there is looked at and changed without a suspension, so that each step is atomic."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from synthlang_router.auth.budgets import (
    Balance,
    Budget,
    BudgetAlert,
    BudgetAsk,
    History,
    Period,
    Refusal,
    Share,
    Window,
    Windows,
    alerts_between,
    amount_for,
    slot_of,
)


async def no_history(account: str, since: float) -> Mapping[int, int] | None:
    """The history of a ledger without a record beside it."""
    return None


class Account:
    """Nano-dollars by slot: spent, set aside for calls under way, and set aside by a process that died.

    `kind` is the window it keeps its slots for, None before it was begun.
    """

    __slots__ = ("kind", "lost", "reserved", "spent")

    def __init__(self) -> None:
        self.spent: dict[int, int] = {}
        self.reserved: dict[int, int] = {}
        self.lost: dict[int, int] = {}
        self.kind: tuple[Period, bool] | None = None

    def begin(self, budget: Budget, told: Mapping[int, int] | None) -> None:
        """Start to keep a budget's windows, from what the record tells of its hours; where that is silent, what a
        dead process had set aside counts as spent."""
        self.kind = (budget.per, budget.rolling)
        spent = Counter(self.spent)
        if told is None:
            spent.update(self.lost)
        else:
            recorded: Counter[int] = Counter()
            for hour, nano in told.items():
                recorded[slot_of(budget, hour)] += nano
            own = {slot: nano for slot, nano in spent.items() if slot_of(budget, slot) == slot}
            spent = Counter(own) | recorded  # the larger of both
        self.spent = dict(spent)
        self.lost = {}

    def spent_in(self, window: Window) -> int:
        since, spent = window.since, 0
        for slot, amount in self.spent.items():
            if slot >= since:
                spent += amount
        return spent

    def reserved_now(self) -> int:
        return sum(self.reserved.values()) if self.reserved else 0


class MemoryBudgetLedger:
    """Accounts are as many as there are budgets; slots out of their window are dropped as new ones open.

    An account is begun when it is first asked for, with what `history` tells of it.
    """

    def __init__(self, history: History = no_history) -> None:
        self.accounts: dict[str, Account] = {}
        self._windows = Windows()
        self._history = history
        self._beginning = asyncio.Lock()

    async def reserve(self, asks: Sequence[BudgetAsk], now: float) -> tuple[Share, ...] | Refusal:
        for ask in asks:
            account = self.account(ask.account)
            if account.kind is None or account.kind != (ask.budget.per, ask.budget.rolling):
                await self._begin(ask.account, ask.budget, now)
        shares: list[Share] = []
        for ask in asks:
            window = self._windows.at(ask.budget, now)
            account = self.accounts[ask.account]
            spent, reserved = account.spent_in(window), account.reserved_now()
            amount, allowed = amount_for(ask, spent, reserved)
            if not allowed:
                return Refusal(ask.account, ask.budget, spent + amount > ask.budget.nano, window.until)
            shares.append(Share(ask.account, ask.budget, window.slot, amount))
        for share in shares:
            held = self.accounts[share.account].reserved
            held[share.slot] = held.get(share.slot, 0) + share.amount
        return tuple(shares)

    def settle(self, shares: Sequence[Share], cost: int, now: float) -> list[BudgetAlert]:
        alerts: list[BudgetAlert] = []
        for share in shares:
            account = self.account(share.account)
            window = self._windows.at(share.budget, now)
            left = account.reserved.pop(share.slot, 0) - share.amount
            if left > 0:
                account.reserved[share.slot] = left
            if cost:
                before = account.spent_in(window)
                self._spend(account, share.slot, cost, window)
                after = account.spent_in(window)
                alerts += alerts_between(share.account, share.budget, before, after, window.slot)
        return alerts

    async def balance(self, account: str, budget: Budget, now: float) -> Balance:
        await self._begin(account, budget, now)
        held = self.accounts[account]
        return Balance(held.spent_in(self._windows.at(budget, now)), held.reserved_now())

    def account(self, name: str) -> Account:
        """It is made where it is missing, and begun by whoever asks it for money."""
        account = self.accounts.get(name)
        if account is None:
            account = self.accounts[name] = Account()
        return account

    async def _begin(self, name: str, budget: Budget, now: float) -> None:
        account, kind = self.account(name), (budget.per, budget.rolling)
        if account.kind == kind:
            return
        async with self._beginning:
            if account.kind != kind:
                account.begin(budget, await self._history(name, self._windows.at(budget, now).since))

    def _spend(self, account: Account, slot: int, cost: int, window: Window) -> None:
        if slot not in account.spent:
            for old in [old for old in account.spent if old < window.since]:
                del account.spent[old]
        account.spent[slot] = account.spent.get(slot, 0) + cost
