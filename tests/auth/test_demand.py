"""What a request will cost, before anybody knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synthlang_router.auth.demand import (
    PER_PART,
    UNKNOWN_CAP,
    UNKNOWN_LIKELY,
    Demand,
    demand_of,
    prompt_tokens,
)
from synthlang_router.auth.expectation import Expectation
from synthlang_router.models import ChatRequest
from synthlang_router.wire import DIALECTS


def request(kind: str = "chat", **more: Any) -> ChatRequest:
    body: dict[str, Any] = {"model": "m"}
    if kind == "chat":
        body["messages"] = [{"role": "user", "content": "Hi"}]
    return DIALECTS["openai"].read_request(json.dumps(body | more).encode(), kind)


@pytest.mark.parametrize(
    ("more", "expected", "cap", "likely", "most"),
    [
        ({}, None, None, UNKNOWN_LIKELY, UNKNOWN_CAP),
        ({}, 300, 4096, 300, 4096),
        ({"max_tokens": 100}, 300, 4096, 100, 100),
        ({"max_completion_tokens": 100}, None, None, 100, 100),
        ({"max_tokens": 50, "max_completion_tokens": 100}, None, None, 50, 50),
        ({"max_tokens": 100_000}, 300, 4096, 300, 4096),
        ({"max_tokens": 100, "n": 3}, 300, 4096, 300, 300),
        ({"max_tokens": None, "n": None}, 300, 4096, 300, 4096),
        ({"max_tokens": 0}, 300, 4096, 300, 4096),
        ({"max_tokens": -5}, 300, 4096, 300, 4096),
    ],
)
def test_the_completion_is_bounded_by_request_model_and_experience(
    more: dict[str, Any], expected: int | None, cap: int | None, likely: int, most: int
) -> None:
    assert demand_of(request(**more), prompt=7, expected=expected, cap=cap) == Demand(7, likely, most)


def test_an_embedding_writes_nothing() -> None:
    assert demand_of(request("embeddings", input="Hi"), prompt=7, expected=9, cap=9) == Demand(7, 0, 0)


def test_the_prompt_is_estimated_from_its_texts_and_tools() -> None:
    short, long = (
        prompt_tokens(request()),
        prompt_tokens(request(messages=[{"role": "user", "content": "word " * 600}])),
    )
    tooled = prompt_tokens(request(tools=[{"type": "function", "function": {"name": "f" * 300}}]))

    assert 1 <= short < 20
    assert 600 < long < 1_200
    assert tooled > short + 100


def test_a_picture_costs_a_flat_sum_however_large_its_data() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 1_000_000}}

    assert prompt_tokens(request(messages=[{"role": "user", "content": [picture]}])) < PER_PART + 20


def test_chinese_and_emoji_count_by_their_bytes() -> None:
    assert prompt_tokens(request(messages=[{"role": "user", "content": "你好" * 300}])) >= 600


def test_experience_is_the_95th_percentile_and_the_mean_of_recent_answers() -> None:
    experience = Expectation()
    assert (experience.p95("m"), experience.mean("m")) == (None, None)

    for tokens in range(1, 101):
        experience.observe("m", tokens)

    assert experience.p95("m") in range(90, 97)
    assert experience.mean("m") in range(45, 52)
    assert experience.p95("other") is None


def test_experience_follows_a_change_and_is_bounded() -> None:
    experience = Expectation()
    for tokens in [10] * 1000 + [500] * 300:
        experience.observe("m", tokens)
    for number in range(5_000):
        experience.observe(f"model {number}", 1)

    assert experience.p95("m") is None
    for tokens in [10] * 1000 + [500] * 300:
        experience.observe("m", tokens)
    assert experience.p95("m") == 500
    assert len(experience) == 1_000
