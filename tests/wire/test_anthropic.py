"""Anthropic's own dialect: requests, events, messages, errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message

from synthlang_router.errors import (
    AuthenticationError,
    InternalError,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    PermissionDenied,
    ProviderProtocolError,
    ProviderRejected,
    RateLimitExceeded,
    RequestTooLarge,
    RouterError,
)
from synthlang_router.models import ToolCallDelta
from synthlang_router.wire.anthropic import (
    ask_for_usage,
    count_body,
    error_body,
    error_event,
    fold,
    read_completion,
    read_count,
    read_request,
    unfold,
)
from tests.wire.recorded import Codec, read, recorded

ANTHROPIC = Codec("anthropic", "anthropic")
STREAMS = {case.name: case for case in recorded("streams", ANTHROPIC)}
WHOLE = [case for case in STREAMS.values() if not case.fails]


def request(**fields: Any) -> bytes:
    return json.dumps(
        {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **fields}
    ).encode()


def test_a_request_is_sent_on_as_it_came() -> None:
    body = request(
        stream=True, system=[{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]
    )

    asked = read_request(body, "messages")

    assert asked.body == body
    assert (asked.model, asked.stream, asked.dialect, asked.kind) == ("m", True, "anthropic", "messages")
    assert ask_for_usage(asked) is None


def test_counting_needs_no_limit() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()

    assert read_request(body, "count_tokens").kind == "count_tokens"
    with pytest.raises(InvalidRequest, match="max_tokens: Field required"):
        read_request(body, "messages")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"model": "a\r\nb"}, "model"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"stream": 1}, "stream"),
        ({"system": {}}, "system"),
        ({"metadata": []}, "metadata"),
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["Hi"]}, "messages.0"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0"),
    ],
)
def test_a_wrong_field_is_refused_by_its_place(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read_request(request(**fields), "messages")

    assert raised.value.param == param
    assert raised.value.message.startswith(f"{param}: ")


@pytest.mark.parametrize(
    "case", [c for c in WHOLE if c.name not in ("json_for_a_stream",)], ids=lambda case: case.name
)
def test_every_event_is_relayed_byte_for_byte_under_its_name(case: Any) -> None:
    chunks, _ = read(case.stream(), [case.body])

    added = [chunk for chunk in chunks if chunk.raw not in case.body]
    assert all(chunk.event == json.loads(chunk.raw)["type"] for chunk in chunks)
    assert [chunk.event for chunk in added] in ([], ["message_stop"])
    assert not any(chunk.hidden for chunk in chunks)


def test_data_is_what_a_user_could_see_or_a_caller_act_on() -> None:
    def data(name: str) -> list[str | None]:
        return [chunk.event for chunk in read(STREAMS[name].stream(), [STREAMS[name].body])[0] if chunk.data]

    assert data("plain") == ["content_block_delta", "content_block_delta", "message_delta"]
    assert data("tools").count("content_block_start") == 2
    assert data("thinking").count("content_block_start") == 1  # the redacted one
    assert data("server_tool").count("content_block_start") == 2


def test_tool_calls_are_numbered_among_themselves_not_among_the_blocks() -> None:
    case = STREAMS["tools"]

    calls = [call for chunk in read(case.stream(), [case.body])[0] for call in chunk.tool_calls]

    assert calls[0] == ToolCallDelta(0, "toolu_a", "get_weather", "")
    assert calls[-1] == ToolCallDelta(1, "toolu_b", "now", "")
    assert {call.index for call in calls} == {0, 1}


def test_folding_keeps_the_input_of_a_tool_byte_for_byte() -> None:
    case = STREAMS["tools"]

    raw = fold(read(case.stream(), [case.body])[0]).raw

    assert b'"input":{"city": "K\xc3\xb6ln", "n": 1.50}' in raw
    assert b'"name":"now","input":{}' in raw


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.name)
def test_the_sdk_reads_what_is_folded(case: Any) -> None:
    plain = json.loads(fold(read(case.stream(), [case.body])[0]).raw)

    message = Message.model_validate(plain)

    assert message.stop_reason is not None
    assert message.usage.input_tokens == 25


def test_thinking_is_folded_with_its_signature_and_citations_with_their_text() -> None:
    thinking = json.loads(fold(read(STREAMS["thinking"].stream(), [STREAMS["thinking"].body])[0]).raw)[
        "content"
    ]
    cited = json.loads(fold(read(STREAMS["citations"].stream(), [STREAMS["citations"].body])[0]).raw)[
        "content"
    ]

    expect = STREAMS["thinking"].expect
    assert thinking[0] == {
        "type": "thinking",
        "thinking": expect["thinking"],
        "signature": expect["signature"],
    }
    assert thinking[1]["type"] == "redacted_thinking"
    assert [citation["start_char_index"] for citation in cited[0]["citations"]] == [0, 5]


def test_a_tools_input_that_was_cut_stays_visible() -> None:
    case = STREAMS["tools"]
    stream = case.stream()
    chunks = stream.feed(case.body[: case.body.index(b', \\"n\\"')])

    content = json.loads(fold(chunks).raw)["content"]

    assert content[1]["input"] == {"partial_json": '{"city": "Köln"'}


def test_nothing_folds_into_nothing() -> None:
    assert fold([]).content is None
    assert fold([]).finish_reasons in ((), (None,))


def test_a_replayed_tool_call_has_the_very_text_that_came() -> None:
    raw = b'{"id":"msg_1","content":[{"type":"tool_use","id":"a","name":"f","input":{"n": 1.50, "b":[ ]}}],"stop_reason":"tool_use"}'

    frames = unfold(read_completion(raw), new_id="msg_2", created=0, include_usage=False)

    pieces = [call.arguments for frame in frames for call in frame.tool_calls]
    assert "".join(piece or "" for piece in pieces) == '{"n": 1.50, "b":[ ]}'


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("x"), "invalid_request_error"),
        (AuthenticationError(), "authentication_error"),
        (PermissionDenied("x"), "permission_error"),
        (ModelNotFound("x"), "not_found_error"),
        (RequestTooLarge("x"), "request_too_large"),
        (RateLimitExceeded("x"), "rate_limit_error"),
        (Overloaded("x"), "api_error"),
        (InternalError(), "api_error"),
        (ProviderRejected("x", status=529, type=None, code=None), "overloaded_error"),
        (ProviderRejected("x", status=400, type="billing_error", code=None), "billing_error"),
        (ProviderRejected("x", status=422, type="odd", code=None), "invalid_request_error"),
    ],
    ids=repr,
)
def test_errors_have_anthropics_shape_and_types(error: RouterError, kind: str) -> None:
    body = json.loads(error_body(error))

    assert body == {"type": "error", "error": {"type": kind, "message": error.message}}
    assert error_event(error).startswith(b"event: error\ndata: {")


def test_a_count_is_read_and_written() -> None:
    assert read_count(count_body(12)) == 12
    for broken in (b"", b"[]", b'{"input_tokens":"x"}', b'{"x":"\xff"}'):
        with pytest.raises(ProviderProtocolError):
            read_count(broken)
