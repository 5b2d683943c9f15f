"""The pair model: the stated bytes, and an opinion that agrees with common sense on plain cases."""

import hashlib
import re
from pathlib import Path

import pytest

from synthlang_router.cache.pair_model import MAX_TOKENS, PairModel
from synthlang_router.cache.verifier_pair import THRESHOLD

PACKAGE = Path(__file__).parents[2] / "packages/pairmodel/synthlang_router_pairmodel"


@pytest.fixture(scope="module")
def model() -> PairModel:
    return PairModel(PACKAGE / "model.onnx")


def test_the_file_is_the_stated_one_and_small_enough() -> None:
    data = (PACKAGE / "model.onnx").read_bytes()
    digest = hashlib.sha256(data).hexdigest()

    assert re.findall(r'SHA256 = "(\w+)"', (PACKAGE / "__init__.py").read_text()) == [digest]
    assert digest in (PACKAGE / "PROVENANCE.md").read_text()
    assert len(data) <= 25_000_000


def test_another_wording_is_likelier_than_another_question(model: PairModel) -> None:
    asked = "What can I do to improve my sleep?"

    wording = model.probability("How can I improve my sleep?", asked)
    question = model.probability("How can I improve my diet?", asked)

    assert wording is not None and question is not None
    assert wording > THRESHOLD > question


def test_the_order_of_the_two_texts_does_not_matter(model: PairModel) -> None:
    one, other = "How do I peel a mango?", "What is the best way to peel mangoes?"

    assert model.probability(one, other) == pytest.approx(model.probability(other, one), abs=1e-6)


def test_the_same_pair_gets_the_same_answer_every_time(model: PairModel) -> None:
    answers = {model.probability("Is tea healthy?", "Is it healthy to drink tea?") for _ in range(3)}

    assert len(answers) == 1


@pytest.mark.parametrize("text", ["word " * (MAX_TOKENS // 2), "x" * 100_000])
def test_texts_beyond_the_limit_are_not_read(model: PairModel, text: str) -> None:
    assert model.probability(text, text) is None


@pytest.mark.parametrize("text", ["", " ", "\ud800", "[SEP] [CLS]", "\x00", "🙂"])
def test_any_text_can_be_read(model: PairModel, text: str) -> None:
    probability = model.probability(text, "How do I peel a mango?")

    assert probability is not None
    assert 0 <= probability <= 1
