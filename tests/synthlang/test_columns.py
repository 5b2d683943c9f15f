"""What rows have in common goes into the template, what differs into cells."""

from __future__ import annotations

import pytest

from synthlang_router.synthlang.columns import Columns


def pattern_of(*columns: list[str]) -> tuple[str, str]:
    made = Columns()
    for number, column in enumerate(columns):
        made.literal("|" if number else "")
        made.texts(column)
    pattern = made.pattern()
    assert pattern is not None
    return pattern.separator, pattern.layout


@pytest.mark.parametrize(
    ("columns", "layout"),
    [
        ([["a1", "b2"], ["same", "same"]], "●|same"),
        ([["user/ann", "user/bob"]], "user/●"),
        ([["ann.png", "bob.png"]], "●.png"),
        ([["github", "gitlab"]], "●"),
        ([["ann", "bob"], ["ann", "bob"]], "●|※a"),
        ([["ann", "bob"], ["img/ann.png", "img/bob.png"]], "●|img/※a.png"),
        ([["x/ann", "y/bob"], ["ann", "bob"]], "●/●|※b"),
        ([["5", "6", "7"], ["a", "b", "d"]], "★5|●"),
        ([["09:59:58", "10:00:07", "10:01:00"], ["a", "b", "d"]], "±|●"),
        ([["1132584089", "1132584495", "1132584963"]], "±"),
        ([["", "x"]], "●"),
    ],
)
def test_a_pattern_says_what_is_equal(columns: list[list[str]], layout: str) -> None:
    assert pattern_of(*columns)[1] == layout


def test_the_cheapest_free_separator_is_taken_and_the_last_cell_may_hold_it() -> None:
    assert pattern_of(["ann", "bob"], ["x y", "z"])[0] == " "
    assert pattern_of(["a b", "c"], ["x", "y z"])[0] == ","
    assert pattern_of(["a b,c|d;e\tf", "g"], ["x", "y"])[0] == "│"


def test_without_a_free_separator_or_a_difference_there_is_no_pattern() -> None:
    columns = Columns()
    columns.texts(["a b,c|d;e\tf│g", "h"])
    columns.literal("-")
    columns.texts(["x", "y"])
    same = Columns()
    same.texts(["x", "x"])

    assert columns.pattern() is None
    assert same.pattern() is None
