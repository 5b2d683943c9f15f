"""What the nearest questions say together."""

from __future__ import annotations

from synthlang_router.cache.consensus import answer_identity, find_consensus


def test_nobody_says_nothing() -> None:
    assert find_consensus([]) is None


def test_several_with_one_answer_outweigh_a_nearer_one_with_another() -> None:
    found = find_consensus([("x", 0.86), ("y", 0.85), ("y", 0.84), ("y", 0.8)])

    assert found is not None
    assert (found.answer, found.nearest, found.similarity) == ("y", 1, 0.85)
    assert found.support > found.opposition > 0


def test_a_lone_voice_meets_no_opposition() -> None:
    found = find_consensus([("x", 0.9)])

    assert found is not None
    assert found.opposition == 0


def test_equal_and_opposite_vectors_are_no_trouble() -> None:
    found = find_consensus([("x", 1.0), ("y", -1.0)])

    assert found is not None
    assert (found.answer, found.opposition) == ("x", 0.0)


def test_answers_are_the_same_but_for_case_and_white_space() -> None:
    assert answer_identity("Reset it  under\nSettings.") == answer_identity("reset it under settings.")
    assert answer_identity("Reset it.") != answer_identity("Reset it?")
    assert answer_identity("\ud800") is not None
