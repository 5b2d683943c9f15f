"""Money: windows, and the rule of setting aside."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.auth.budgets import (
    NANO,
    Budget,
    BudgetAsk,
    Period,
    Windows,
    alerts_between,
    amount_for,
    window_at,
)
from synthlang_router.errors import ConfigurationError

NOON = datetime(2028, 2, 29, 12, 30, tzinfo=UTC).timestamp()
"""A Tuesday in a leap year."""


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="minutes")[:16]


@pytest.mark.parametrize(
    ("per", "start", "end"),
    [
        ("day", "2028-02-29 00:00", "2028-03-01 00:00"),
        ("week", "2028-02-28 00:00", "2028-03-06 00:00"),
        ("month", "2028-02-01 00:00", "2028-03-01 00:00"),
    ],
)
def test_a_calendar_window_is_that_of_utc(per: Period, start: str, end: str) -> None:
    window = window_at(Budget(1, per=per), NOON)

    assert (moment(window.since), moment(window.until)) == (start, end)
    assert window.slot == window.since


def test_december_ends_with_the_year() -> None:
    window = window_at(Budget(1), datetime(2027, 12, 31, 23, 59, tzinfo=UTC).timestamp())

    assert (moment(window.since), moment(window.until)) == ("2027-12-01 00:00", "2028-01-01 00:00")


def test_a_total_never_ends() -> None:
    assert window_at(Budget(1, per="total"), NOON).until == math.inf


@given(
    st.sampled_from(["day", "week", "month", "total"]),
    st.booleans(),
    st.floats(0, 4e9),
    st.floats(0, 40 * 86_400),
)
def test_what_was_spent_within_the_window_counts(per: Period, rolling: bool, now: float, ago: float) -> None:
    budget = Budget(1, per=per, rolling=rolling and per != "total")
    then = max(0.0, now - ago)
    spent, window = window_at(budget, then), window_at(budget, now)
    length = {"day": 86_400, "week": 7 * 86_400, "month": 30 * 86_400, "total": math.inf}[per]

    if budget.rolling:
        assert spent.slot >= window.since or now - then > length
        assert spent.slot < window.since or now - then <= length * 1.05
    else:
        assert (spent.slot >= window.since) == (spent.slot == window.slot)
    assert window.since <= window.slot <= now < window.until


@given(
    st.lists(
        st.tuples(st.sampled_from(["day", "week", "month", "total"]), st.booleans(), st.floats(0, 4e9)),
        max_size=20,
    )
)
def test_windows_that_are_kept_are_those_that_would_be_computed(
    asked: list[tuple[Period, bool, float]],
) -> None:
    windows = Windows()
    for per, rolling, now in asked:
        budget = Budget(1, per=per, rolling=rolling and per != "total")
        for later in (now, now + 3_000, now):
            assert windows.at(budget, later) == window_at(budget, later)


def ask(upper: int, mean: int, **budget: object) -> BudgetAsk:
    values: dict[str, object] = {"usd": 1.0} | budget
    return BudgetAsk("a", Budget(**values), upper, mean)  # type: ignore[arg-type] # a table of fields


@pytest.mark.parametrize(
    ("asked", "spent", "reserved", "expected"),
    [
        (ask(NANO, 0), 0, 0, (NANO, True)),
        (ask(NANO, 0), 1, 0, (NANO, False)),
        (ask(NANO, 0), 0, 1, (NANO, False)),
        (ask(1, 0), NANO, 0, (1, False)),
        (ask(0, 0), NANO, 0, (0, True)),
        (ask(0, 0), 2 * NANO, 0, (0, True)),
        (ask(1, 0, hard=False), 2 * NANO, 0, (1, True)),
        (ask(500, 100, estimate="mean"), 0, 0, (100, True)),
        (ask(500, 100, estimate="mean"), NANO * 91 // 100, 0, (500, True)),
        (ask(500, 100, estimate="mean"), NANO - 499, 0, (500, False)),
    ],
)
def test_the_rule(asked: BudgetAsk, spent: int, reserved: int, expected: tuple[int, bool]) -> None:
    assert amount_for(asked, spent, reserved) == expected


def test_an_alert_is_due_once_when_its_share_is_crossed() -> None:
    budget = Budget(1.0, alerts=(0.8, 0.5, 1.0))

    def shares(before: float, after: float) -> list[float]:
        alerts = alerts_between("a", budget, round(before * NANO), round(after * NANO), 0)
        return [alert.share for alert in alerts]

    assert shares(0.0, 0.49) == []
    assert shares(0.49, 0.5) == [0.5]
    assert shares(0.5, 0.7) == []
    assert shares(0.7, 1.2) == [0.8, 1.0]
    assert shares(1.2, 1.3) == []


@pytest.mark.parametrize(
    "budget",
    [
        Budget(0),
        Budget(-1),
        Budget(math.inf),
        Budget(math.nan),
        Budget(1, per="total", rolling=True),
        Budget(1, alerts=(1.5,)),
        Budget(1, careful=2),
    ],
    ids=str,
)
def test_a_budget_that_means_nothing_is_refused(budget: Budget) -> None:
    with pytest.raises(ConfigurationError):
        budget.check()
