"""A veto is right by construction: what it names forbids serving, whatever else the texts share."""

import pytest

from synthlang_router.cache.alignment_pair import Pair
from synthlang_router.cache.surface import normal_form, tokenise
from synthlang_router.cache.surface_lexicon import english
from synthlang_router.cache.surface_reading import read
from synthlang_router.cache.vetoes import veto


def vetoed(one: str, other: str) -> str | None:
    left, right = (read(tokenise(normal_form(text)), literal=False) for text in (one, other))
    return veto(Pair(left, right, english(), literal=False, technical=False))


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        ("How long do I boil 5 eggs in a pot?", "What is the time to boil 6 eggs in a pot?", "numbers"),
        ("How do I go from 3 to 5 in a game?", "In a game, what takes me from 5 to 3?", "numbers"),
        ("Was the first chapter good?", "Did you like the second chapter?", "numbers"),
        ("What does --force do when I push?", "When I push, what is --delete good for?", "code"),
        ("Explain the cron line 0 2 * * 1 to me", "Tell me what the cron line 0 2 1 * * means", "code"),
        ("Where is my order AB-12X now?", "Can you see where order AB-12Y is now?", "code"),
        (
            'Make the note "see you soon" nicer for her',
            'Write the note "see you later" nicer for her',
            "quotation",
        ),
        ("Is there a good museum in Lisbon?", "Which museum in Porto is a good one?", "names"),
        ("How do I move from Slack to Teams?", "I want to leave Teams for Slack, how do I move?", "names"),
        ("How many grams of rice do I need?", "How many ounces of rice will I need?", "units"),
        (
            "What are the advantages of a heat pump?",
            "Tell me the disadvantages that a heat pump has",
            "opposites",
        ),
        ("Which plants are toxic for a cat?", "Which of the plants are not toxic for cats?", "negation"),
        ("Write a poem about my old house", "I want an essay about my old house", "closed class"),
        ("Can the tenant sue the neighbour?", "Can the neighbour sue the tenant?", "order"),
        ("How do I dye a cotton shirt?", "How do I dry a cotton shirt?", "one word"),
        ("Wie groß ist der Bodensee?", "Welche Größe hat der Bodensee?", "other language"),
    ],
)
def test_a_difference_of_a_closed_kind_is_vetoed_by_name(one: str, other: str, name: str) -> None:
    assert vetoed(one, other) == name
    assert vetoed(other, one) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I get rid of ants in the kitchen?", "What can I do against ants in my kitchen?"),
        ("Is it safe to eat 3 eggs every day?", "Can a person safely eat three eggs a day?"),
        ("What does the Eiffel Tower weigh?", "How heavy is the Eiffel Tower?"),
        ("How is income taxed in Germany?", "What is the German tax on income?"),
        ("How do I read a JSON file in Python?", "In Python, what is the way to load JSON from a file?"),
    ],
)
def test_another_wording_of_the_same_question_is_left_to_the_model(one: str, other: str) -> None:
    assert vetoed(one, other) is None
    assert vetoed(other, one) is None
