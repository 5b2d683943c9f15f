"""What every `BudgetLedger` promises."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.auth import Budget, BudgetLedger
from synthlang_router.auth.budgets import NANO, Balance, BudgetAsk, Refusal, Share, window_at
from synthlang_router.backends.memory.budgets import MemoryBudgetLedger
from synthlang_router.backends.sqlite.budgets import SqliteBudgetLedger
from synthlang_router.errors import BackendError

NOW = 1_900_000_000.0
DAY = 86_400
MONTHLY = Budget(1.0)


@asynccontextmanager
async def memory(folder: Path) -> AsyncIterator[BudgetLedger]:
    yield MemoryBudgetLedger()


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[BudgetLedger]:
    async with SqliteBudgetLedger(folder / "budgets.db") as ledger:
        yield ledger


Open = Callable[[Path], AbstractAsyncContextManager[BudgetLedger]]
IMPLEMENTATIONS: tuple[Open, ...] = (memory, sqlite)


@pytest.fixture(params=IMPLEMENTATIONS)
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BudgetLedger]:
    async with request.param(tmp_path) as opened:
        yield opened


def ask(amount: int, account: str = "a", budget: Budget = MONTHLY) -> BudgetAsk:
    return BudgetAsk(account, budget, amount, amount)


async def reserved(ledger: BudgetLedger, *asks: BudgetAsk, now: float = NOW) -> tuple[Share, ...]:
    shares = await ledger.reserve(asks, now)
    assert not isinstance(shares, Refusal)
    return shares


async def test_what_is_set_aside_is_not_there_for_others_and_the_rest_comes_back(
    ledger: BudgetLedger,
) -> None:
    shares = await reserved(ledger, ask(NANO))

    refused = await ledger.reserve([ask(1)], NOW)
    ledger.settle(shares, NANO // 4, NOW)

    assert isinstance(refused, Refusal)
    assert not refused.spent
    assert await ledger.balance("a", MONTHLY, NOW) == Balance(NANO // 4, 0)
    await reserved(ledger, ask(NANO * 3 // 4))


async def test_spent_money_is_refused_as_spent_with_the_end_of_its_window(ledger: BudgetLedger) -> None:
    ledger.settle(await reserved(ledger, ask(NANO)), NANO, NOW)

    refused = await ledger.reserve([ask(1)], NOW)

    assert isinstance(refused, Refusal)
    assert refused.spent
    assert NOW < refused.until <= NOW + 31 * DAY


async def test_all_accounts_or_none(ledger: BudgetLedger) -> None:
    ledger.settle(await reserved(ledger, ask(NANO, "poor")), NANO, NOW)

    refused = await ledger.reserve([ask(5, "rich"), ask(5, "poor")], NOW)

    assert isinstance(refused, Refusal)
    assert refused.account == "poor"
    assert await ledger.balance("rich", MONTHLY, NOW) == Balance(0, 0)


async def test_a_hundred_at_the_last_cent_overspend_nothing(ledger: BudgetLedger) -> None:
    cent = NANO // 100
    ledger.settle(await reserved(ledger, ask(NANO - cent)), NANO - cent, NOW)

    async def one() -> int:
        shares = await ledger.reserve([ask(cent)], NOW)
        if isinstance(shares, Refusal):
            return 0
        await asyncio.sleep(0)
        ledger.settle(shares, cent, NOW)
        return cent

    spent = sum(await asyncio.gather(*(one() for _ in range(100))))

    assert spent == cent
    assert await ledger.balance("a", MONTHLY, NOW) == Balance(NANO, 0)


@pytest.mark.parametrize("careful", [0.0, 0.1, 0.5])
async def test_the_mean_overspends_by_no_more_than_what_is_under_way_and_not_at_all_once_careful(
    ledger: BudgetLedger, careful: float
) -> None:
    budget = Budget(1.0, estimate="mean", careful=careful)
    upper, mean = NANO // 5, NANO // 50
    held: list[tuple[Share, ...]] = []
    while True:
        shares = await ledger.reserve([BudgetAsk("a", budget, upper, mean)], NOW)
        if isinstance(shares, Refusal):
            break
        held.append(shares)

    for shares in held:
        ledger.settle(shares, upper, NOW)

    spent = (await ledger.balance("a", budget, NOW)).spent
    at_the_mean = [shares for shares in held if shares[0].amount == mean]
    assert spent - NANO <= len(at_the_mean) * (upper - mean)
    assert len(at_the_mean) * mean <= NANO * (1 - careful) + mean
    assert isinstance(await ledger.reserve([BudgetAsk("a", budget, upper, mean)], NOW), Refusal)


async def test_a_new_window_is_a_new_budget(ledger: BudgetLedger) -> None:
    ledger.settle(await reserved(ledger, ask(NANO)), NANO, NOW)
    refused = await ledger.reserve([ask(1)], NOW)
    assert isinstance(refused, Refusal)

    assert isinstance(await ledger.reserve([ask(1)], refused.until - 1), Refusal)
    await reserved(ledger, ask(NANO), now=refused.until)


async def test_a_call_that_ends_in_the_next_window_is_paid_from_the_one_it_began_in(
    ledger: BudgetLedger,
) -> None:
    shares = await reserved(ledger, ask(NANO))
    later = NOW + 32 * DAY

    ledger.settle(shares, NANO, later)

    assert await ledger.balance("a", MONTHLY, later) == Balance(0, 0)


async def test_a_rolling_window_frees_money_as_it_moves(ledger: BudgetLedger) -> None:
    rolling = Budget(1.0, per="day", rolling=True)
    ledger.settle(await reserved(ledger, ask(NANO, budget=rolling)), NANO, NOW)

    assert isinstance(await ledger.reserve([ask(1, budget=rolling)], NOW + DAY - 1), Refusal)
    await reserved(ledger, ask(NANO, budget=rolling), now=NOW + DAY + 3_600)


async def test_a_total_stays_spent(ledger: BudgetLedger) -> None:
    total = Budget(1.0, per="total")
    ledger.settle(await reserved(ledger, ask(NANO, budget=total)), NANO, NOW)

    refused = await ledger.reserve([ask(1, budget=total)], NOW + 10_000 * DAY)

    assert isinstance(refused, Refusal)


async def test_alerts_come_as_money_is_spent_and_once(ledger: BudgetLedger) -> None:
    watched = Budget(1.0, alerts=(0.5, 1.0))

    alerts = [
        ledger.settle(await reserved(ledger, ask(NANO // 4, budget=watched)), NANO // 4, NOW)
        for _ in range(4)
    ]

    assert [[alert.share for alert in due] for due in alerts] == [[], [0.5], [], [1.0]]
    assert alerts[1][0].spent_usd == 0.5


async def test_a_soft_budget_only_warns(ledger: BudgetLedger) -> None:
    soft = Budget(1.0, hard=False, alerts=(1.0,))

    due = [ledger.settle(await reserved(ledger, ask(NANO * 2, budget=soft)), NANO * 2, NOW) for _ in range(2)]

    assert [len(alerts) for alerts in due] == [1, 0]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "settle", "cancel", "wait"]),
        st.integers(0, 40),
        st.integers(0, NANO // 2),
    ),
    max_size=40,
)


async def drive(ledger: BudgetLedger, steps: list[tuple[str, int, int]]) -> None:
    now, under_way, rolling = NOW, [], Budget(1.0, per="day", rolling=True)
    for what, which, amount in steps:
        if what == "wait":
            now += which * 3_600
        elif what == "reserve":
            shares = await ledger.reserve([ask(amount, "a"), ask(amount, "b", rolling)], now)
            if not isinstance(shares, Refusal):
                under_way.append((shares, amount))
        elif under_way:
            shares, most = under_way.pop(which % len(under_way))
            ledger.settle(shares, 0 if what == "cancel" else amount % (most + 1), now)
        for account, budget in (("a", MONTHLY), ("b", rolling)):
            balance = await ledger.balance(account, budget, now)
            assert balance.spent >= 0
            assert balance.reserved == sum(most for _, most in under_way)
            assert balance.spent + balance.reserved <= NANO


@pytest.mark.parametrize("open_ledger", IMPLEMENTATIONS)
@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_any_interleaving_keeps_every_counter_between_nothing_and_its_bound(
    open_ledger: Open, steps: list[tuple[str, int, int]]
) -> None:
    async def run() -> None:
        with TemporaryDirectory() as folder:
            async with open_ledger(Path(folder)) as ledger:
                await drive(ledger, steps)

    asyncio.run(run())


class World:
    """A gateway that may die at any moment, and the record beside it: what was spent, by account and hour."""

    ACCOUNTS = (("a", MONTHLY), ("b", Budget(1.0, per="day", rolling=True)), ("c", Budget(1.0, per="total")))

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = NOW
        self.record: dict[str, Counter[int]] = {name: Counter() for name, _ in self.ACCOUNTS}
        self.under_way: list[tuple[tuple[Share, ...], int, float]] = []
        self.ledger = SqliteBudgetLedger(path, self.history)

    async def history(self, account: str, since: float) -> Mapping[int, int]:
        return {hour: nano for hour, nano in self.record[account].items() if hour >= since}

    async def step(self, what: str, which: int, amount: int) -> None:
        if what == "wait":
            self.now += which * 3_600
        elif what == "flush":
            await self.ledger.flush()
        elif what == "crash":
            await self.crash()
        elif what == "reserve":
            asks = [ask(amount, name, budget) for name, budget in self.ACCOUNTS]
            shares = await self.ledger.reserve(asks, self.now)
            if not isinstance(shares, Refusal):
                self.under_way.append((shares, amount, self.now))
        elif self.under_way:
            shares, most, began = self.under_way.pop(which % len(self.under_way))
            cost = 0 if what == "cancel" else amount % (most + 1)
            self.ledger.settle(shares, cost, self.now)
            self.write(cost, began)

    def write(self, cost: int, began: float) -> None:
        """A row of the record."""
        for spent in self.record.values():
            spent[int(began // 3_600) * 3_600] += cost

    async def crash(self) -> None:
        """Nothing more is written; what was under way becomes lost rows, with an estimate below the upper bound."""
        await self.ledger._database.close()
        for _, most, began in self.under_way:
            self.write(most // 2, began)
        self.under_way.clear()
        self.ledger = await SqliteBudgetLedger(self.path, self.history).__aenter__()

    async def check(self) -> None:
        held = sum(most for _, most, _ in self.under_way)
        for name, budget in self.ACCOUNTS:
            since = window_at(budget, self.now).since
            spent = sum(nano for hour, nano in self.record[name].items() if hour >= since)
            assert await self.ledger.balance(name, budget, self.now) == Balance(spent, held)
            assert spent + held <= NANO


LIVES = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "reserve", "settle", "cancel", "wait", "flush", "crash"]),
        st.integers(0, 40),
        st.integers(0, NANO // 2),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(LIVES)
def test_whatever_dies_between_the_ledger_says_what_the_record_says(
    lives: list[tuple[str, int, int]],
) -> None:
    async def run() -> None:
        with TemporaryDirectory() as folder:
            world = World(Path(folder) / "budgets.db")
            await world.ledger.__aenter__()
            for what, which, amount in lives:
                await world.step(what, which, amount)
                await world.check()
            await world.ledger.__aexit__(None, None, None)

    asyncio.run(run())


async def test_without_a_record_a_crash_counts_what_was_set_aside_and_never_less_than_was_written(
    tmp_path: Path,
) -> None:
    killed = await SqliteBudgetLedger(tmp_path / "budgets.db").__aenter__()
    killed.settle(await reserved(killed, ask(100)), 60, NOW)
    await reserved(killed, ask(1_000))
    await killed.flush()
    await killed._database.close()

    async with sqlite(tmp_path) as again:
        assert await again.balance("a", MONTHLY, NOW) == Balance(1_060, 0)
    async with sqlite(tmp_path) as later:
        assert await later.balance("a", MONTHLY, NOW) == Balance(1_060, 0)


async def test_an_account_whose_window_changes_counts_what_the_record_has_in_the_new_one(
    ledger: BudgetLedger,
) -> None:
    daily, rolling = Budget(1.0, per="day"), Budget(1.0, per="week", rolling=True)
    ledger.settle(await reserved(ledger, ask(100, budget=daily)), 100, NOW)

    assert await ledger.balance("a", MONTHLY, NOW) == Balance(100, 0)
    assert await ledger.balance("a", rolling, NOW) == Balance(100, 0)


async def test_a_new_account_begins_with_what_the_record_has_and_asks_it_once() -> None:
    asked: list[tuple[str, float]] = []

    async def history(account: str, since: float) -> Mapping[int, int] | None:
        asked.append((account, since))
        await asyncio.sleep(0)
        return {int(NOW // 3_600) * 3_600: NANO // 2}

    ledger = MemoryBudgetLedger(history)

    outcomes = await asyncio.gather(*(ledger.reserve([ask(NANO // 4)], NOW) for _ in range(5)))

    assert len([one for one in outcomes if not isinstance(one, Refusal)]) == 2
    assert asked == [("a", window_at(MONTHLY, NOW).since)]


async def test_spending_outlives_a_restart(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as ledger:
        ledger.settle(await reserved(ledger, ask(NANO)), 123, NOW)
        ledger.settle(await reserved(ledger, ask(5, "total", Budget(1, per="total"))), 5, NOW)

    async with sqlite(tmp_path) as again:
        assert await again.balance("a", MONTHLY, NOW) == Balance(123, 0)
        assert await again.balance("total", Budget(1, per="total"), NOW) == Balance(5, 0)


async def test_after_a_kill_what_was_under_way_counts_as_spent(tmp_path: Path) -> None:
    async with SqliteBudgetLedger(tmp_path / "budgets.db") as killed:
        killed.settle(await reserved(killed, ask(100)), 60, NOW)
        shares = await reserved(killed, ask(1_000))
        await killed.flush()

        async with SqliteBudgetLedger(tmp_path / "budgets.db") as survivor:
            seen = await survivor.balance("a", MONTHLY, NOW)

        killed.settle(shares, 10, NOW)
    async with SqliteBudgetLedger(tmp_path / "budgets.db") as later:
        assert seen == Balance(1_060, 0)
        assert await later.balance("a", MONTHLY, NOW) == Balance(70, 0)


async def test_the_watcher_writes_and_a_cancelled_write_is_not_forgotten(tmp_path: Path) -> None:
    async with SqliteBudgetLedger(tmp_path / "budgets.db") as ledger:
        ledger.settle(await reserved(ledger, ask(100)), 60, NOW)
        watcher = asyncio.create_task(ledger.watch())
        async with SqliteBudgetLedger(tmp_path / "budgets.db") as other:
            seen = await other.balance("a", MONTHLY, NOW)
        while seen.spent != 60:
            await asyncio.sleep(0.02)
            async with SqliteBudgetLedger(tmp_path / "budgets.db") as other:
                seen = await other.balance("a", MONTHLY, NOW)
        watcher.cancel()
        ledger.settle(await reserved(ledger, ask(100)), 1, NOW)
        flush = asyncio.create_task(ledger.flush())
        await asyncio.sleep(0)
        flush.cancel()
        await asyncio.wait((flush,))

    async with SqliteBudgetLedger(tmp_path / "budgets.db") as again:
        assert await again.balance("a", MONTHLY, NOW) == Balance(61, 0)


async def test_a_database_that_is_gone_keeps_counting_in_memory(tmp_path: Path) -> None:
    ledger = SqliteBudgetLedger(tmp_path / "budgets.db")
    ledger.settle(await reserved(ledger, ask(100)), 60, NOW)

    with pytest.raises(BackendError):
        await ledger.flush()

    assert await ledger.balance("a", MONTHLY, NOW) == Balance(60, 0)


async def test_slots_of_long_ago_are_not_kept(tmp_path: Path) -> None:
    daily = Budget(1.0, per="day")
    async with sqlite(tmp_path) as ledger:
        for day in range(100):
            now = NOW + day * DAY
            ledger.settle(await reserved(ledger, ask(5, "a", daily), now=now), 5, now)
    async with SqliteBudgetLedger(tmp_path / "budgets.db") as again:
        assert await again.balance("a", daily, NOW + 99 * DAY) == Balance(5, 0)
        assert again.slots <= 2
