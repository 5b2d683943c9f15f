"""What is kept, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from synthlang_router.cache import Lifetimes
from synthlang_router.cache.admission import Admission, admit_answer
from synthlang_router.models import ChatCompletion, Wishes
from tests.cache.requests import answered, asked, key_of

TIMES = Lifetimes(exact=100.0, semantic=200.0, volatile=5.0)


def admit(completion: ChatCompletion, question: str = "Capital of France?", **settings: Any) -> Admission:
    values: dict[str, Any] = {"max_bytes": 1000, "tool_calls": False} | settings
    return admit_answer(key_of(asked(question)), completion, TIMES, **values)


def test_a_whole_answer_is_kept_for_the_longer_of_the_two_layers() -> None:
    assert admit(answered()) == Admission(200.0, semantic=True)


def test_without_the_semantic_layer_it_is_kept_for_the_exact_one() -> None:
    key = key_of(wishes=Wishes(cache="exact"))

    assert admit_answer(key, answered(), TIMES, max_bytes=1000, tool_calls=False) == Admission(100.0)


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        (answered(finish_reasons=("length",)), "finish reason"),
        (answered(finish_reasons=("content_filter",)), "finish reason"),
        (answered(finish_reasons=(None,)), "finish reason"),
        (answered(finish_reasons=()), "finish reason"),
        (answered(finish_reasons=("stop", "length")), "finish reason"),
        (answered(finish_reasons=("tool_calls",), has_tool_calls=True), "tool calls"),
        (answered(finish_reasons=("stop",), has_tool_calls=True), "tool calls"),
        (answered(""), "empty"),
        (answered(None), "empty"),
        (answered("", refusal="No."), "refusal"),
        (answered("I'm sorry, but I can't help with that."), "refusal"),
        (answered("I cannot assist with this request."), "refusal"),
        (answered("x" * 2000), "size"),
    ],
)
def test_what_is_not_whole_or_not_worth_keeping_is_refused(completion: ChatCompletion, reason: str) -> None:
    assert admit(completion) == Admission(0, reason)


@pytest.mark.parametrize(
    "content",
    [
        "Sorry is a song by Justin Bieber.",
        "Paris.",
        "I can do that: here it is.",
        "I can't stop the feeling" + "!" * 300,
    ],
)
def test_an_answer_is_not_taken_for_a_refusal(content: str) -> None:
    assert admit(answered(content)).seconds > 0


def test_tool_calls_are_kept_in_the_exact_layer_only_and_only_where_configured() -> None:
    calls = answered(None, finish_reasons=("tool_calls",), has_tool_calls=True)

    assert admit(calls, tool_calls=True) == Admission(100.0)


@pytest.mark.parametrize(
    "question",
    [
        "What is the weather today?",
        "latest python version",
        "Wer ist derzeit Kanzler?",
        "¿Qué hora es ahora?",
        "今日の天気は",
        "What is on right now",
    ],
)
def test_questions_about_now_are_kept_for_a_short_while(question: str) -> None:
    assert admit(answered(), question).seconds == 5.0


@pytest.mark.parametrize(
    "question", ["What is knowledge?", "Who composed Nowhere Man?", "Capital of France?"]
)
def test_lasting_questions_are_not(question: str) -> None:
    assert admit(answered(), question).seconds == 200.0


def test_nothing_is_kept_of_who_wants_nothing_kept() -> None:
    key = key_of(wishes=Wishes(no_store=True))

    assert admit_answer(key, answered(), TIMES, max_bytes=1000, tool_calls=False) == Admission(0, "no-store")
