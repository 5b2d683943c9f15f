"""The walk through two readings ends at the first difference that no rule explains."""

import pytest

from synthlang_router.cache.alignment import Alignment, align
from synthlang_router.cache.surface import normal_form, tokenise
from synthlang_router.cache.surface_lexicon import english
from synthlang_router.cache.surface_reading import read


def aligned(one: str, other: str, *, literal: bool = False) -> Alignment:
    left, right = (read(tokenise(normal_form(text)), literal) for text in (one, other))
    return align(left, right, english(), literal)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("Is Rome old?", "is rome old", "case"),
        ("Is it 3 km to the old house?", "Is it three km to the old house?", "notation"),
        ("What is the max load of the lift?", "What is the maximum load of the lift?", "short form"),
        ("Where do I set up the lamp?", "Where do I setup the lamp?", "joined"),
        ("Is it in the kitchen of the house?", "Is it in kitchen of the house?", "article"),
        (
            "Who pays the IRS now in the US?",
            "Who pays the Internal Revenue Service now in the US?",
            "initials",
        ),
        ("Où est la forêt enchantée ?", "ou est la foret enchantee ?", "accents"),
        ("What is the colour of the house?", "What is the color of the house?", "variant"),
        ("Is my luggage lost on the way?", "Is my lugagge lost on the way?", "typo"),
        ("Explain the prisoner's dilemma to me", "Explain the prisoners dilemma to me", "apostrophe"),
        ("What does `ls` do?", "What does ls do?", "marks"),
        ("Read on.\nWhat is it?", "Read on. What is it?", "line end"),
    ],
)
def test_each_rule_explains_its_kind_of_difference(one: str, other: str, kind: str) -> None:
    for alignment in (aligned(one, other), aligned(other, one)):
        assert alignment.same
        assert kind in alignment.differences


def test_a_text_about_language_is_compared_to_the_letter() -> None:
    assert aligned("What is the colour of it?", "What is the color of it?").same
    assert not aligned("What is the colour of it?", "What is the color of it?", literal=True).same


def test_the_differences_explained_before_the_refusal_are_named() -> None:
    alignment = aligned("Is the colour of Rome red or green?", "is the color of rome red or blue?")

    assert alignment == Alignment(False, "word", ("case", "variant"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Transfer 50 euros to savings.", "Transfer 50 euros to savings?", True),
        ("Difference between ale and lager?", "Difference between ale and lager.", True),
        ("My dog is ill, what should I do?", "My dog is ill, what should I do", True),
        ("Coffee is healthy.", "Coffee is healthy?", False),
        ("They left.", "They left?", False),
        ("Sei stanco.", "Sei stanco?", False),
        ("Qui a gagné ?", "Qui a gagné", True),
    ],
)
def test_a_question_mark_may_be_missing_only_where_the_words_ask_or_order(
    one: str, other: str, same: bool
) -> None:
    assert aligned(one, other).same is same
    assert aligned(other, one).same is same
