"""A provider's own responses: relayed, folded, replayed."""

from __future__ import annotations

import json
from typing import Final

import pytest

from synthlang_router.errors import ProviderError, ProviderProtocolError, ProviderRejected
from synthlang_router.wire import DIALECTS
from synthlang_router.wire.openai.responses import ResponsesStream, parse_response
from tests.wire.recorded import read
from tests.wire.spoken import (
    RESPONSES,
    Plain,
    voice,
)


def relayed(events: list[Plain]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


BEGUN: Final[Plain] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "in_progress",
    "output": [],
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
}
ITEM: Final[Plain] = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}  # fmt: skip
USAGE: Final[Plain] = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 1}}  # fmt: skip
DONE: Final[Plain] = {**BEGUN, "status": "completed", "output": [ITEM], "usage": USAGE}
LIVE: Final[list[Plain]] = [
    {"type": "response.created", "response": BEGUN, "sequence_number": 0},
    {"type": "response.web_search_call.in_progress", "output_index": 0, "item_id": "ws_1", "sequence_number": 1},
    {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Hi", "sequence_number": 2},
    {"type": "response.output_item.done", "output_index": 0, "item": ITEM, "sequence_number": 3},
    {"type": "response.completed", "response": DONE, "sequence_number": 4},
]  # fmt: skip


def test_a_providers_own_responses_are_relayed_event_by_event() -> None:
    reader = voice("responses", "openai", serves_responses=True).read_stream()

    chunks, error = read(reader, [relayed(LIVE)])

    assert error is None
    assert [json.loads(chunk.raw) for chunk in chunks] == LIVE
    answer = DIALECTS["openai"].fold(chunks)
    assert json.loads(answer.raw) == DONE
    assert (answer.content, answer.finish_reasons) == ("Hi", ("stop",))
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.cached_tokens, answer.usage.reasoning_tokens) == (
        3,
        2,
        1,
    )


@pytest.mark.parametrize("kept", [1, 2, 3, 4])
def test_a_providers_own_response_that_is_cut_is_no_answer_but_leaves_its_transcript(kept: int) -> None:
    chunks, error = read(ResponsesStream(()), [relayed(LIVE[:kept])])

    assert isinstance(error, ProviderProtocolError)
    assert DIALECTS["openai"].fold(chunks).content == ("Hi" if kept == 4 else None)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.failed", "response": {**BEGUN, "status": "failed", "error": {"code": "server_error", "message": "overheated"}}},
        {"type": "error", "code": "server_error", "message": "overheated", "param": None},
        {"type": "error", "error": {"type": "server_error", "message": "overheated"}},
    ],
)  # fmt: skip
def test_a_providers_own_response_that_fails_is_its_error(event: Plain) -> None:
    _, error = read(ResponsesStream(()), [relayed([*LIVE[:3], event])])

    assert isinstance(error, ProviderRejected)
    assert error.message == "overheated"


def test_a_whole_response_replays_as_events_and_folds_back() -> None:
    call = {
        "id": "fc_1",
        "type": "function_call",
        "call_id": "c",
        "name": "f",
        "arguments": "{}",
        "status": "completed",
    }
    refusal = {**ITEM, "id": "msg_2", "content": [{"type": "refusal", "refusal": "no"}]}
    answer = parse_response(json.dumps({**DONE, "output": [ITEM, refusal, call]}).encode())
    wire = DIALECTS["openai"]

    chunks = wire.unfold(answer, new_id="resp_2", created=9, include_usage=False)

    plain = json.loads(wire.fold(chunks).raw)
    assert plain == {**json.loads(answer.raw), "id": "resp_2", "created_at": 9}
    assert json.loads(wire.refresh(answer, new_id="resp_2", created=9)) == plain
    assert [RESPONSES.validate_json(chunk.raw).type for chunk in chunks] == [chunk.event for chunk in chunks]
    assert read(ResponsesStream(()), [relayed([json.loads(chunk.raw) for chunk in chunks])])[1] is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b"{}",
        b'{"output":{}}',
        b'{"output":[],"x":"\xff"}',
        b'{"error":{"message":"no"}}',
    ],
)
def test_what_is_no_response_is_an_error(body: bytes) -> None:
    with pytest.raises(ProviderError):
        parse_response(body)


def test_json_for_a_stream_of_a_response_is_its_events() -> None:
    chunks, error = read(ResponsesStream(()), [json.dumps(DONE).encode()])

    assert error is None
    assert chunks[-1].event == "response.completed"
