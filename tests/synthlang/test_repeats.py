"""Every repeat that is worth something is found, as a search through all pairs of places would find it."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.synthlang.repeats import Look, Repeat, before_letters, first_look, repeats_from

LOOK = Look(3, (1, 2))


def found_in(text: str) -> dict[str, int]:
    costs = [0.0, *accumulate(1.0 for _ in text)]
    places, short = first_look(text, 2, LOOK)
    repeats: list[Repeat] = short + repeats_from(text, places, costs, 0, LOOK)
    return {text[start : start + size]: count for start, size, count in repeats}


def plainly(text: str, size: int) -> set[str]:
    """The repeats of a length by looking at all places."""
    parts = [text[at : at + size] for at in range(len(text) - size + 1)]
    return {part for part in parts if parts.count(part) > 1}


@settings(deadline=None)
@given(st.text(st.sampled_from("abc"), max_size=40))
def test_every_repeat_is_part_of_one_that_is_found(text: str) -> None:
    found = found_in(text)

    for size in range(1, 9):
        for part in plainly(text, size):
            assert any(part in longer for longer in found)


def test_a_long_repeat_is_found_whole_and_counted() -> None:
    passage = "".join(chr(0x4E00 + n) for n in range(500))

    found = found_in(f"a{passage}b{passage}c{passage}d")

    assert found[passage] == 3


def test_a_repeat_that_always_follows_the_same_letter_is_found_at_that_letter_only() -> None:
    found = found_in("xabcdyxabcdzxabcdw")

    assert found["xabcd"] == 3
    assert "abcd" not in found and "bcd" not in found


@pytest.mark.parametrize("unit", ["a", "ab", "aab", "abcabd"])
def test_periodic_text_gives_few_repeats(unit: str) -> None:
    """As many as the reach is long for each place of the unit at most, however long the text is."""
    text = unit * (20_000 // len(unit))

    assert len(found_in(text)) <= 49 * len(unit)


def test_the_second_look_begins_shortly_before_new_letters() -> None:
    assert before_letters("a" * 30 + "Z" + "a" * 5, "b") == []
    assert before_letters("a" * 30 + "z" + "a" * 5, "b") == list(range(18, 31))
    assert before_letters("zz", "b") == [0, 1]
