"""What a model cannot take."""

from __future__ import annotations

import pytest

from synthlang_router.routing.parameters import impossible, renamed


@pytest.mark.parametrize(
    "model", ["o1", "o3-mini", "o3-mini-2025-01-31", "openai/o4-mini", "o1-preview", "gpt-5-mini"]
)
def test_reasoning_models_take_no_sampling_parameters(model: str) -> None:
    assert {"temperature", "top_p", "n", "presence_penalty", "frequency_penalty", "logprobs"} <= impossible(
        model
    )
    assert renamed(model) == (("max_tokens", "max_completion_tokens"),)


@pytest.mark.parametrize(
    "model", ["gpt-4o-search-preview", "gpt-4o-mini-search-preview-2025-03-11", "gpt-5-search-api"]
)
def test_search_models_take_neither_sampling_parameters_nor_tools(model: str) -> None:
    assert {"temperature", "top_p", "n", "tools", "reasoning_effort"} <= impossible(model)
    assert "web_search_options" not in impossible(model)


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-4.1", "gpt-3.5-turbo", "chatgpt-4o-latest"]
)
def test_plain_chat_models_take_everything_but_what_others_invented(model: str) -> None:
    assert impossible(model) == {"reasoning_effort", "web_search_options"}
    assert renamed(model) == ()


@pytest.mark.parametrize(
    "model", ["llama3", "claude-sonnet", "o3x", "my-o3-mini", "gpt-5-chat-latest", "gpt-oss-20b", ""]
)
def test_of_an_unknown_model_nothing_is_claimed(model: str) -> None:
    assert impossible(model) == frozenset()


def test_stop_is_refused_by_the_newer_reasoning_models_only() -> None:
    assert "stop" in impossible("o3")
    assert "stop" in impossible("o4-mini")
    assert "stop" not in impossible("o3-mini")
