"""The bound on wrong hits: never below the truth more often than promised, and small where audits find nothing."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.cache.error_ledger import ALPHA, LEAST, ErrorLedger


def test_a_ledger_without_hits_bounds_nothing_and_proves_everything() -> None:
    ledger = ErrorLedger()

    assert ledger.upper() == 0
    assert ledger.proves(0.01)


def test_hits_that_are_never_audited_may_all_be_wrong() -> None:
    ledger = ErrorLedger()
    for _ in range(500):
        ledger.requests += 1
        ledger.hit(0.0)

    assert ledger.upper() == 500
    assert not ledger.proves(0.01)


def test_audits_that_find_nothing_bound_the_wrong_hits_however_many_there_are() -> None:
    ledger = ErrorLedger()
    for _ in range(10_000):
        ledger.requests += 1
        ledger.hit(0.25)

    assert ledger.upper() < 30
    assert ledger.proves(0.01)


def test_a_wrong_hit_that_was_found_raises_the_bound_by_more_than_itself() -> None:
    ledger = ErrorLedger()
    for _ in range(1_000):
        ledger.hit(0.5)
    before = ledger.upper()

    ledger.wrong(0.5)

    assert ledger.upper() > before + 1
    assert (ledger.known_wrong, ledger.audited, ledger.estimate) == (1, 1, 2.0)


def test_a_report_can_only_raise_the_bound() -> None:
    ledger = ErrorLedger()
    for _ in range(1_000):
        ledger.hit(0.5)
    before = ledger.upper()

    ledger.wrong(0.5, audited=False)

    assert ledger.upper() > before
    assert ledger.audited == 0


def test_a_low_probability_later_takes_away_what_high_ones_had_bounded() -> None:
    ledger = ErrorLedger()
    for _ in range(1_000):
        ledger.hit(0.5)
    before = ledger.upper()

    ledger.hit(0.05)

    assert ledger.upper() > before


@pytest.mark.parametrize("steadiness", ["steady", "worse with time", "in bursts"])
def test_over_many_streams_the_truth_is_above_the_bound_at_any_time_in_fewer_than_promised(
    steadiness: str,
) -> None:
    def chance(step: int) -> float:
        if steadiness == "steady":
            return 0.03
        return 0.0001 * step if steadiness == "worse with time" else 0.2 * (step % 200 < 20)

    streams, broken = 200, 0
    for seed in range(streams):
        source, ledger, truth = random.Random(seed), ErrorLedger(), 0
        for step in range(600):
            probability = max(0.05, 0.4 - step / 2_000)
            wrong = source.random() < chance(step)
            truth += wrong
            ledger.hit(probability)
            if source.random() < probability:
                ledger.wrong(probability) if wrong else ledger.right()
            if step % 20 == 19 and ledger.upper() < truth:
                broken += 1
                break

    assert broken <= streams * ALPHA


@given(st.lists(st.tuples(st.floats(0.05, 1.0), st.sampled_from(["right", "wrong", "unseen"])), max_size=80))
def test_the_bound_lies_between_what_is_known_and_all_hits(steps: list[tuple[float, str]]) -> None:
    ledger = ErrorLedger()
    for probability, verdict in steps:
        ledger.hit(probability)
        if verdict == "wrong":
            ledger.wrong(probability)
        elif verdict == "right":
            ledger.right()

        assert ledger.known_wrong <= ledger.upper() <= ledger.hits


@given(st.integers(0, 3_000), st.integers(0, 12), st.floats(0.1, 1.0))
def test_what_is_proved_is_what_the_bound_says(hits: int, wrong: int, probability: float) -> None:
    ledger = ErrorLedger()
    ledger.requests = 5_000
    for number in range(hits):
        ledger.hit(probability)
        if number < wrong:
            ledger.wrong(probability)

    assert ledger.proves(0.01) == (ledger.upper() <= ledger.allowed(0.01, "requests"))


def test_the_least_that_is_borne_leaves_room_for_a_beginning() -> None:
    ledger = ErrorLedger()
    for _ in range(100_000):
        ledger.hit(0.24)

    assert ledger.upper() < LEAST
    assert math.isfinite(ledger.estimate)
