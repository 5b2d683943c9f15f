"""The official OpenAI client, unchanged, through a real gateway process to a real provider process."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.doubles.processes import KEY, GatewayProcess, UpstreamProcess
from tests.doubles.waiting import eventually


class Weather(BaseModel):
    city: str
    degrees: int


TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as running:
        yield running


def ask(text: str) -> Any:
    """A question nobody asked before."""
    return [{"role": "user", "content": f"{text} ({uuid.uuid4().hex})"}]


def test_a_question_is_answered_by_the_provider(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=ask("Hello"))

    assert answer.choices[0].message.content is not None
    assert answer.choices[0].message.content.startswith("You said: Hello")
    assert answer.usage is not None and answer.usage.total_tokens == 16


def test_a_stream_arrives_whole_and_in_order(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="gpt-4o-mini", messages=ask("Hello"), stream=True))

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.startswith("You said: Hello")
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_with_a_stream_that_asked_for_it(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=ask("Hello"), stream=True, stream_options={"include_usage": True}
    )

    last = list(stream)[-1]

    assert last.choices == []
    assert last.usage is not None and last.usage.total_tokens == 16


async def test_the_async_client_gets_answers_and_streams(gateway: GatewayProcess) -> None:
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        answer = await client.chat.completions.create(model="gpt-4o-mini", messages=ask("Hi"))
        stream = await client.chat.completions.create(model="gpt-4o-mini", messages=ask("Hi"), stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert (answer.choices[0].message.content or "").startswith("You said: Hi")
    assert text.startswith("You said: Hi")


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_arrive_whole(client: openai.OpenAI, stream: bool) -> None:
    if stream:
        with client.chat.completions.stream(
            model="gpt-4o-mini", messages=ask("[[tool]]"), tools=[TOOL]
        ) as events:
            message = events.get_final_completion().choices[0].message
    else:
        completion = client.chat.completions.create(
            model="gpt-4o-mini", messages=ask("[[tool]]"), tools=[TOOL]
        )
        message = completion.choices[0].message  # type: ignore[assignment] # the parsed class is a subclass

    assert message.tool_calls is not None
    assert message.tool_calls[0].function.arguments == '{"city": "Oslo"}'


def test_structured_output_is_parsed(client: openai.OpenAI) -> None:
    parsed = client.chat.completions.parse(
        model="gpt-4o-mini", messages=ask("Weather?"), response_format=Weather
    )

    assert parsed.choices[0].message.parsed == Weather(city="Oslo", degrees=7)


def test_embeddings_and_models(client: openai.OpenAI) -> None:
    embedding = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    names = [model.id for model in client.models.list()]

    assert [len(item.embedding) for item in embedding.data] == [2, 2]
    assert "gpt-4o-mini" in names
    assert client.models.retrieve("gpt-4o-mini").id == "gpt-4o-mini"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[status=400]]", openai.BadRequestError),
        ("[[status=404]]", openai.NotFoundError),
        ("[[status=429]]", openai.RateLimitError),
        ("[[status=401]]", openai.InternalServerError),
        ("[[status=503]]", openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_error_is_the_sdks_own_exception(
    client: openai.OpenAI, text: str, expected: type[openai.APIStatusError], stream: bool
) -> None:
    with pytest.raises(expected) as caught:
        client.chat.completions.create(model="gpt-4o-mini", messages=ask(text), stream=stream)

    if text == "[[status=400]]":
        assert caught.value.code == "bad_thing"
        assert "upstream says 400" in caught.value.message
    if text == "[[status=401]]":
        assert (caught.value.status_code, caught.value.code) == (502, "upstream_auth")


def test_a_bad_key_and_an_unknown_model_are_told_as_openai_does(
    gateway: GatewayProcess, client: openai.OpenAI
) -> None:
    with (
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="sk-nobody", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.chat.completions.create(model="gpt-4o-mini", messages=ask("Hi"))
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=ask("Hi"))
    assert caught.value.code == "model_not_found"


def test_a_cut_stream_raises_and_is_not_a_stop(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=ask("[[cut=3]]"), stream=True)

    seen = []
    with pytest.raises(openai.APIError):
        for chunk in stream:
            seen.append(chunk)

    assert seen
    assert all(chunk.choices[0].finish_reason is None for chunk in seen)


def test_the_second_time_the_provider_is_not_called_and_streams_share_the_answer(
    client: openai.OpenAI, upstream: UpstreamProcess
) -> None:
    messages = ask("Once")
    first = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=messages)
    calls = len(upstream.calls())
    time.sleep(0.05)

    second = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=messages)
    streamed = list(client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True))

    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("MISS", "HIT")
    assert second.parse().choices[0].message.content == first.parse().choices[0].message.content
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in streamed)
        == first.parse().choices[0].message.content
    )
    assert second.parse().id != first.parse().id
    assert len(upstream.calls()) == calls


async def test_every_answer_has_its_row_under_the_clients_request_id(
    client: openai.OpenAI, gateway: GatewayProcess
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="alias", messages=ask("Row"), extra_headers={"x-request-id": f"row-{uuid.uuid4().hex}"}
    )
    asked = raw.headers["x-request-id"]

    rows = await eventually(gateway.rows, lambda rows: any(row["request_id"] == asked for row in rows))

    (row,) = [row for row in rows if row["request_id"] == asked]
    assert raw.headers["x-synthlang-model"] == "real-name"
    assert row["status"] == 200


def test_the_provider_never_sees_what_is_ours(client: openai.OpenAI, upstream: UpstreamProcess) -> None:
    client.chat.completions.create(
        model="gpt-4o-mini",
        messages=ask("Secret"),
        extra_headers={"cookie": "a=b", "x-synthlang-tags": "team=x"},
    )

    headers = upstream.calls()[-1]["headers"]

    assert headers["authorization"] == "Bearer sk-provider-secret"
    assert KEY not in str(headers)
    assert not [name for name in headers if name.startswith(("x-synthlang", "cookie", "x-stainless"))]
