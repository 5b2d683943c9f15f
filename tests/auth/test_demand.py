"""What a request will cost, before anybody knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.auth.demand import (
    PER_PART,
    UNKNOWN_CAP,
    UNKNOWN_LIKELY,
    demand_of,
    weigh,
)
from synthlang_router.auth.expectation import Expectation
from synthlang_router.models import ChatRequest
from synthlang_router.synthlang import count_tokens
from synthlang_router.synthlang.tokens import ENCODINGS
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
    demand = demand_of(request(**more), expected=expected, cap=cap)

    assert (demand.likely, demand.most) == (likely, most)


def test_an_embedding_writes_nothing() -> None:
    demand = demand_of(request("embeddings", input="Hi"), expected=9, cap=9)

    assert (demand.likely, demand.most) == (0, 0)
    assert demand.prompt >= 1


def test_the_prompt_is_estimated_from_its_texts_and_tools() -> None:
    short, long = (
        weigh(request()).likely,
        weigh(request(messages=[{"role": "user", "content": "word " * 600}])).likely,
    )
    tooled = weigh(request(tools=[{"type": "function", "function": {"name": "f" * 300}}])).likely

    assert 1 <= short < 20
    assert 600 < long < 1_200
    assert tooled > short + 100


DATA = "A" * 1_000_000
PICTURES: list[dict[str, Any]] = [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64," + DATA}},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
    {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
    {"type": "file", "file": {"file_data": DATA, "filename": "a.pdf"}},
]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: str(picture["type"]))
def test_a_picture_costs_a_flat_sum_however_large_its_data(picture: dict[str, Any]) -> None:
    weight = weigh(request(messages=[{"role": "user", "content": [picture]}]))

    assert weight.media == 1
    assert PER_PART <= weight.likely < PER_PART + 40


def test_a_picture_in_the_input_of_a_response_costs_the_same() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64," + DATA}
    asked = DIALECTS["openai"].read_request(
        json.dumps({"model": "m", "input": [{"role": "user", "content": [picture]}]}).encode(), "responses"
    )

    assert PER_PART <= weigh(asked).likely < PER_PART + 40


def test_text_in_a_tools_result_or_a_plain_document_is_text_however_deep() -> None:
    result = {"type": "tool_result", "content": [{"type": "text", "text": "word " * 600}]}
    document = {"type": "document", "source": {"type": "text", "data": "word " * 600}}

    for part in (result, document):
        assert weigh(request(messages=[{"role": "user", "content": [part]}])).most >= 3_000


def test_depth_is_no_matter() -> None:
    deep: Any = "x" * 100
    for _ in range(250):
        deep = [{"a": deep}]

    assert weigh(request(messages=[{"role": "user", "content": deep}])).text >= 100


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_takes_more_tokens_than_the_most(text: str) -> None:
    asked = request(messages=[{"role": "user", "content": text}])

    for encoding in ENCODINGS:
        assert count_tokens(text, encoding) + 10 <= weigh(asked).most


def test_chinese_and_emoji_count_by_their_bytes() -> None:
    assert weigh(request(messages=[{"role": "user", "content": "你好" * 300}])).likely >= 600


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
