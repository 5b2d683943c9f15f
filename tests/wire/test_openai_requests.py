"""OpenAI request bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest
from synthlang_router.wire.openai import ask_for_usage, read_request

MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]


def chat(**fields: Any) -> ChatRequest:
    return read_request(json.dumps({"model": "gpt-4o", "messages": MESSAGES, **fields}).encode(), "chat")


def refusal(kind: str, **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as raised:
        read_request(json.dumps(fields).encode(), kind)
    return raised.value


def test_a_request_is_sent_on_as_it_came() -> None:
    body = b'{ "model":"gpt-4o","x":1.50, "messages":[{"role":"user","content":"Hi"}] , "stream":true}'

    request = read_request(body, "chat")

    assert request.body == body
    assert (request.model, request.stream, request.kind) == ("gpt-4o", True, "chat")
    assert request.messages == MESSAGES


def test_a_changed_request_keeps_every_other_value_byte_for_byte() -> None:
    body = b'{"model":"a","big":12345678901234567890.10,"messages":[ {"role":"user","content":"\\u00e9"} ]}'

    changed = read_request(body, "chat").with_fields({"model": b'"b"'})

    assert changed.model == "b"
    assert b"12345678901234567890.10" in changed.body
    assert b'[ {"role":"user","content":"\\u00e9"} ]' in changed.body


@pytest.mark.parametrize("content", ["Hi", None, [], [{"type": "text", "text": "Hi"}]], ids=repr)
def test_content_is_a_string_parts_or_nothing(content: Any) -> None:
    assert chat(messages=[{"role": "assistant", "content": content}]).messages[0]["content"] == content


def test_a_message_without_content_is_fine() -> None:
    assert chat(messages=[{"role": "assistant", "tool_calls": []}])


@pytest.mark.parametrize("value", [None, False, True])
def test_stream_is_a_boolean_or_null(value: bool | None) -> None:
    assert chat(stream=value).stream is (value is True)


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "model", "missing_required_parameter"),
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": 5}, "model", "invalid_type"),
        ({"model": ""}, "model", None),
        ({"model": "a\nb"}, "model", None),
        ({"model": "x" * 257}, "model", None),
        ({"model": "m"}, "messages", "missing_required_parameter"),
        ({"model": "m", "messages": "Hi"}, "messages", "invalid_type"),
        ({"model": "m", "messages": {}}, "messages", "invalid_type"),
        ({"model": "m", "messages": []}, "messages", "empty_array"),
        ({"model": "m", "messages": ["Hi"]}, "messages[0]", "invalid_type"),
        (
            {"model": "m", "messages": [*MESSAGES, {"content": "x"}]},
            "messages[1].role",
            "missing_required_parameter",
        ),
        ({"model": "m", "messages": [{"role": 1}]}, "messages[0].role", "invalid_type"),
        ({"model": "m", "messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
        (
            {"model": "m", "messages": [{"role": "user", "content": ["x"]}]},
            "messages[0].content[0]",
            "invalid_type",
        ),
        ({"model": "m", "messages": MESSAGES, "stream": "yes"}, "stream", "invalid_type"),
        ({"model": "m", "messages": MESSAGES, "temperature": "hot"}, "temperature", "invalid_type"),
        ({"model": "m", "messages": MESSAGES, "temperature": True}, "temperature", "invalid_type"),
        ({"model": "m", "messages": MESSAGES, "n": 1.5}, "n", "invalid_type"),
        ({"model": "m", "messages": MESSAGES, "user": 7}, "user", "invalid_type"),
        ({"model": "m", "messages": MESSAGES, "stream_options": []}, "stream_options", "invalid_type"),
        ({"model": "m", "messages": MESSAGES, "tools": {}}, "tools", "invalid_type"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(fields: dict[str, Any], param: str, code: str | None) -> None:
    error = refusal("chat", **fields)

    assert (error.param, error.error_code, error.http_status) == (param, code, 400)
    assert param in error.message


def test_null_is_absent_and_zero_is_a_value() -> None:
    request = chat(temperature=0, n=None, user=None)

    assert request.value("temperature") == 0
    assert request.value("n") is None


@pytest.mark.parametrize("given", ["Hi", ["Hi", "you"], [1, 2], [[1, 2], [3]]], ids=repr)
def test_embeddings_take_texts_and_tokens(given: Any) -> None:
    body = json.dumps({"model": "m", "input": given}).encode()

    assert read_request(body, "embeddings").value("input") == given


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (None, "input"),
        ("", "input"),
        ([], "input"),
        (5, "input"),
        ([None], "input[0]"),
        (["a", 1], "input[1]"),
    ],
    ids=repr,
)
def test_embeddings_refuse_anything_else(given: Any, param: str) -> None:
    assert refusal("embeddings", model="m", input=given).param == param


def test_completions_and_responses_have_their_own_fields() -> None:
    assert refusal("completions", model="m", prompt=5).param == "prompt"
    assert refusal("responses", model="m", input=5).param == "input"
    assert read_request(b'{"model":"m","prompt":["a"]}', "completions").kind == "completions"
    assert (
        read_request(b'{"model":"m","input":[{"role":"user","content":"Hi"}]}', "responses").kind
        == "responses"
    )


@pytest.mark.parametrize(
    "options", [None, {}, {"include_usage": False}, {"include_usage": None, "x": [1]}], ids=repr
)
def test_usage_is_asked_for_and_other_stream_options_stay(options: Any) -> None:
    asked = ask_for_usage(chat(stream=True, stream_options=options))

    assert asked is not None
    assert asked.value("stream_options") == {**(options or {}), "include_usage": True}
    assert asked.stream
    assert asked.messages == MESSAGES


def test_usage_that_the_caller_asked_for_is_not_asked_for_again() -> None:
    assert ask_for_usage(chat(stream=True, stream_options={"include_usage": True})) is None
