"""The layered verifier: rules first, vetoes second, and a model only for what is left."""

import pytest

from synthlang_router.cache.verifier_pair import SURE, PairVerifier

STORED = "How do I get rid of ants in the kitchen?"
ASKED = "What can I do against ants in my kitchen?"
LONG = "I live in a small flat on the third floor. " * 8


class Judge:
    """Says the same of every pair, and remembers what it was asked."""

    def __init__(self, probability: float | None) -> None:
        self._probability = probability
        self.asked: list[tuple[str, str]] = []

    def probability(self, stored: str, asked: str) -> float | None:
        self.asked.append((stored, asked))
        return self._probability


def test_a_surface_variant_is_served_without_the_model() -> None:
    judge = Judge(0.0)

    verdict = PairVerifier(judge, threshold=0.5).verify(STORED, STORED.lower())

    assert verdict.serve
    assert judge.asked == []


def test_a_vetoed_pair_never_reaches_the_model() -> None:
    judge = Judge(1.0)

    verdict = PairVerifier(judge, threshold=0.5).verify("Is 3 a prime number?", "Is 4 a prime number or not?")

    assert not verdict.serve
    assert verdict.reason == "veto: numbers"
    assert judge.asked == []


@pytest.mark.parametrize(("probability", "serve"), [(0.8, True), (0.79, False)])
def test_what_is_left_is_served_from_the_threshold_on(probability: float, serve: bool) -> None:
    verdict = PairVerifier(Judge(probability), threshold=0.8).verify(STORED, ASKED)

    assert verdict.serve is serve
    assert verdict.probability == probability
    assert verdict.reason == "model"


@pytest.mark.parametrize(("probability", "serve"), [(SURE, True), (SURE - 0.01, False)])
def test_the_same_words_in_another_order_need_a_model_that_is_sure(probability: float, serve: bool) -> None:
    stored, asked = "What is your office address (postal)?", "What is the postal address of your office?"

    assert PairVerifier(Judge(probability), threshold=0.5).verify(stored, asked).serve is serve


def test_a_pair_the_model_cannot_read_is_refused() -> None:
    assert not PairVerifier(Judge(None), threshold=0.0).verify(STORED, ASKED).serve


def test_a_long_text_is_never_shown_to_the_model() -> None:
    judge = Judge(1.0)

    assert not PairVerifier(judge, threshold=0.5).verify(LONG + STORED, LONG + ASKED).serve
    assert PairVerifier(judge, threshold=0.5).verify(LONG + STORED, LONG + STORED.lower()).serve
    assert judge.asked == []


@pytest.mark.parametrize(
    ("stored", "asked"), [("", ASKED), (STORED, "   "), ("\ud800", ASKED), (STORED, "x" * 30_000)]
)
def test_an_empty_or_hostile_text_is_refused(stored: str, asked: str) -> None:
    assert not PairVerifier(Judge(1.0), threshold=0.5).verify(stored, asked).serve
