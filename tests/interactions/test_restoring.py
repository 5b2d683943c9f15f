"""What a provider answers has everything back in its place: in text, in tool arguments, across split chunks."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.interactions.restoring import Restoring
from synthlang_router.models import ChatChunk, Dialect
from synthlang_router.wire import DIALECTS

ORIGINALS = {"[EMAIL_1]": "ann@example.org", "[EMAIL_12]": "z@y.de", "[SECRET_1]": '-----\n"quoted" \\ key é'}
TEXT = "Hi [EMAIL_1], [not one] [EMAIL_9] [EMAIL_12][SECRET_1] [EMAIL_"
RESTORED = 'Hi ann@example.org, [not one] [EMAIL_9] z@y.de-----\n"quoted" \\ key é [EMAIL_'


def pieces(text: str, cuts: list[int]) -> list[str]:
    bounds = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    return [text[start:end] for start, end in pairwise(bounds) if start < end]


def sse(payloads: list[dict[str, Any]], events: list[str] | None = None) -> bytes:
    names = [None] * len(payloads) if events is None else events
    return b"".join(
        (b"" if name is None else b"event: " + name.encode() + b"\n")
        + b"data: "
        + json.dumps(payload).encode()
        + b"\n\n"
        for payload, name in zip(payloads, names, strict=True)
    )


def restored(dialect: Dialect, stream: bytes) -> list[ChatChunk]:
    reader = DIALECTS[dialect].read_stream()
    restoring = Restoring(ORIGINALS)
    out: list[ChatChunk] = []
    for chunk in [*reader.feed(stream), *reader.end()]:
        out += restoring.chunk(chunk)
    return out + restoring.end()


def delta(**fields: Any) -> dict[str, Any]:
    return {"id": "x", "model": "m", "choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


END = {"id": "x", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
Cuts = st.lists(st.integers(0, 100), max_size=30)


@given(Cuts)
def test_a_text_is_restored_however_it_was_cut(cuts: list[int]) -> None:
    chunks = restored(
        "openai",
        sse([delta(role="assistant"), *(delta(content=piece) for piece in pieces(TEXT, cuts)), END])
        + b"data: [DONE]\n\n",
    )

    sent = [json.loads(chunk.raw) for chunk in chunks]
    assert "".join(one["choices"][0]["delta"].get("content") or "" for one in sent) == RESTORED
    assert "".join(chunk.content or "" for chunk in chunks) == RESTORED
    assert sent[-1]["choices"][0]["finish_reason"] == "stop"
    completion = DIALECTS["openai"].fold(chunks)
    assert completion.content == RESTORED


@given(Cuts)
def test_tool_arguments_stay_json_however_they_were_cut(cuts: list[int]) -> None:
    arguments = json.dumps({"to": "[EMAIL_1]", "key": "[SECRET_1]"})

    def call(piece: str) -> dict[str, Any]:
        return delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}])

    chunks = restored(
        "openai", sse([*(call(piece) for piece in pieces(arguments, cuts)), END]) + b"data: [DONE]\n\n"
    )

    joined = "".join(call.arguments or "" for chunk in chunks for call in chunk.tool_calls)
    assert json.loads(joined) == {"to": ORIGINALS["[EMAIL_1]"], "key": ORIGINALS["[SECRET_1]"]}


@given(Cuts)
def test_two_choices_that_come_in_turns_are_kept_apart(cuts: list[int]) -> None:
    parts = pieces(TEXT, cuts)
    payloads = [
        {"choices": [{"index": index, "delta": {"content": piece}, "finish_reason": None}]}
        for piece in parts
        for index in (0, 1)
    ]
    ends: list[dict[str, Any]] = [
        {"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]} for index in (0, 1)
    ]

    chunks = restored("openai", sse(payloads + ends) + b"data: [DONE]\n\n")

    for index in (0, 1):
        assert "".join(chunk.content or "" for chunk in chunks if chunk.index == index) == RESTORED


@given(Cuts)
def test_a_messages_stream_is_restored_before_its_block_ends(cuts: list[int]) -> None:
    texts = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        for piece in pieces(TEXT, cuts)
    ]
    payloads: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *texts,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]

    chunks = restored("anthropic", sse(payloads, [payload["type"] for payload in payloads]))

    assert "".join(json.loads(chunk.raw).get("delta", {}).get("text", "") for chunk in chunks) == RESTORED
    kinds = [chunk.event for chunk in chunks]
    assert kinds.index("content_block_stop") > max(
        place for place, kind in enumerate(kinds) if kind == "content_block_delta"
    )


def test_frames_without_a_placeholder_are_passed_on_untouched() -> None:
    stream = sse([delta(content="plain [x] text"), END]) + b"data: [DONE]\n\n"

    chunks = restored("openai", stream)

    assert chunks[0].raw in stream


def test_a_whole_answer_is_restored_in_text_and_arguments() -> None:
    arguments = json.dumps({"key": "[SECRET_1]"})
    message = {
        "role": "assistant",
        "content": "To [EMAIL_1]",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}],
    }
    body = {"id": "x", "object": "chat.completion", "model": "m"} | {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]
    }

    whole = Restoring(ORIGINALS).completion(DIALECTS["openai"].read_completion(json.dumps(body).encode()))

    told = json.loads(whole.raw)["choices"][0]["message"]
    assert told["content"] == whole.content == "To ann@example.org"
    assert json.loads(told["tool_calls"][0]["function"]["arguments"]) == {"key": ORIGINALS["[SECRET_1]"]}


@given(Cuts)
def test_a_responses_stream_is_restored_in_its_pieces_and_in_what_repeats_them(cuts: list[int]) -> None:
    arguments = json.dumps({"key": "[SECRET_1]"})
    text = [{"type": "response.output_text.delta", "delta": piece} for piece in pieces(TEXT, cuts)]
    call = [
        {"type": "response.function_call_arguments.delta", "delta": piece}
        for piece in pieces(arguments, cuts)
    ]
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": TEXT}]}]
    payloads: list[dict[str, Any]] = [
        *text,
        {"type": "response.output_text.done", "text": TEXT},
        *call,
        {"type": "response.function_call_arguments.done", "arguments": arguments},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": output}},
    ]

    restoring = Restoring(ORIGINALS)
    chunks: list[ChatChunk] = []
    for payload in payloads:
        chunks += restoring.chunk(ChatChunk(json.dumps(payload).encode(), event=payload["type"]))
    sent = [json.loads(chunk.raw) for chunk in chunks + restoring.end()]

    def joined(kind: str) -> str:
        return "".join(one["delta"] for one in sent if one["type"] == kind)

    assert joined("response.output_text.delta") == RESTORED
    assert json.loads(joined("response.function_call_arguments.delta"))["key"] == ORIGINALS["[SECRET_1]"]
    assert sent[-1]["response"]["output"][0]["content"][0]["text"] == RESTORED
    done = {one["type"]: one for one in sent}
    assert done["response.output_text.done"]["text"] == RESTORED
    assert (
        json.loads(done["response.function_call_arguments.done"]["arguments"])["key"]
        == ORIGINALS["[SECRET_1]"]
    )
