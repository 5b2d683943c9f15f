"""The provider without network, through the client's own reading of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import pytest

from synthlang_router.errors import ProviderProtocolError, ProviderRejected, ProviderTimeout
from synthlang_router.llm_provider.simulator import MAX_ANSWER, MODELS, SimulatedResponse, Simulator
from synthlang_router.llm_provider.transport import Timeouts, UpstreamRequest
from synthlang_router.models import ChatChunk, ChatCompletion
from synthlang_router.wire.openai import fold, read_completion, read_embedding, read_error, read_stream

WEATHER: Final = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def simulator() -> Simulator:
    return Simulator(count=lambda text: len(text.split()), clock=lambda: 1_700_000_000.5)


def request(
    path: str, body: dict[str, Any] | None, timeouts: Timeouts, total: float = 60.0
) -> UpstreamRequest:
    return UpstreamRequest(
        method="GET" if body is None else "POST",
        url=f"http://simulator.invalid{path}",
        headers=(),
        body=b"" if body is None else json.dumps(body).encode(),
        timeouts=timeouts,
        deadline=asyncio.get_running_loop().time() + total,
    )


async def send(path: str, body: dict[str, Any] | None, timeouts: Timeouts | None = None) -> SimulatedResponse:
    return await simulator().send(request(path, body, timeouts or Timeouts()))


async def drain(response: SimulatedResponse) -> bytes:
    blocks = []
    while block := await response.read():
        blocks.append(block)
    return b"".join(blocks)


async def ask(text: str, **fields: Any) -> ChatCompletion:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **fields}
    response = await send("/chat/completions", body)
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    return read_completion(await drain(response))


async def stream(text: str, **fields: Any) -> list[ChatChunk]:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "stream": True, **fields}
    response = await send("/chat/completions", body)
    assert response.headers["content-type"].startswith("text/event-stream")
    reader = read_stream()
    return reader.feed(await drain(response)) + reader.end()


async def refusal(path: str, body: dict[str, Any] | None) -> ProviderRejected:
    response = await send(path, body)
    error = read_error(response.status, await drain(response))
    assert isinstance(error, ProviderRejected)
    return error


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Echo: hello  there", "hello  there"),
        ("please repeat after me", "after me"),
        ("How many words are in here?", "Your message has 6 words."),
        (
            "Summarise: Short. This is the longest sentence here. End.",
            "In short: This is the longest sentence here.",
        ),
        ("Bonjour !", "This is the simulator, not a model. You wrote 1 words: Bonjour !"),
    ],
)
async def test_it_echoes_counts_summarises_and_otherwise_says_what_it_is(text: str, answer: str) -> None:
    assert (await ask(text)).content == answer


async def test_the_same_question_has_the_same_answer_and_another_has_another() -> None:
    assert await ask("echo a") == await ask("echo a")
    assert json.loads((await ask("echo a")).raw)["id"] != json.loads((await ask("echo b")).raw)["id"]


async def test_usage_is_counted() -> None:
    usage = (await ask("echo one two three")).usage

    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (11, 3)


async def test_a_streamed_answer_is_the_whole_one_in_pieces() -> None:
    text = "echo " + "word " * 60

    chunks = await stream(text, stream_options={"include_usage": True})

    assert len(chunks) > 5
    whole, folded = await ask(text), fold(chunks)
    assert (folded.content, folded.usage, folded.finish_reasons) == (
        whole.content,
        whole.usage,
        whole.finish_reasons,
    )


async def test_usage_of_a_stream_comes_only_if_asked_for() -> None:
    assert all(chunk.usage is None for chunk in await stream("echo x"))


@pytest.mark.parametrize(
    "choice", ["auto", "required", {"type": "function", "function": {"name": "get_weather"}}]
)
async def test_a_tool_is_called_when_it_is_asked_for(choice: Any) -> None:
    completion = await ask("What is the weather in Oslo?", tools=[WEATHER], tool_choice=choice)

    call = json.loads(completion.raw)["choices"][0]["message"]["tool_calls"][0]
    assert completion.finish_reasons == ("tool_calls",)
    assert call["function"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}


@pytest.mark.parametrize(("text", "choice"), [("Tell a joke", "auto"), ("weather in Oslo", "none")])
async def test_a_tool_that_nobody_asks_for_is_not_called(text: str, choice: str) -> None:
    assert not (await ask(text, tools=[WEATHER], tool_choice=choice)).has_tool_calls


async def test_a_streamed_tool_call_folds_into_the_whole_one() -> None:
    chunks = await stream("weather in Oslo", tools=[WEATHER])

    assert fold(chunks).has_tool_calls
    assert chunks[-1].finish_reason == "tool_calls"


async def test_a_tools_result_is_talked_about_and_the_tool_not_called_again() -> None:
    messages = [
        {"role": "user", "content": "weather?"},
        {"role": "tool", "tool_call_id": "a", "content": "weather: 4 °C"},
    ]
    body = {"model": "gpt-4o", "messages": messages, "tools": [WEATHER]}

    completion = read_completion(await drain(await send("/chat/completions", body)))

    assert completion.content == "The tool answered: weather: 4 °C"


async def test_json_is_answered_where_json_is_wanted() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }

    free = await ask("Give JSON", response_format={"type": "json_object"})
    strict = await ask(
        "Give JSON", response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    )

    assert json.loads(free.content or "") == {"you_said": "Give JSON", "words": 2}
    assert json.loads(strict.content or "") == {"n": 1}


async def test_n_and_max_tokens_are_respected() -> None:
    completion = await ask("echo one two three four", n=3, max_tokens=2)

    assert completion.content == "one two"
    assert completion.finish_reasons == ("length",) * 3
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 6


async def test_an_answer_is_bounded() -> None:
    assert len((await ask("echo " + "x" * 200_000)).content or "") == MAX_ANSWER


@pytest.mark.parametrize(("status", "code", "wait"), [(429, "rate_limit_exceeded", "1"), (503, None, None), (401, "invalid_api_key", None)])  # fmt: skip
async def test_it_fails_on_demand(status: int, code: str | None, wait: str | None) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": f"x [[fail={status}]]"}]}

    response = await send("/chat/completions", body)
    error = read_error(response.status, await drain(response))

    assert (error.http_status, error.error_code) == (status, code)
    assert response.headers.get("retry-after") == wait


async def test_a_status_that_is_no_failure_is_no_directive() -> None:
    assert (await ask("echo x [[fail=200]]")).content == "x"


async def test_it_breaks_off_on_demand() -> None:
    body = {
        "model": "m",
        "stream": True,
        "messages": [{"role": "user", "content": "echo [[cut=2]] " + "word " * 60}],
    }
    response = await send("/chat/completions", body)

    blocks = [await response.read(), await response.read()]

    assert all(block.startswith(b"data: {") for block in blocks)
    with pytest.raises(ProviderProtocolError):
        await response.read()


async def test_a_whole_answer_breaks_off_too() -> None:
    response = await send(
        "/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x [[cut=2]]"}]}
    )

    with pytest.raises(ProviderProtocolError):
        await response.read()


@pytest.mark.parametrize(
    ("streamed", "timeouts", "phase"),
    [(True, Timeouts(idle=0.02), "idle"), (False, Timeouts(first_token=0.02), "first_token")],
)
async def test_it_stalls_on_demand_until_the_time_limit(
    streamed: bool, timeouts: Timeouts, phase: str
) -> None:
    body = {"model": "m", "stream": streamed, "messages": [{"role": "user", "content": "x [[stall]]"}]}
    response = await send("/chat/completions", body, timeouts)

    with pytest.raises(ProviderTimeout) as raised:
        await drain(response)

    assert raised.value.phase == phase


async def test_the_deadline_of_the_whole_request_counts() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x [[stall]]"}]}
    response = await simulator().send(request("/chat/completions", body, Timeouts(), total=0.02))

    with pytest.raises(ProviderTimeout) as raised:
        await response.read()

    assert raised.value.phase == "total"


async def test_a_pace_delays_each_frame_and_ends_whole() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    chunks = await stream("echo [[delay=5]] " + "word " * 30)

    assert loop.time() - began >= 0.005 * len(chunks)
    assert chunks[-1].finish_reason == "stop"


async def test_a_closed_response_brings_nothing_more() -> None:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x [[delay=60000]]"}]}
    response = await send("/chat/completions", body)

    response.close()

    assert await response.read() == b""


async def test_text_completions_are_served() -> None:
    response = await send("/completions", {"model": "m", "prompt": "echo hello"})

    completion = read_completion(await drain(response))

    assert completion.content == "hello"
    assert json.loads(completion.raw)["object"] == "text_completion"


async def test_embeddings_are_served() -> None:
    response = await send("/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]})

    assert len(json.loads(read_embedding(await drain(response)).raw)["data"]) == 2


async def test_the_models_of_the_documentation_are_listed_and_found() -> None:
    listed = json.loads(await drain(await send("/models", None)))
    one = json.loads(await drain(await send("/models/o3-mini", None)))

    assert [model["id"] for model in listed["data"]] == list(MODELS)
    assert one["id"] == "o3-mini"
    assert (await refusal("/models/gpt-9", None)).error_code == "model_not_found"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/chat/completions", {"model": "m"}, 400),
        ("/chat/completions", {"model": "m", "messages": "x"}, 400),
        ("/embeddings", {"model": "m", "input": "x", "dimensions": 0}, 400),
        ("/images", {"model": "m"}, 404),
    ],
)
async def test_what_a_provider_would_refuse_is_refused(path: str, body: dict[str, Any], status: int) -> None:
    assert (await refusal(path, body)).http_status == status


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": {"type": "json_schema", "json_schema": "x"}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": 5}}},
        {
            "tools": [1, {"function": "x"}, {"function": {"name": 5, "parameters": [1]}}],
            "tool_choice": "required",
        },
        {"tools": [WEATHER], "tool_choice": {"function": 5}},
        {"n": -5, "max_tokens": -5},
    ],
)
async def test_odd_fields_are_no_crash(fields: dict[str, Any]) -> None:
    assert (await ask("weather in Oslo", **fields)).finish_reasons


async def test_a_large_question_is_answered_off_the_loop_and_the_same() -> None:
    assert (await ask("echo x" + " " * 100_000)).content == "x" + " " * (MAX_ANSWER - 1)
