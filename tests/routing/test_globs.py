"""Globs over names."""

from __future__ import annotations

import pytest

from synthlang_router.routing.globs import matches


@pytest.mark.parametrize(
    ("name", "glob", "expected"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o-mini", "gpt-4o", False),
        ("openai/my-gpt-4o-x", "*gpt-4o*", True),
        ("GPT-4o", "gpt*", False),
        ("o3", "o?", True),
        ("o10", "o?", False),
        ("o1", "o[13]", True),
        ("o4", "o[!13]", True),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
        ("a|b", "a|b", True),
        ("a", "a|b", False),
        ("a\n", "a", False),
        ("", "*", True),
        ("[", "[", True),
    ],
)
def test_globs_match_the_whole_name(name: str, glob: str, expected: bool) -> None:
    assert matches(name, (glob,)) is expected
    assert matches(name, ("no-such", glob)) is expected


def test_no_glob_matches_nothing() -> None:
    assert not matches("x", ("y",))
    assert not matches("x", ())


def test_many_stars_do_not_explode() -> None:
    assert not matches("a" * 200, ("*a" * 40 + "b",))
