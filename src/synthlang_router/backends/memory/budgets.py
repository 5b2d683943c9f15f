"""Spending in this process. Methods run without a suspension, so each is atomic under asyncio."""

from __future__ import annotations

from collections.abc import Sequence

from synthlang_router.auth.budgets import (
    Balance,
    Budget,
    BudgetAlert,
    BudgetAsk,
    Refusal,
    Share,
    Window,
    Windows,
    alerts_between,
    amount_for,
)


class Account:
    """Nano-dollars by slot: spent, and set aside for calls under way."""

    __slots__ = ("reserved", "spent")

    def __init__(self) -> None:
        self.spent: dict[int, int] = {}
        self.reserved: dict[int, int] = {}

    def spent_in(self, window: Window) -> int:
        return sum([amount for slot, amount in self.spent.items() if slot >= window.since])

    def reserved_now(self) -> int:
        return sum(self.reserved.values())


class MemoryBudgetLedger:
    """Accounts are as many as there are budgets; slots out of their window are dropped as new ones open."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self._windows = Windows()

    async def reserve(self, asks: Sequence[BudgetAsk], now: float) -> tuple[Share, ...] | Refusal:
        shares: list[Share] = []
        for ask in asks:
            window = self._windows.at(ask.budget, now)
            account = self.accounts.get(ask.account)
            spent = 0 if account is None else account.spent_in(window)
            reserved = 0 if account is None else account.reserved_now()
            amount, allowed = amount_for(ask, spent, reserved)
            if not allowed:
                return Refusal(ask.account, ask.budget, spent + amount > ask.budget.nano, window.until)
            shares.append(Share(ask.account, ask.budget, window.slot, amount))
        for share in shares:
            held = self._account(share.account).reserved
            held[share.slot] = held.get(share.slot, 0) + share.amount
        return tuple(shares)

    def settle(self, shares: Sequence[Share], cost: int, now: float) -> list[BudgetAlert]:
        alerts: list[BudgetAlert] = []
        for share in shares:
            account = self._account(share.account)
            window = self._windows.at(share.budget, now)
            left = account.reserved.pop(share.slot, 0) - share.amount
            if left > 0:
                account.reserved[share.slot] = left
            before = account.spent_in(window)
            if cost:
                self._spend(account, share.slot, cost, window)
            alerts += alerts_between(
                share.account, share.budget, before, account.spent_in(window), window.slot
            )
        return alerts

    async def balance(self, account: str, budget: Budget, now: float) -> Balance:
        held = self.accounts.get(account)
        if held is None:
            return Balance(0, 0)
        return Balance(held.spent_in(self._windows.at(budget, now)), held.reserved_now())

    def _spend(self, account: Account, slot: int, cost: int, window: Window) -> None:
        if slot not in account.spent:
            for old in [old for old in account.spent if old < window.since]:
                del account.spent[old]
        account.spent[slot] = account.spent.get(slot, 0) + cost

    def _account(self, name: str) -> Account:
        account = self.accounts.get(name)
        if account is None:
            account = self.accounts[name] = Account()
        return account
