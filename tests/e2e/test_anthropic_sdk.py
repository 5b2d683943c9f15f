"""The official Anthropic client, unchanged, through a real gateway process to a provider that speaks OpenAI."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.doubles.processes import KEY, GatewayProcess, UpstreamProcess

TOOL: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=KEY, max_retries=0) as running:
        yield running


def ask(text: str) -> Any:
    """A question nobody asked before."""
    return [{"role": "user", "content": f"{text} ({uuid.uuid4().hex})"}]


def test_a_message_is_answered(client: anthropic.Anthropic) -> None:
    answer = client.messages.create(model="gpt-4o-mini", max_tokens=100, messages=ask("Hello"))

    assert answer.content[0].type == "text"
    assert answer.content[0].text.startswith("You said: Hello")
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens + answer.usage.output_tokens == 16
    assert answer._request_id is not None


def test_a_stream_of_events_makes_the_message(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="gpt-4o-mini", max_tokens=100, messages=ask("Hello")) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text.startswith("You said: Hello")
    assert final.content[0].type == "text" and final.content[0].text == text
    assert final.stop_reason == "end_turn"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called(client: anthropic.Anthropic, streamed: bool) -> None:
    asked: Any = {
        "model": "gpt-4o-mini",
        "max_tokens": 100,
        "messages": ask("[[tool]]"),
        "tools": [TOOL],
    }
    if streamed:
        with client.messages.stream(**asked) as stream:
            answer: Any = stream.get_final_message()
    else:
        answer = client.messages.create(**asked)

    calls = [block for block in answer.content if block.type == "tool_use"]
    assert answer.stop_reason == "tool_use"
    assert calls[0].name == "get_weather"
    assert isinstance(calls[0].input, dict) and calls[0].input


def test_tokens_are_counted(client: anthropic.Anthropic) -> None:
    counted = client.messages.count_tokens(model="gpt-4o-mini", messages=ask("Hello"))

    assert counted.input_tokens > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[status=400]]", anthropic.BadRequestError),
        ("[[status=429]]", anthropic.RateLimitError),
        ("[[status=503]]", anthropic.InternalServerError),
    ],
)
def test_a_providers_error_is_the_sdks_own_exception(
    client: anthropic.Anthropic, text: str, expected: type[anthropic.APIStatusError]
) -> None:
    with pytest.raises(expected) as caught:
        client.messages.create(model="gpt-4o-mini", max_tokens=100, messages=ask(text))

    body: Any = caught.value.body
    assert body["type"] == "error"


def test_a_bad_key_and_an_unknown_model_are_told_as_anthropic_does(
    gateway: GatewayProcess, client: anthropic.Anthropic
) -> None:
    with (
        anthropic.Anthropic(base_url=gateway.url, api_key="sk-nobody", max_retries=0) as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        stranger.messages.create(model="gpt-4o-mini", max_tokens=100, messages=ask("Hi"))
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="no-such-model", max_tokens=100, messages=ask("Hi"))


def test_a_cut_stream_raises_and_is_not_an_end(client: anthropic.Anthropic) -> None:
    seen = []
    with (
        pytest.raises(anthropic.APIError),
        client.messages.stream(model="gpt-4o-mini", max_tokens=100, messages=ask("[[cut=3]]")) as stream,
    ):
        for event in stream:
            seen.append(event.type)

    assert "message_stop" not in seen


def test_the_provider_never_sees_the_gateways_key(
    client: anthropic.Anthropic, upstream: UpstreamProcess
) -> None:
    client.messages.create(model="gpt-4o-mini", max_tokens=100, messages=ask("Secret"))

    assert KEY not in str(upstream.calls()[-1]["headers"])
