"""The rate rule, against its promise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.auth.limits import IDLE, MINUTE, SECOND, Rate, next_arrival

START = 10**15
RATES = st.tuples(st.floats(0.01, 1e8), st.one_of(st.none(), st.floats(1, 1000)))
GAPS = st.lists(
    st.tuples(st.one_of(st.just(0), st.integers(0, 1000), st.integers(0, 10 * MINUTE)), st.integers(1, 5)),
    max_size=60,
)


@given(RATES, GAPS)
def test_in_every_interval_at_most_burst_plus_rate_times_t_pass(
    limit: tuple[float, float | None], gaps: list[tuple[int, int]]
) -> None:
    rate = Rate.per_minute(*limit)
    stored, now = IDLE, START
    passed: list[tuple[int, int]] = []
    for gap, cost in gaps:
        now += gap
        cost = min(cost, rate.burst)
        stored, verdict = next_arrival(stored, now, rate, cost)
        if verdict.allowed:
            passed.append((now, cost))

    for first in range(len(passed)):
        units = 0
        for last in range(first, len(passed)):
            units += passed[last][1]
            interval = passed[last][0] - passed[first][0]
            assert units <= rate.burst + interval // rate.interval


@given(RATES, GAPS)
def test_a_refused_ask_passes_after_exactly_its_wait_and_not_a_nanosecond_before(
    limit: tuple[float, float | None], gaps: list[tuple[int, int]]
) -> None:
    rate = Rate.per_minute(*limit)
    stored, now = IDLE, START
    for gap, cost in gaps:
        now += gap
        after, verdict = next_arrival(stored, now, rate, cost)
        if not verdict.allowed:
            assert after == stored
            assert verdict.retry_after > 0
            assert next_arrival(stored, now + verdict.retry_after, rate, cost)[1].allowed
            assert not next_arrival(stored, now + verdict.retry_after - 1, rate, cost)[1].allowed
        stored = after


@given(RATES, GAPS)
def test_what_is_said_to_remain_passes_and_no_more(
    limit: tuple[float, float | None], gaps: list[tuple[int, int]]
) -> None:
    rate = Rate.per_minute(*limit)
    stored, now = IDLE, START
    for gap, cost in gaps:
        now += gap
        stored, verdict = next_arrival(stored, now, rate, cost)
        if verdict.remaining > 0:
            assert next_arrival(stored, now, rate, verdict.remaining)[1].allowed
        if stored > now:
            assert not next_arrival(stored, now, rate, verdict.remaining + 1)[1].allowed


@given(RATES, st.integers(1, 10))
def test_a_bucket_is_full_again_after_the_reset(limit: tuple[float, float | None], cost: int) -> None:
    rate = Rate.per_minute(*limit)
    stored, verdict = next_arrival(IDLE, START, rate, min(cost, rate.burst))

    _, later = next_arrival(stored, START + verdict.reset, rate, rate.burst)

    assert later.allowed
    assert not next_arrival(stored, START + verdict.reset - 1, rate, rate.burst)[1].allowed


def test_the_rate_is_never_over_what_was_configured() -> None:
    rate = Rate.per_minute(7)

    assert MINUTE / rate.interval <= 7
    assert rate.burst == 7


@pytest.mark.parametrize(
    ("units", "burst", "at_once"), [(600, None, 600), (600, 10, 10), (0.5, None, 1), (600, 0.2, 1)]
)
def test_the_burst_is_a_minutes_worth_unless_set_and_at_least_one(
    units: float, burst: float | None, at_once: int
) -> None:
    assert Rate.per_minute(units, burst).burst == at_once


def test_an_ask_larger_than_the_bucket_passes_only_when_it_is_full_and_leaves_a_debt() -> None:
    rate = Rate.per_minute(60, 10)

    stored, first = next_arrival(IDLE, START, rate, 25)
    again, second = next_arrival(stored, START, rate, 25)

    assert first.allowed
    assert first.remaining == 0
    assert first.reset == 25 * SECOND
    assert not second.allowed
    assert second.retry_after == 25 * SECOND
    assert again == stored
    assert next_arrival(stored, START + 16 * SECOND, rate, 1)[1].allowed
    assert not next_arrival(stored, START + 15 * SECOND, rate, 1)[1].allowed


def test_a_thousand_at_once_pass_exactly_the_burst() -> None:
    rate = Rate.per_minute(600, 37)
    stored, allowed = IDLE, 0
    for _ in range(1000):
        stored, verdict = next_arrival(stored, START, rate, 1)
        allowed += verdict.allowed

    assert allowed == 37


def test_asking_for_nothing_tells_what_is_there_and_takes_nothing() -> None:
    rate = Rate.per_minute(60, 10)
    stored, _ = next_arrival(IDLE, START, rate, 4)

    after, verdict = next_arrival(stored, START, rate, 0)

    assert after == stored
    assert (verdict.remaining, verdict.reset) == (6, 4 * SECOND)
    assert math.isclose(rate.tolerance / SECOND, 10)
