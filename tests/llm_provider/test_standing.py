"""Whether a provider takes our key."""

from __future__ import annotations

from synthlang_router.llm_provider.standing import FIRST_INTERVAL, GOOD, LAST_INTERVAL, marked, suspected


def test_one_refusal_marks_nothing() -> None:
    assert not suspected(GOOD, 1.0).refused(1.0)


def test_a_second_refusal_in_a_row_marks_the_key() -> None:
    assert suspected(suspected(GOOD, 1.0), 2.0).refused(2.0)


def test_a_confirmation_marks_the_key_until_its_time_is_over() -> None:
    standing = marked(GOOD, 10.0)

    assert standing.refused(10.0 + FIRST_INTERVAL - 0.1)
    assert not standing.refused(10.0 + FIRST_INTERVAL)


def test_refusals_while_it_is_marked_change_nothing() -> None:
    standing = marked(GOOD, 10.0)

    assert suspected(standing, 11.0) == standing


def test_each_refusal_after_its_time_marks_it_for_twice_as_long_up_to_a_bound() -> None:
    standing, now, intervals = marked(GOOD, 0.0), 0.0, []
    for _ in range(8):
        now += standing.interval
        standing = suspected(standing, now)
        intervals.append(standing.interval)

    assert intervals[:2] == [2 * FIRST_INTERVAL, 4 * FIRST_INTERVAL]
    assert intervals[-1] == LAST_INTERVAL
