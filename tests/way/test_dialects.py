"""The way of a request whose caller and provider do not speak alike, and of the kinds beside chat."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from synthlang_router.config import load
from synthlang_router.main import open_gateway
from tests.doubles.answers import completion, error, http, stream
from tests.doubles.anthropic import ANTHROPIC_TEXT, MESSAGE, MESSAGE_STREAM, SPOKEN
from tests.doubles.asgi import ASGIClient, Reply
from tests.doubles.upstream import Script, ScriptedUpstream
from tests.way.conftest import KEY, LIMITED, House, OpenHouse, Questions

CONFIG = """\
providers: {{upstream: {{dialect: {dialect}, base_url: "{url}", api_key: sk-provider-secret}}}}
models:
  - {{name: gpt-4o-mini, targets: [{{provider: upstream, model: real-name}}]}}
keys: [{{name: way, key: {key}, tenant: acme, user: alice}}]
data_dir: {data}
"""
GEMINI_TEXT = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Ciao."}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12},
    "modelVersion": "gemini-x",
    "responseId": "r1",
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "completed",
    "model": "gpt-x",
    "output": [
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi.", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12},
}
ASKED = {"model": "gpt-4o-mini", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}

OpenSpoken = Callable[..., Any]


@pytest.fixture
async def open_spoken(tmp_path: Path) -> AsyncIterator[OpenSpoken]:
    """`await open_spoken("anthropic", scripts)`: a house whose provider speaks so."""
    async with AsyncExitStack() as stack:

        async def opened(dialect: str, scripts: Sequence[Script]) -> House:
            upstream = await stack.enter_async_context(ScriptedUpstream(Questions(scripts)))
            path = tmp_path / "gateway.yaml"
            path.write_text(CONFIG.format(dialect=dialect, url=upstream.url, key=KEY, data=tmp_path / "data"))
            gateway = await stack.enter_async_context(open_gateway(load(path, {}, tmp_path)))
            return House(gateway, upstream, ASGIClient(gateway.app, KEY))

        yield opened


async def ask_messages(house: House, *, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    return await house.client.post("/v1/messages", {**ASKED, **fields}, headers=headers)


# Chat over providers that speak otherwise


async def test_chat_reaches_anthropic_in_its_own_words_and_comes_back_as_chat(
    open_spoken: OpenSpoken,
) -> None:
    house = await open_spoken("anthropic", [[MESSAGE]])

    reply = await house.client.chat("Hello", max_tokens=7)

    sent = house.asked[0]
    assert sent.target == "/v1/messages"
    assert sent.header("x-api-key") == "sk-provider-secret"
    assert sent.header("anthropic-version") == "2023-06-01"
    assert sent.header("authorization") is None
    assert (sent.json()["model"], sent.json()["max_tokens"]) == ("real-name", 7)
    assert reply.status == 200
    assert reply.json()["object"] == "chat.completion"
    assert reply.json()["choices"][0]["message"]["content"] == "Bonjour."
    assert reply.json()["usage"]["total_tokens"] == 12


async def test_a_stream_of_anthropics_is_a_stream_of_chat_chunks(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE_STREAM]])

    reply = await house.client.chat("Hello", stream=True)

    assert reply.text() == "Bonjour."
    assert reply.events()[-1] == "[DONE]"
    assert json.loads(reply.events()[-2])["choices"][0]["finish_reason"] == "stop"


async def test_a_stream_shows_usage_only_where_it_was_asked_for(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE_STREAM]])

    reply = await house.client.chat("Hello", stream=True, stream_options={"include_usage": True})

    assert json.loads(reply.events()[-2])["usage"]["total_tokens"] == 12


async def test_a_parameter_that_the_provider_does_not_take_is_named(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE]])

    reply = await house.client.chat("Hello", seed=4, logit_bias={"1": 2})

    assert sorted(reply.headers["x-synthlang-dropped-params"].split(",")) == ["logit_bias", "seed"]
    assert "seed" not in house.asked[0].json()
    assert sorted((await house.rows())[0]["dropped"]) == ["logit_bias", "seed"]


async def test_whoever_is_strict_gets_400_for_it_and_nothing_is_sent(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE]])

    reply = await house.client.chat("Hello", seed=4, headers={"x-synthlang-strict": "true"})

    assert reply.status == 400
    assert reply.json()["error"]["code"] == "unsupported_parameter"
    assert reply.json()["error"]["param"] == "seed"
    assert house.asked == []


async def test_a_strict_request_is_not_answered_by_what_a_lenient_one_got(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE]])
    await house.client.chat("Hello", logit_bias={"1": 2})

    reply = await house.client.chat("Hello", logit_bias={"1": 2}, headers={"x-synthlang-strict": "true"})

    assert reply.status == 400


async def test_anthropics_headers_and_query_do_not_reach_another_dialect(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("openai", [[completion("Hello!")]])

    await house.client.post(
        "/v1/messages?beta=true", ASKED, headers={"anthropic-version": "2023-06-01", "anthropic-beta": "x"}
    )

    assert house.asked[0].target == "/v1/chat/completions"
    assert not [name for name, _ in house.asked[0].headers if name.lower().startswith("anthropic")]


async def test_a_refusal_of_anthropics_is_the_callers_in_openais_shape(open_spoken: OpenSpoken) -> None:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 5"}}
    house = await open_spoken("anthropic", [[http(json.dumps(body).encode(), status="400 Bad Request")]])

    reply = await house.client.chat("Hello")

    assert reply.status == 400
    assert reply.json()["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize("streamed", [False, True])
async def test_chat_reaches_gemini_with_the_model_in_the_path(
    open_spoken: OpenSpoken, streamed: bool
) -> None:
    raw = json.dumps(GEMINI_TEXT).encode()
    answer = http(b"data: " + raw + b"\n\n", kind="text/event-stream") if streamed else http(raw)
    house = await open_spoken("gemini", [[answer]])

    reply = await house.client.chat("Hello", stream=streamed)

    method = "streamGenerateContent?alt=sse" if streamed else "generateContent"
    assert house.asked[0].target == f"/v1/models/real-name:{method}"
    assert house.asked[0].header("x-goog-api-key") == "sk-provider-secret"
    assert "model" not in house.asked[0].json()
    said = reply.text() if streamed else reply.json()["choices"][0]["message"]["content"]
    assert said == "Ciao."


# Messages


async def test_messages_are_relayed_to_anthropic_as_bytes_with_every_beta(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE]])
    sent = {"anthropic-version": "2023-06-01", "anthropic-beta": "a-1,b-2"}

    reply = await ask_messages(house, headers=sent, top_k=3, brand_new={"x": [1.50]})

    asked = house.asked[0]
    assert asked.header("anthropic-beta") == "a-1,b-2"
    assert asked.header("anthropic-version") == "2023-06-01"
    assert asked.json() == {**ASKED, "model": "real-name", "top_k": 3, "brand_new": {"x": [1.5]}}
    assert reply.body == json.dumps(ANTHROPIC_TEXT).encode()
    assert reply.headers["request-id"] == reply.headers["x-request-id"]


async def test_a_stream_of_messages_is_relayed_byte_for_byte(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE_STREAM]])

    reply = await ask_messages(house, stream=True)

    assert reply.body == SPOKEN
    assert b"[DONE]" not in reply.body


async def test_messages_over_openai_are_translated_and_drops_named(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("openai", [[completion("Hello!")]])

    reply = await ask_messages(house, top_k=3, system="Be kind.")

    assert house.asked[0].json()["messages"][0] == {"role": "system", "content": "Be kind."}
    assert reply.json()["content"] == [{"type": "text", "text": "Hello!"}]
    assert reply.json()["stop_reason"] == "end_turn"
    assert reply.json()["usage"]["output_tokens"] == 3
    assert reply.headers["x-synthlang-dropped-params"] == "top_k"


async def test_a_stream_over_openai_has_the_events_of_a_message(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("openai", [[stream("Hel", "lo")]])

    reply = await ask_messages(house, stream=True)

    names = [line[7:] for line in reply.body.decode().splitlines() if line.startswith("event: ")]
    assert names[0] == "message_start"
    assert names[-2:] == ["message_delta", "message_stop"]
    assert b"[DONE]" not in reply.body
    assert house.asked[0].json()["stream_options"] == {"include_usage": True}


async def test_a_provider_that_refuses_the_usage_option_is_asked_without_it(open_spoken: OpenSpoken) -> None:
    refusal = error("400 Bad Request", message="Unknown field: stream_options")
    house = await open_spoken("openai", [[refusal], [stream("Hello")]])

    reply = await ask_messages(house, stream=True)

    assert reply.status == 200
    assert "stream_options" not in house.asked[1].json()


async def test_a_message_is_replayed_from_the_cache_whole_and_streamed(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE]])
    await ask_messages(house)

    whole, streamed = await ask_messages(house), await ask_messages(house, stream=True)

    assert (whole.headers["x-cache"], streamed.headers["x-cache"]) == ("HIT", "HIT")
    assert whole.json()["id"].startswith("msg_") and whole.json()["id"] != "msg_1"
    assert streamed.body.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert len(house.asked) == 1


@pytest.mark.parametrize("first", ["chat", "messages"])
async def test_an_answer_in_one_dialect_is_never_served_to_the_other(
    open_spoken: OpenSpoken, first: str
) -> None:
    house = await open_spoken("openai", [[completion("Hello!")]])
    asks: list[Callable[[], Any]] = [
        lambda: house.client.post("/v1/chat/completions", ASKED),
        lambda: house.client.post("/v1/messages", ASKED),
    ]
    one, other = asks if first == "chat" else asks[::-1]

    await one()
    reply = await other()

    assert reply.headers["x-cache"] == "MISS"
    assert len(house.asked) == 2
    assert ("choices" in reply.json()) == (first == "messages")


@pytest.mark.parametrize(
    ("key", "path", "body", "status", "kind"),
    [
        ("sk-nobody", "/v1/messages", ASKED, 401, "authentication_error"),
        (KEY, "/v1/messages/batches", ASKED, 404, "not_found_error"),
        (KEY, "/v1/messages", {"model": "gpt-4o-mini"}, 400, "invalid_request_error"),
    ],
)
async def test_errors_of_messages_have_anthropics_shape(
    open_spoken: OpenSpoken, key: str, path: str, body: Any, status: int, kind: str
) -> None:
    house = await open_spoken("anthropic", [[MESSAGE]])

    reply = await house.as_key(key).post(path, body)

    assert reply.status == status
    assert reply.json()["type"] == "error"
    assert reply.json()["error"]["type"] == kind


async def test_over_the_rate_a_message_is_refused_in_anthropics_shape(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])
    limited = house.as_key(LIMITED)

    replies = [await limited.post("/v1/messages", ASKED) for _ in range(3)]

    assert replies[-1].status == 429
    assert replies[-1].json()["error"]["type"] == "rate_limit_error"
    assert "retry-after" in replies[-1].headers


async def test_a_stream_that_breaks_ends_in_anthropics_error_event(open_spoken: OpenSpoken) -> None:
    cut = SPOKEN[: SPOKEN.index(b"event: content_block_stop")]
    house = await open_spoken("anthropic", [[http(cut, kind="text/event-stream")]])

    reply = await ask_messages(house, stream=True)

    last = reply.body.decode().split("\n\n")[-2]
    assert last.startswith("event: error\ndata: ")
    assert json.loads(last.split("data: ")[1])["type"] == "error"
    assert b"message_stop" not in reply.body


# Counts of tokens


async def test_tokens_are_counted_by_the_provider_that_can(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[http(b'{"input_tokens": 14}')]])

    reply = await house.client.post("/v1/messages/count_tokens", {**ASKED, "max_tokens": None})

    assert house.asked[0].target == "/v1/messages/count_tokens"
    assert house.asked[0].json()["model"] == "real-name"
    assert reply.body == b'{"input_tokens": 14}'
    assert "x-synthlang-estimate" not in reply.headers


async def test_elsewhere_they_are_estimated_upwards_and_marked(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("openai", [[completion()]])
    result = {"type": "tool_result", "tool_use_id": "t", "content": "word " * 1000}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]

    reply = await house.client.post("/v1/messages/count_tokens", {"model": "gpt-4o-mini", "messages": turns})

    assert reply.json()["input_tokens"] > 1000
    assert reply.headers["x-synthlang-estimate"] == "upper"
    assert house.asked == []


# Completions and responses


async def test_completions_are_relayed(open_spoken: OpenSpoken) -> None:
    answer = {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "text": " world", "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    house = await open_spoken("openai", [[http(json.dumps(answer).encode())]])

    reply = await house.client.post("/v1/completions", {"model": "gpt-4o-mini", "prompt": "Hello"})

    assert house.asked[0].target == "/v1/completions"
    assert reply.body == json.dumps(answer).encode()


async def test_completions_are_refused_where_the_provider_has_none(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE]])

    reply = await house.client.post("/v1/completions", {"model": "gpt-4o-mini", "prompt": "Hello"})

    assert reply.status == 400
    assert house.asked == []


async def test_responses_are_relayed_where_the_provider_has_them(open_spoken: OpenSpoken) -> None:
    raw = json.dumps(RESPONSE).encode()
    house = await open_spoken("openai", [[http(raw)]])

    reply = await house.client.post(
        "/v1/responses", {"model": "gpt-4o-mini", "input": "Hi", "previous_response_id": "resp_0"}
    )

    assert house.asked[0].target == "/v1/responses"
    assert house.asked[0].json()["previous_response_id"] == "resp_0"
    assert reply.body == raw
    assert (await house.rows())[0]["tokens"].prompt == 9


async def test_responses_go_over_chat_where_the_provider_has_none(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE_STREAM]])

    reply = await house.client.post("/v1/responses", {"model": "gpt-4o-mini", "input": "Hi", "stream": True})

    events = [json.loads(event.split("data: ")[1]) for event in reply.body.decode().split("\n\n")[:-1]]
    assert house.asked[0].target == "/v1/messages"
    assert events[0]["type"] == "response.created"
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Bonjour."
    assert b"[DONE]" not in reply.body


async def test_a_response_that_needs_a_memory_is_refused_over_chat(open_spoken: OpenSpoken) -> None:
    house = await open_spoken("anthropic", [[MESSAGE]])

    reply = await house.client.post(
        "/v1/responses", {"model": "gpt-4o-mini", "input": "Hi", "previous_response_id": "resp_0"}
    )

    assert (reply.status, reply.json()["error"]["param"]) == (400, "previous_response_id")
    assert house.asked == []
