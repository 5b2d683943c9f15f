"""Counts are the reference tokenizers' own, known for what they are, and linear on any text."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from synthlang_router.models import ChatRequest
from synthlang_router.synthlang.tokens import (
    ENCODINGS,
    Encoding,
    count_prompt,
    count_tokens,
    encoding_for,
    token_ids,
)

REFERENCE = json.loads(Path(__file__).with_name("reference_counts.json").read_text())["rows"]


def chat(messages: object, model: str = "gpt-4o", **fields: object) -> ChatRequest:
    raw = {
        name: msgspec.Raw(msgspec.json.encode(value))
        for name, value in {"messages": messages, **fields}.items()
    }
    return ChatRequest(raw, model=model, stream=False)


@pytest.mark.parametrize("encoding", ["o200k_base", "cl100k_base"])
@pytest.mark.parametrize("row", REFERENCE, ids=range(len(REFERENCE)))
def test_counts_and_ids_equal_an_independent_implementation(row: dict[str, Any], encoding: Encoding) -> None:
    ids = token_ids(row["text"], encoding)

    digest = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:16]
    assert [len(ids), digest] == row[encoding]
    assert count_tokens(row["text"], encoding) == len(ids)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_special_token_strings_are_counted_as_the_text_they_are(encoding: Encoding) -> None:
    for special in ("<|endoftext|>", "<|im_start|>", "<|eot_id|>", "<|endofprompt|>", "[INST]"):
        assert count_tokens(special, encoding) > 1


@pytest.mark.parametrize("letter", ["a", " ", "😀", "\n", "1", "!", "é", " \n", "'s", "\u00a0", "e\u0301"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_eight_times_the_text_costs_no_more_than_a_linear_share(letter: str, encoding: Encoding) -> None:
    """A quadratic step would cost 64 times; CPU time of this thread, best of three, so that a busy machine is no matter."""

    def cost(size: int) -> float:
        text = (letter * size)[:size]
        spent = []
        for _ in range(3):
            start = time.thread_time_ns()
            count_tokens(text, encoding)
            spent.append(time.thread_time_ns() - start)
        return min(spent)

    assert any(cost(131_072) < 32 * max(cost(16_384), 1) for _ in range(8))


def test_a_megabyte_of_one_letter_is_counted_exactly() -> None:
    assert count_tokens("a" * 1_000_000, "o200k_base") == 125_000


@pytest.mark.parametrize(
    ("model", "encoding", "exact"),
    [
        ("gpt-4o-mini", "o200k_base", True),
        ("openai/gpt-4o-search-preview", "o200k_base", True),
        ("ft:gpt-4o:acme::abc", "o200k_base", True),
        ("o3-mini", "o200k_base", True),
        ("gpt-5.1-codex", "o200k_base", True),
        ("gpt-4-turbo", "cl100k_base", True),
        ("gpt-3.5-turbo-0125", "cl100k_base", True),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3", True),
        ("Qwen/Qwen3-8B", "qwen3", True),
        ("qwen3.5-max", "qwen3", False),
        ("deepseek-chat", "deepseek_v3", False),
        ("claude-sonnet-4-5", "o200k_base", False),
        ("gemini-3-pro", "o200k_base", False),
        ("", "o200k_base", False),
    ],
)
def test_a_model_is_counted_with_its_own_tokenizer_or_marked_an_estimate(
    model: str, encoding: str, exact: bool
) -> None:
    assert encoding_for(model) == (encoding, exact)


def test_a_chat_is_counted_with_the_documented_overhead() -> None:
    """The example of OpenAI's cookbook on counting tokens; its figure of 124 is what the API itself answered."""
    messages = [
        {"role": "system", "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
        {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
        {"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."},
        {"role": "system", "name": "example_user", "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
        {"role": "system", "name": "example_assistant", "content": "Let's talk later when we're less busy about how to do better."},
        {"role": "user", "content": "This late pivot means we don't have time to boil the ocean for the client deliverable."},
    ]  # fmt: skip

    count = count_prompt(chat(messages))

    assert (count.tokens, count.exact) == (124, True)
    assert count_prompt(chat(messages), "gpt-4").tokens == 129


def test_parts_of_text_are_counted_exactly_and_other_parts_make_an_estimate() -> None:
    text = {"type": "text", "text": "What is this?"}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}

    plain = count_prompt(chat([{"role": "user", "content": [text]}]))
    mixed = count_prompt(chat([{"role": "user", "content": [text, image]}]))

    assert plain == count_prompt(chat([{"role": "user", "content": "What is this?"}]))
    assert plain.exact and not mixed.exact
    assert plain.tokens < mixed.tokens < 1000


def test_tools_and_tool_calls_make_an_estimate_and_are_not_left_out() -> None:
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "w", "arguments": "{}"}}]},
    ]  # fmt: skip
    tools = [{"type": "function", "function": {"name": "w", "parameters": {"type": "object"}}}]

    without, with_tools = count_prompt(chat(messages)), count_prompt(chat(messages, tools=tools))

    assert not without.exact and not with_tools.exact
    assert with_tools.tokens > without.tokens > 10
