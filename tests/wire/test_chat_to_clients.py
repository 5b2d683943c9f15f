"""Any provider's answers as messages and as responses, read by the official SDKs."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.responses import Response
from pydantic import TypeAdapter

from synthlang_router.errors import ProviderError
from synthlang_router.models import ChatChunk
from synthlang_router.wire import DIALECTS
from tests.wire.recorded import CODECS, Codec, Recorded, read, recorded
from tests.wire.spoken import (
    BROKEN,
    MESSAGES,
    PROVIDERS,
    RESPONSES,
    calls_of,
    first_text,
    folded,
    name,
    stream,
    voice,
    whole_cases,
)

EVENTS: Final[TypeAdapter[Any]] = TypeAdapter(RawMessageStreamEvent)


@pytest.mark.parametrize("case", MESSAGES, ids=name)
def test_the_anthropic_sdk_reads_the_events(case: Recorded) -> None:
    if case.codec.provider == "anthropic" and case.expect.get("hosted"):
        pytest.skip("blocks of hosted tools are relayed as they are")
    chunks, error = stream("messages", case)
    assert error is None
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for chunk in chunks:
        plain = json.loads(chunk.raw)
        assert chunk.event == plain["type"]
        if plain["type"] in ("ping", "future_event"):
            continue
        event = EVENTS.validate_json(chunk.raw, strict=True)
        if event.type == "message_stop":
            continue
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)

    texts = [block.text for block in snapshot.content if block.type == "text"]
    calls = [(block.id, block.name, block.input) for block in snapshot.content if block.type == "tool_use"]
    assert "".join(texts) == first_text(case)
    assert calls == calls_of(case)
    assert chunks[-1].event == "message_stop"


@pytest.mark.parametrize("case", MESSAGES, ids=name)
def test_blocks_come_one_after_the_other(case: Recorded) -> None:
    open_block: int | None = None
    seen = -1
    for chunk in stream("messages", case)[0]:
        plain = json.loads(chunk.raw)
        if plain["type"] == "content_block_start":
            assert open_block is None
            assert plain["index"] == seen + 1
            open_block = seen = plain["index"]
        elif plain["type"] == "content_block_delta":
            assert plain["index"] == open_block
        elif plain["type"] == "content_block_stop":
            assert plain["index"] == open_block
            open_block = None
    assert open_block is None


@pytest.mark.parametrize("case", MESSAGES, ids=name)
def test_folded_events_are_the_message_of_the_folded_chat(case: Recorded) -> None:
    if case.codec.provider == "anthropic":
        pytest.skip("relayed, not translated")
    message = DIALECTS["anthropic"].fold(stream("messages", case)[0])

    answer = folded(case)
    plain = json.loads(message.raw)
    Message.model_validate(plain)
    assert (message.content or "") == first_text(case)
    assert message.usage == answer.usage or answer.usage is None
    assert message.has_tool_calls == bool(calls_of(case))
    if answer.finish_reasons[0] in ("stop", "length", "tool_calls") and answer.refusal is None:
        assert message.finish_reasons == (answer.finish_reasons[0],)


@pytest.mark.parametrize("kind", ["messages", "responses"])
@pytest.mark.parametrize("case", MESSAGES, ids=name)
def test_one_byte_at_a_time_gives_the_same_events(kind: str, case: Recorded) -> None:
    single = stream(kind, case, [case.body[at : at + 1] for at in range(len(case.body))])

    whole = stream(kind, case)
    assert [chunk.raw for chunk in single[0]] == [chunk.raw for chunk in whole[0]]
    assert single[1] is None


@pytest.mark.parametrize("kind", ["messages", "responses"])
@pytest.mark.parametrize("case", BROKEN, ids=name)
def test_a_broken_stream_is_the_same_error_and_never_gets_an_end(kind: str, case: Recorded) -> None:
    chunks, error = stream(kind, case)

    assert type(error) is type(read(case.stream(), [case.body])[1])
    ends = ("message_delta", "message_stop", "response.completed", "response.incomplete")
    assert not [chunk.event for chunk in chunks if chunk.event in ends]


@pytest.mark.parametrize("case", MESSAGES, ids=name)
def test_the_openai_sdk_reads_the_events_of_a_response(case: Recorded) -> None:
    chunks, error = stream("responses", case)
    assert error is None
    events = [RESPONSES.validate_json(chunk.raw) for chunk in chunks]

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events] == [chunk.event for chunk in chunks]
    final = Response.model_validate(events[-1].response.to_dict())
    spoken = [part for item in final.output if item.type == "message" for part in item.content]
    said = "".join(part.text if part.type == "output_text" else part.refusal for part in spoken)
    assert said == first_text(case)
    calls = [item for item in final.output if item.type == "function_call"]
    assert [(call.call_id, call.name, json.loads(call.arguments)) for call in calls] == calls_of(case)
    if folded(case).usage is not None:
        assert final.usage is not None
        assert final.usage.output_tokens == folded(case).usage.completion_tokens  # type: ignore[union-attr]


@pytest.mark.parametrize("case", MESSAGES, ids=name)
def test_every_item_of_a_response_is_opened_and_closed_once_and_its_pieces_make_its_text(
    case: Recorded,
) -> None:
    opened: dict[int, str] = {}
    closed: list[int] = []
    for chunk in stream("responses", case)[0]:
        plain = json.loads(chunk.raw)
        kind, order = plain["type"], plain.get("output_index")
        if kind == "response.output_item.added":
            assert order == len(opened)
            opened[order] = ""
        elif kind.endswith(".delta"):
            assert order not in closed
            opened[order] += plain["delta"]
        elif kind.endswith("arguments.done"):
            assert opened[order] == plain["arguments"]
        elif kind.endswith(("text.done", "refusal.done")):
            assert opened[order] == plain.get("text", plain.get("refusal"))
        elif kind == "response.output_item.done":
            closed.append(order)
    assert sorted(closed) == sorted(opened)


@pytest.mark.parametrize("kind", ["messages", "responses"])
@pytest.mark.parametrize(
    "case", [case for case in recorded("completions", *PROVIDERS) if not case.fails], ids=name
)
def test_whole_answers_are_translated(kind: str, case: Recorded) -> None:
    if case.name == "whole_text":
        pytest.skip("a text completion")
    answer = case.codec.voice.read_completion(case.body)

    found = voice(kind, case.codec.provider).read_completion(case.body)

    assert (found.content or None) == (answer.content or None)
    assert found.has_tool_calls == answer.has_tool_calls
    assert found.usage == answer.usage or answer.usage is None
    assert found.finish_reasons == answer.finish_reasons[:1]
    model: Any = Message if kind == "messages" else Response
    model.model_validate(json.loads(found.raw))


@pytest.mark.parametrize("kind", ["messages", "responses"])
@pytest.mark.parametrize("codec", PROVIDERS, ids=str)
def test_errors_inside_whole_answers_stay_errors(kind: str, codec: Codec) -> None:
    for case in recorded("completions", codec):
        if case.fails:
            with pytest.raises(ProviderError) as raised:
                voice(kind, codec.provider).read_completion(case.body)
            assert raised.value.http_status == case.expect["status"]


def test_a_response_says_what_was_asked_and_that_it_is_not_stored() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}
    asked = voice("responses", "openai", tools=[tool], temperature=0.5, instructions="Be brief.", store=True)

    plain = json.loads(
        asked.read_completion(
            b'{"id":"chatcmpl-1","choices":[{"message":{"content":"x"},"finish_reason":"length"}]}'
        ).raw
    )

    assert plain["tools"] == [tool]
    assert (plain["temperature"], plain["instructions"], plain["store"]) == (0.5, "Be brief.", False)
    assert (plain["status"], plain["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert plain["id"] == "resp_1"
    assert "store" in asked.dropped


@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_the_reader_says_done_only_once_its_last_event_is_out(codec: Codec) -> None:
    for case in whole_cases(codec):
        for kind in ("messages", "responses"):
            if codec.caller != "openai" or case.name == "text_completion":
                continue
            reader = voice(kind, codec.provider).read_stream(**case.expect.get("options", {}))
            chunks: list[ChatChunk] = []
            for at in range(len(case.body)):
                if reader.done:
                    break
                chunks += reader.feed(case.body[at : at + 1])
            chunks += reader.end()
            assert reader.done
            assert not reader.failed
            assert chunks[-1].event in ("message_stop", "response.completed", "response.incomplete")
