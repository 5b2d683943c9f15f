"""Answers of Anthropic and Gemini as OpenAI's chat, read by the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import omit
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion as SdkCompletion
from openai.types.chat import ChatCompletionChunk

from synthlang_router.errors import ProviderProtocolError, ProviderRejected
from synthlang_router.wire import DIALECTS
from synthlang_router.wire.bridges import interpret
from tests.wire.recorded import Recorded, read, recorded
from tests.wire.spoken import (
    CHATS,
    PROVIDERS,
    calls_of,
    case_of,
    folded,
    name,
    voice,
)


@pytest.mark.parametrize("case", CHATS, ids=name)
def test_the_openai_sdk_reads_the_frames(case: Recorded) -> None:
    state: Any = ChatCompletionStreamState(input_tools=omit, response_format=omit)
    for chunk in read(case.stream(), [case.body])[0]:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(chunk.raw, strict=True))

    found = state.current_completion_snapshot

    assert (found.choices[0].message.content or None) == (case.expect["content"] or None)
    finishes = ["length" if reason == "pause_turn" else reason for reason in case.expect["finish"]]
    assert [choice.finish_reason for choice in found.choices] == finishes


@pytest.mark.parametrize(
    "case", [case for case in recorded("completions", *PROVIDERS[1:]) if not case.fails], ids=name
)
def test_the_openai_sdk_reads_the_completions(case: Recorded) -> None:
    completion = case.codec.voice.read_completion(case.body)

    found = SdkCompletion.model_validate_json(completion.raw, strict=True)

    assert (found.choices[0].message.content or None) == (case.expect["content"] or None)
    assert found.usage is not None
    assert [found.usage.prompt_tokens, found.usage.completion_tokens] == case.expect["usage"]


@pytest.mark.parametrize("case", [case for case in CHATS if "tool_calls" in case.expect], ids=name)
def test_tool_calls_keep_their_ids_names_and_arguments(case: Recorded) -> None:
    expected = [(call[0], call[1], json.loads(call[2])) for call in case.expect["tool_calls"]]

    assert calls_of(case) == expected


def test_signed_thoughts_come_back_as_reasoning_details() -> None:
    case = case_of("anthropic", "thinking")

    message = json.loads(folded(case).raw)["choices"][0]["message"]

    assert message["reasoning_content"] == case.expect["thinking"]
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": case.expect["thinking"], "signature": case.expect["signature"],
         "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "EmwKAhgBEgy3va3p", "format": "anthropic-claude-v1", "index": 1},
    ]  # fmt: skip


@pytest.mark.parametrize("case", [case for case in CHATS if "message" in case.expect], ids=name)
def test_what_gemini_says_beside_text_comes_in_the_message(case: Recorded) -> None:
    message = json.loads(folded(case).raw)["choices"][0]["message"]

    assert {key: message[key] for key in case.expect["message"]} == case.expect["message"]


def test_geminis_thought_signatures_stay_with_their_calls() -> None:
    case = case_of("gemini", "function_calls")

    calls = json.loads(folded(case).raw)["choices"][0]["message"]["tool_calls"]

    found = [call.get("extra_content", {}).get("google", {}).get("thought_signature") for call in calls]
    assert found == case.expect["signatures"]


def test_usage_that_nobody_asked_for_is_hidden_and_leaves_no_trace() -> None:
    for case in (case_of("anthropic", "plain"), case_of("gemini", "plain")):
        chunks, _ = read(case.codec.voice.read_stream(hide_usage=True), [case.body])

        assert [chunk.hidden for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert all(b'"usage"' not in chunk.raw for chunk in chunks[:-1])


def test_a_prompt_too_long_for_anthropic_has_openais_code() -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 2 tokens > 1"}}'

    error = voice("chat", "anthropic").read_error(400, body)

    assert error.error_code == "context_length_exceeded"
    assert voice("messages", "anthropic").read_error(400, body).error_code is None


@pytest.mark.parametrize("packed", [False, True])
def test_geminis_embeddings_come_in_openais_form(packed: bool) -> None:
    body = json.dumps(
        {"model": "m", "input": ["a", "b"], "encoding_format": "base64" if packed else "float"}
    ).encode()
    reader = interpret(DIALECTS["openai"].read_request(body, "embeddings"), "gemini", created=1)

    answer = reader.read_embedding(b'{"embeddings":[{"values":[0.10,1]},{"values":[0.5,-2]}]}')

    data = json.loads(answer.raw)["data"]
    assert [one["index"] for one in data] == [0, 1]
    assert data[1]["embedding"] == ("AAAAPwAAAMA=" if packed else [0.5, -2])
    for broken in (
        b"{}",
        b'{"embeddings":[{"values":["x"]}]}',
        b'{"error":{"code":400,"message":"no"}}',
        b"<html>",
    ):
        with pytest.raises((ProviderProtocolError, ProviderRejected)):
            reader.read_embedding(broken)
