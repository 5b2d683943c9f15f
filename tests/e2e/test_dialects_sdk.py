"""The official clients over every dialect: responses, completions, messages and counts, streamed and not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import anthropic
import openai
import pytest
import pytest_asyncio

from tests.doubles.answers import SSE_HEAD, chunk, completion, error, event, http, stream
from tests.doubles.anthropic import ANTHROPIC_TEXT, MESSAGE, MESSAGE_STREAM
from tests.doubles.processes import KEY, GatewayProcess
from tests.doubles.upstream import Script, ScriptedUpstream, SeenRequest

CONFIG: Final = """\
providers:
  native: {{base_url: "{origin}/native/v1", api_key: sk-native}}
  chatty: {{base_url: "{origin}/chatty/v1", api_key: sk-chatty, vendor: vllm}}
  claude: {{dialect: anthropic, base_url: "{origin}/claude", api_key: sk-claude}}
  gemini: {{dialect: gemini, base_url: "{origin}/gemini/v1beta", api_key: sk-gemini}}
keys: [{{name: e2e, key: {key}, requests_per_minute: 1000000, concurrency: 1000}}]
cache: {{semantic: {{enabled: false}}, exact: {{enabled: false}}}}
"""
GEMINI: Final[dict[str, Any]] = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Bonjour."}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12},
    "modelVersion": "gemini-x",
}
TEXT_PART: Final = {"type": "output_text", "text": "Bonjour.", "annotations": []}
RESPONSE: Final[dict[str, Any]] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "completed",
    "model": "gpt-x",
    "output": [
        {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": [TEXT_PART]}
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 12,
    },
}
PLACE: Final = {"item_id": "m1", "output_index": 0, "content_index": 0}
ITEM: Final = {"id": "m1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
RESPONSE_EVENTS: Final[list[dict[str, Any]]] = [
    {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": ITEM},
    {"type": "response.content_part.added", **PLACE, "part": {**TEXT_PART, "text": ""}},
    {"type": "response.output_text.delta", **PLACE, "delta": "Bonjour.", "logprobs": []},
    {"type": "response.output_text.done", **PLACE, "text": "Bonjour.", "logprobs": []},
    {"type": "response.completed", "response": RESPONSE},
]
LEGACY: Final[dict[str, Any]] = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1700000000,
    "model": "m",
    "choices": [{"index": 0, "text": "Bonjour.", "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}


def named(events: list[dict[str, Any]]) -> bytes:
    return "".join(
        f"event: {one['type']}\ndata: {json.dumps({**one, 'sequence_number': number})}\n\n"
        for number, one in enumerate(events)
    ).encode()


def as_json(value: object) -> list[bytes]:
    return [http(json.dumps(value).encode())]


def spoken(request: SeenRequest) -> Script:
    """What a provider of the path's dialect says, in one piece or streamed."""
    if request.method == "GET":
        return [error("404 Not Found")]
    _, name, *rest = request.target.partition("?")[0].split("/")
    path = "/".join(rest)
    if path.endswith("count_tokens"):
        return as_json({"input_tokens": 17})
    if name == "gemini":
        if "stream" in path:
            return [SSE_HEAD + chunk(event(json.dumps(GEMINI).encode())) + chunk(b"")]
        return as_json(GEMINI)
    streamed = request.json().get("stream") is True
    if name == "claude":
        return [MESSAGE_STREAM if streamed else MESSAGE]
    if path.endswith("responses"):
        return [http(named(RESPONSE_EVENTS), kind="text/event-stream")] if streamed else as_json(RESPONSE)
    if path.endswith("chat/completions"):
        return [stream("Bon", "jour.") if streamed else completion("Bonjour.")]
    frame = event(json.dumps({**LEGACY, "usage": None}).encode()) + event(b"[DONE]")
    return [http(frame, kind="text/event-stream")] if streamed else as_json(LEGACY)


@dataclass
class Spoken:
    gateway: GatewayProcess
    upstream: ScriptedUpstream

    @property
    def asked(self) -> list[str]:
        """Where the questions went."""
        return [seen.target.partition("?")[0] for seen in self.upstream.requests if seen.method == "POST"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Spoken]:
    async with ScriptedUpstream(spoken) as upstream:
        gateway = GatewayProcess(
            tmp_path_factory.mktemp("dialects"), CONFIG.format(origin=upstream.origin, key=KEY)
        )
        await asyncio.to_thread(gateway.start)
        try:
            yield Spoken(gateway, upstream)
        finally:
            gateway.end()


@pytest.fixture(autouse=True)
def nothing_asked(house: Spoken) -> None:
    house.upstream.requests.clear()


@pytest_asyncio.fixture(loop_scope="module")
async def gpt(house: Spoken) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{house.gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def claude(house: Spoken) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=house.gateway.url, api_key=KEY, max_retries=0) as client:
        yield client


pytestmark = pytest.mark.asyncio(loop_scope="module")

WHERE: Final = [
    ("native/m", "/native/v1/responses"),
    ("chatty/m", "/chatty/v1/chat/completions"),
    ("claude/m", "/claude/v1/messages"),
    ("gemini/m", "/gemini/v1beta/models/m:generateContent"),
]
ALL: Final = [model for model, _ in WHERE]


@pytest.mark.parametrize(("model", "path"), WHERE)
async def test_a_response_comes_from_every_dialect(
    gpt: openai.AsyncOpenAI, house: Spoken, model: str, path: str
) -> None:
    answer = await gpt.responses.create(model=model, input="Hello", max_output_tokens=50)

    assert (answer.output_text, answer.status) == ("Bonjour.", "completed")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (9, 3)
    assert house.asked == [path]


@pytest.mark.parametrize("model", ALL)
async def test_a_response_is_streamed_from_every_dialect(gpt: openai.AsyncOpenAI, model: str) -> None:
    text = ""
    async with gpt.responses.stream(model=model, input="Hello") as events:
        async for one in events:
            if one.type == "response.output_text.delta":
                text += one.delta
        final = await events.get_final_response()

    assert (text, final.output_text, final.status) == ("Bonjour.", "Bonjour.", "completed")


@pytest.mark.parametrize("model", ["chatty/m", "claude/m", "gemini/m"])
@pytest.mark.parametrize(
    "fields", [{"previous_response_id": "resp_0"}, {"background": True}, {"conversation": "conv_1"}]
)
async def test_a_response_that_needs_a_memory_is_refused_where_there_is_none(
    gpt: openai.AsyncOpenAI, house: Spoken, model: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await gpt.responses.create(model=model, input="Hello", **fields)

    assert caught.value.param in fields
    assert house.asked == []


async def test_a_response_with_a_memory_is_relayed_where_the_provider_has_one(
    gpt: openai.AsyncOpenAI, house: Spoken
) -> None:
    await gpt.responses.create(model="native/m", input="Hello", previous_response_id="resp_0")

    assert house.upstream.requests[-1].json()["previous_response_id"] == "resp_0"


@pytest.mark.parametrize("model", ["native/m", "chatty/m"])
async def test_completions_are_relayed_whole_and_streamed(gpt: openai.AsyncOpenAI, model: str) -> None:
    whole = await gpt.completions.create(model=model, prompt="Hello", max_tokens=5)
    text = ""
    async for one in await gpt.completions.create(model=model, prompt="Hello", stream=True):
        text += one.choices[0].text

    assert (whole.choices[0].text, text) == ("Bonjour.", "Bonjour.")


@pytest.mark.parametrize("model", ["claude/m", "gemini/m"])
async def test_completions_are_refused_by_those_who_have_none(
    gpt: openai.AsyncOpenAI, house: Spoken, model: str
) -> None:
    with pytest.raises(openai.BadRequestError):
        await gpt.completions.create(model=model, prompt="Hello")

    assert house.asked == []


@pytest.mark.parametrize("model", ALL)
async def test_chat_comes_from_every_dialect_whole_and_streamed(gpt: openai.AsyncOpenAI, model: str) -> None:
    asked: Any = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    whole = await gpt.chat.completions.create(**asked)
    chunks = [one async for one in await gpt.chat.completions.create(**asked, stream=True)]

    assert whole.choices[0].message.content == "Bonjour."
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "Bonjour."
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"


@pytest.mark.parametrize("model", ALL)
async def test_a_message_comes_from_every_dialect_whole_and_streamed(
    claude: anthropic.AsyncAnthropic, model: str
) -> None:
    asked: Any = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
    whole = await claude.messages.create(**asked)
    async with claude.messages.stream(**asked) as events:
        text = "".join([piece async for piece in events.text_stream])
        final = await events.get_final_message()

    assert (whole.content[0].type, whole.stop_reason) == ("text", "end_turn")
    assert [part.text for part in (*whole.content, *final.content) if part.type == "text"] == ["Bonjour."] * 2
    assert text == "Bonjour."
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (9, 3)


async def test_a_message_is_relayed_byte_for_byte_to_its_own_dialect(
    claude: anthropic.AsyncAnthropic, house: Spoken
) -> None:
    raw = await claude.messages.with_raw_response.create(
        model="claude/m",
        max_tokens=50,
        messages=[{"role": "user", "content": "Hello"}],
        extra_headers={"anthropic-beta": "one-2025-01-01,two-2025-02-02"},
    )

    seen = house.upstream.requests[-1]
    assert json.loads(await raw.read()) == ANTHROPIC_TEXT
    assert seen.header("anthropic-beta") == "one-2025-01-01,two-2025-02-02"
    assert seen.header("x-api-key") == "sk-claude"


async def test_tokens_are_counted_by_anthropic_itself_and_estimated_upwards_elsewhere(
    claude: anthropic.AsyncAnthropic, house: Spoken
) -> None:
    messages: Any = [{"role": "user", "content": "Hello there, how are you?"}]
    own = await claude.messages.count_tokens(model="claude/m", messages=messages)
    raw = await claude.messages.with_raw_response.count_tokens(model="gemini/m", messages=messages)

    assert own.input_tokens == 17
    assert (await raw.parse()).input_tokens >= 10
    assert raw.headers["x-synthlang-estimate"] == "upper"
    assert house.asked == ["/claude/v1/messages/count_tokens"]


@pytest.mark.parametrize("model", ["native/m", "gemini/m"])
async def test_embeddings_say_who_has_them(gpt: openai.AsyncOpenAI, house: Spoken, model: str) -> None:
    with pytest.raises(
        openai.APIStatusError
    ):  # these doubles give no vectors; what counts is where they are asked
        await gpt.embeddings.create(model=model, input="Hello", encoding_format="float")

    assert set(house.asked) == {
        "/native/v1/embeddings" if model == "native/m" else "/gemini/v1beta/models/m:batchEmbedContents"
    }


async def test_a_model_is_retrieved_by_its_name_with_a_slash_in_it(gpt: openai.AsyncOpenAI) -> None:
    assert (await gpt.models.retrieve("native/m")).id == "native/m"
    with pytest.raises(openai.NotFoundError):
        await gpt.models.retrieve("nobody-serves-this")
