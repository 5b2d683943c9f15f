"""Spending that outlives the process: the memory ledger, written to a SQLite file a few times a second.

What was spent and what calls under way have set aside are written apart. After a kill the record says what the cut
calls cost; where it cannot, what they had set aside counts as spent, and at most `FLUSH_EVERY` seconds of new
reservations are forgotten. The file belongs to one gateway; others may read it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final

from synthlang_router.auth.budgets import Balance, Budget, BudgetAlert, BudgetAsk, History, Refusal, Share
from synthlang_router.backends.memory.budgets import Account, MemoryBudgetLedger, no_history
from synthlang_router.backends.sqlite.database import Database
from synthlang_router.errors import BackendError
from synthlang_router.telemetry import count

FLUSH_EVERY: Final = 0.2
KEEP_SECONDS: Final = 40 * 86_400
"""No window is longer; slot 0 holds what counts for ever."""

MIGRATIONS: Final = (
    (
        """
        CREATE TABLE budget_spending (
            account TEXT NOT NULL,
            slot INTEGER NOT NULL,
            nano INTEGER NOT NULL,
            PRIMARY KEY (account, slot)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    ("ALTER TABLE budget_spending ADD COLUMN held INTEGER NOT NULL DEFAULT 0",),
)
"""`nano` was spent, `held` is set aside. Before `held` there was, it was part of `nano`."""
_WRITE: Final = "INSERT OR REPLACE INTO budget_spending (account, slot, nano, held) VALUES (?, ?, ?, ?)"


class SqliteBudgetLedger:
    """`async with SqliteBudgetLedger(path) as ledger`; run `ledger.watch()` in a task of its own."""

    def __init__(self, path: Path, history: History = no_history) -> None:
        self._database = Database(path, concern="budgets", migrations=MIGRATIONS)
        self._memory = MemoryBudgetLedger(history)
        self._changed: set[str] = set()

    async def __aenter__(self) -> SqliteBudgetLedger:
        await self._database.open()
        for name, slot, nano, held in await self._database.write(_load):
            account = self._memory.account(name)
            account.spent[slot] = nano
            if held:
                account.lost[slot] = held
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.flush()
        finally:
            await self._database.close()

    @property
    def slots(self) -> int:
        """Slots of spending held, over all accounts."""
        return sum([len(account.spent) for account in self._memory.accounts.values()])

    async def reserve(self, asks: Sequence[BudgetAsk], now: float) -> tuple[Share, ...] | Refusal:
        outcome = await self._memory.reserve(asks, now)
        if not isinstance(outcome, Refusal):
            self._changed.update([share.account for share in outcome])
        return outcome

    def settle(self, shares: Sequence[Share], cost: int, now: float) -> list[BudgetAlert]:
        self._changed.update([share.account for share in shares])
        return self._memory.settle(shares, cost, now)

    async def balance(self, account: str, budget: Budget, now: float) -> Balance:
        return await self._memory.balance(account, budget, now)

    async def watch(self) -> None:
        """Write for ever; while the database is not to be had, what has changed waits here."""
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            try:
                await self.flush()
            except BackendError:
                count("budget_store_unavailable")

    async def flush(self) -> None:
        """Write what has changed. Raises BackendError and forgets nothing."""
        changed, self._changed = self._changed, set()
        if not changed:
            return
        rows = [row for name in changed for row in _rows(name, self._memory.accounts[name])]
        try:
            await self._database.write(partial(_save, sorted(changed), rows))
        except BaseException:  # a cancelled flush may not have been written either
            self._changed |= changed
            raise


def _rows(name: str, account: Account) -> list[tuple[str, int, int, int]]:
    slots = account.spent.keys() | account.reserved.keys() | account.lost.keys()
    return [
        (
            name,
            slot,
            account.spent.get(slot, 0),
            account.reserved.get(slot, 0) + account.lost.get(slot, 0),
        )
        for slot in slots
    ]


def _save(names: list[str], rows: list[tuple[str, int, int, int]], connection: sqlite3.Connection) -> None:
    connection.executemany("DELETE FROM budget_spending WHERE account = ?", [(name,) for name in names])
    connection.executemany(_WRITE, rows)


def _load(connection: sqlite3.Connection) -> list[tuple[str, int, int, int]]:
    newest = connection.execute("SELECT max(slot) FROM budget_spending").fetchone()[0] or 0
    connection.execute("DELETE FROM budget_spending WHERE slot > 0 AND slot < ?", (newest - KEEP_SECONDS,))
    return connection.execute("SELECT account, slot, nano, held FROM budget_spending").fetchall()
