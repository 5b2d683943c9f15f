"""Cells that count come back as the very text they were."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.synthlang.counters import advance, difference, following

DIGITS = st.integers(0, 10**17).map(str) | st.from_regex(r"0\d{1,8}", fullmatch=True)
TIMES = st.from_regex(
    r"([0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2})([.,:][0-9]{1,9})?", fullmatch=True
)


@settings(deadline=None)
@given(DIGITS | TIMES, DIGITS | TIMES)
def test_what_is_written_below_a_value_reads_as_the_value(above: str, value: str) -> None:
    assert advance(above, difference(above, value)) == value


@pytest.mark.parametrize(
    ("above", "value", "cell"),
    [
        ("04:54:18", "04:54:18", "^"),
        ("04:54:18", "04:54:20", "+2"),
        ("23:59:59", "00:00:01", "00:00:01"),
        ("18:07:01,219", "18:07:02,188", "+969"),
        ("9:59:59", "10:00:00", "+1"),
        ("06.41.29", "06.48.15", "+406"),
        ("12:00:00", "11:59:59", "11:59:59"),
        ("1132584089", "1132584495", "+406"),
        ("007", "008", "+1"),
        ("00007", "00008", "+1"),
        ("999", "1000", "+1"),
        ("5", "12:00:00", "12:00:00"),
    ],
)
def test_the_shortest_cell_is_written(above: str, value: str, cell: str) -> None:
    assert difference(above, value) == cell


@pytest.mark.parametrize(("number", "after"), [("9", "10"), (" 9", "10"), ("  99", " 100"), ("0", "1")])
def test_running_numbers_keep_their_width(number: str, after: str) -> None:
    assert following(number) == after
