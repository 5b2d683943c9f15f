"""Who of several equal targets answers."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.llm_provider.balance import better_of_two, by_rendezvous, overloaded, score

IDS = [0x9A3F, 0x11D2, 0x77C0, 0xE4B1]


def test_equal_targets_keep_what_the_weights_drew() -> None:
    assert better_of_two([1.0, 1.0], [3.0, 1.0], 0, 0.5) == 0


def test_a_much_better_second_one_is_preferred() -> None:
    assert better_of_two([1.0, 0.5], [3.0, 1.0], 0, 0.5) == 1


def test_the_second_candidate_is_drawn_by_weight() -> None:
    draw = random.Random(1)
    picked = Counter(better_of_two([9.0, 1.0, 1.0], [1.0, 3.0, 1.0], 0, draw.random()) for _ in range(4_000))

    assert picked[1] / picked[2] == pytest.approx(3.0, rel=0.15)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=6), st.floats(0, 1, exclude_max=True), st.data())
def test_the_choice_is_never_much_worse_than_the_first(
    scores: list[float], at: float, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(scores) - 1))

    chosen = better_of_two(scores, [1.0] * len(scores), first, at)

    assert scores[chosen] <= scores[first]


def test_load_and_slowness_both_count() -> None:
    assert score(1.0, 3, 1.0) > score(1.0, 0, 1.0)
    assert score(2.0, 0, 1.0) > score(1.0, 0, 1.0)
    assert score(1.0, 3, 2.0) < score(1.0, 3, 1.0)


def test_rendezvous_spreads_conversations_by_weight() -> None:
    found = Counter(by_rendezvous(key * 0x5DEECE66D, IDS[:2], [3.0, 1.0])[0] for key in range(8_000))

    assert found[0] / found[1] == pytest.approx(3.0, rel=0.1)


def test_a_target_that_goes_moves_only_its_own_conversations() -> None:
    for key in range(500):
        before = by_rendezvous(key, IDS, [1.0] * 4)
        after = by_rendezvous(key, IDS[:3], [1.0] * 3)
        assert after == [index for index in before if index != 3]


@given(st.integers(0, 2**64 - 1))
def test_rendezvous_takes_any_key(key: int) -> None:
    assert sorted(by_rendezvous(key, IDS, [0.001, 1.0, 5.0, 1e6])) == [0, 1, 2, 3]


def test_a_conversation_leaves_only_a_target_with_far_more_than_its_share() -> None:
    assert not overloaded([10, 0, 0, 0], [1.0] * 4, 0)
    assert not overloaded([30, 20, 20, 20], [1.0] * 4, 0)
    assert overloaded([90, 10, 10, 10], [1.0] * 4, 0)
