"""What a stream shows beyond its answer: payloads as they came, what is data, what is hidden, whose error it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synthlang_router.errors import ProviderProtocolError, ProviderRejected
from synthlang_router.models import ToolCallDelta
from synthlang_router.wire.openai import fold, read_stream
from synthlang_router.wire.openai.chunks import MAX_CHOICES
from synthlang_router.wire.stream import MAX_WHOLE
from tests.wire.recorded import OPENAI, Recorded, read, recorded

STREAMS = {case.name: case for case in recorded("streams", OPENAI)}
WHOLE = [case for case in STREAMS.values() if not case.fails]


def payload(delta: dict[str, Any], finish: str | None = None, **fields: Any) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields}).encode()


def sse(*payloads: bytes) -> bytes:
    return b"".join(b"data: " + data + b"\n\n" for data in payloads)


@pytest.mark.parametrize(
    "case", [case for case in WHOLE if "options" not in case.expect], ids=lambda case: case.name
)
def test_every_payload_is_kept_byte_for_byte(case: Recorded) -> None:
    if case.name in ("json_for_a_stream", "data_on_several_lines"):
        pytest.skip("has no payloads of one line")

    chunks, _ = read(case.stream(), [case.body])

    assert all(chunk.raw in case.body for chunk in chunks)
    assert not any(chunk.hidden for chunk in chunks)


def test_hidden_usage_takes_exactly_what_our_asking_added() -> None:
    asked = [chunk.raw for chunk in read(STREAMS["usage_asked"].stream(), [STREAMS["usage_asked"].body])[0]]

    chunks, _ = read(STREAMS["usage_hidden"].stream(), [STREAMS["usage_hidden"].body])

    assert [chunk.raw for chunk in chunks[:-1]] == [raw.replace(b'"usage":null,', b"") for raw in asked[:-1]]
    assert [chunk.hidden for chunk in chunks] == [False] * 4 + [True]
    assert chunks[-1].usage is not None


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        (b'{"choices":[],"usage":null}', b'{"choices":[]}'),
        (b'{"usage":null,"choices":[]}', b'{"choices":[]}'),
        (b'{ "usage" : null , "choices":[]}', b'{ "choices":[]}'),
        (b'{"choices":[], "usage": null, "x":1}', b'{"choices":[], "x":1}'),
        (b'{"x":{"usage":null},"choices":[],"usage":null}', b'{"x":{"usage":null},"choices":[]}'),
        (b'{"x":"\\"usage\\":null","usage":null,"choices":[]}', b'{"x":"\\"usage\\":null","choices":[]}'),
        (b'{"x":{"usage":null},"choices":[]}', b'{"x":{"usage":null},"choices":[]}'),
    ],
)
def test_only_the_top_level_null_usage_is_spliced_out(raw: bytes, left: bytes) -> None:
    chunks = read_stream(hide_usage=True).feed(sse(raw))

    assert chunks[0].raw == left


def test_usage_beside_a_choice_is_the_providers_own_and_stays() -> None:
    raw = payload({"content": "x"}, usage={"prompt_tokens": 1, "completion_tokens": 2})

    (chunk,) = read_stream(hide_usage=True).feed(sse(raw))

    assert chunk.raw == raw
    assert not chunk.hidden
    assert chunk.usage is not None


@pytest.mark.parametrize(
    ("delta", "finish", "data"),
    [
        ({"role": "assistant"}, None, False),
        ({"role": "assistant", "content": ""}, None, False),
        ({"role": "assistant", "content": None, "refusal": None}, None, False),
        ({}, None, False),
        ({"tool_calls": []}, None, False),
        ({"content": "x"}, None, True),
        ({"content": " "}, None, True),
        ({"refusal": "no"}, None, True),
        ({"reasoning_content": "hm"}, None, True),
        ({"reasoning": "hm"}, None, True),
        ({"tool_calls": [{"index": 0, "id": "a"}]}, None, True),
        ({"function_call": {"name": "f"}}, None, True),
        ({"audio": {"data": "AA"}}, None, True),
        ({}, "stop", True),
    ],
)
def test_data_is_what_a_user_could_see_or_a_caller_act_on(
    delta: dict[str, Any], finish: str | None, data: bool
) -> None:
    (chunk,) = read_stream().feed(sse(payload(delta, finish)))

    assert chunk.data is data


def test_data_in_any_choice_of_a_frame_is_data() -> None:
    choices = [{"index": 0, "delta": {}}, {"index": 1, "delta": {"content": "x"}}]

    (chunk,) = read_stream().feed(sse(json.dumps({"choices": choices}).encode()))

    assert chunk.data


def test_tool_call_pieces_are_read_with_their_index() -> None:
    calls = [
        {"index": 1, "function": {"arguments": "{"}},
        {"id": "b", "function": {"name": "f", "arguments": None}},
    ]

    (chunk,) = read_stream().feed(sse(payload({"tool_calls": calls})))

    assert chunk.tool_calls == (ToolCallDelta(1, None, None, "{"), ToolCallDelta(1, "b", "f", None))


def test_odd_leaves_are_passed_over_and_passed_on() -> None:
    raw = payload(
        {"content": 5, "refusal": [], "reasoning": {}, "tool_calls": [{"id": 5, "function": {"name": 5}}]}
    )

    (chunk,) = read_stream().feed(sse(raw))

    assert chunk.raw == raw
    assert chunk.content is None


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"null",
        b'"x"',
        b"1",
        b"{",
        b'{"choices":{}}',
        b'{"choices":[1]}',
        b'{"choices":[{"index":"a"}]}',
    ],
)
def test_a_payload_of_another_shape_is_no_chunk(raw: bytes) -> None:
    with pytest.raises(ProviderProtocolError):
        read_stream().feed(sse(raw))


def test_whole_chunks_before_a_fault_in_the_same_block_come_out_first() -> None:
    stream = read_stream()

    chunks = stream.feed(sse(payload({"content": "Hi"}), b'{"error":{"message":"overheated","code":503}}'))

    assert [chunk.content for chunk in chunks] == ["Hi"]
    assert stream.failed
    assert not stream.done
    with pytest.raises(ProviderRejected, match="overheated") as raised:
        stream.feed(b"")
    assert raised.value.http_status == 503


def test_an_error_of_the_stream_is_cleaned_of_secrets() -> None:
    with pytest.raises(ProviderRejected) as raised:
        read_stream(secrets=["swordfish"]).feed(sse(b'{"error":{"message":"key swordfish is bad"}}'))

    assert raised.value.message == "key [hidden] is bad"


@pytest.mark.parametrize("error", ["null", "{}", '""', "false", "0"])
def test_an_empty_error_member_is_no_error(error: str) -> None:
    raw = b'{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}],"error":%b}' % error.encode()

    assert read_stream().feed(sse(raw))[0].content == "x"


@pytest.mark.parametrize("error", ["true", "[1]", "5"])
def test_an_error_member_of_another_shape_is_still_an_error(error: str) -> None:
    stream = read_stream()

    with pytest.raises(Exception, match="error and gave no reason"):
        stream.feed(sse(b'{"choices":[],"error":%b}' % error.encode()))


def test_choices_without_end_are_refused() -> None:
    choices = [{"index": at, "delta": {}} for at in range(MAX_CHOICES + 1)]

    with pytest.raises(ProviderProtocolError):
        read_stream().feed(sse(json.dumps({"choices": choices}).encode()))


def test_a_whole_body_in_place_of_a_stream_is_bounded() -> None:
    stream = read_stream()
    block = b"{" + b" " * 1_000_000

    with pytest.raises(ProviderProtocolError):
        for _ in range(MAX_WHOLE // len(block) + 2):
            stream.feed(block)


def test_a_whole_body_with_hidden_usage_shows_no_trace_of_usage() -> None:
    case = STREAMS["json_for_a_stream"]

    chunks, _ = read(read_stream(hide_usage=True), [case.body])

    assert [chunk.hidden for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert all(b'"usage"' not in chunk.raw for chunk in chunks[:-1])


@pytest.mark.parametrize("name", [name for name, case in STREAMS.items() if "contents" in case.expect])
def test_each_choice_has_its_own_text(name: str) -> None:
    case = STREAMS[name]

    whole = json.loads(fold(read(case.stream(), [case.body])[0]).raw)

    assert [choice["message"]["content"] for choice in whole["choices"]] == case.expect["contents"]


@pytest.mark.parametrize("name", [name for name, case in STREAMS.items() if "tool_calls" in case.expect])
def test_tool_calls_are_put_together_in_order(name: str) -> None:
    case = STREAMS[name]

    whole = json.loads(fold(read(case.stream(), [case.body])[0]).raw)

    calls = whole["choices"][0]["message"]["tool_calls"]
    found = [[call["id"], call["function"]["name"], call["function"]["arguments"]] for call in calls]
    assert found == case.expect["tool_calls"]
    assert all(set(call) == {"id", "type", "function"} for call in calls)


@pytest.mark.parametrize("name", [name for name, case in STREAMS.items() if "message" in case.expect])
def test_unknown_text_of_a_message_is_put_together(name: str) -> None:
    case = STREAMS[name]

    message = json.loads(fold(read(case.stream(), [case.body])[0]).raw)["choices"][0]["message"]

    assert {key: message[key] for key in case.expect["message"]} == case.expect["message"]


def test_unknown_top_level_fields_are_kept_and_the_frames_padding_is_not() -> None:
    case = STREAMS["unknown_fields"]
    whole = json.loads(fold(read(case.stream(), [case.body])[0]).raw)
    padded = json.loads(fold(read(STREAMS["usage_asked"].stream(), [STREAMS["usage_asked"].body])[0]).raw)

    assert {name: whole[name] for name in case.expect["kept"]} == case.expect["kept"]
    assert "obfuscation" not in padded
    assert padded["object"] == "chat.completion"
    assert list(padded)[-1] == "usage"


def test_log_probabilities_are_strung_together() -> None:
    case = STREAMS["logprobs"]

    whole = json.loads(fold(read(case.stream(), [case.body])[0]).raw)

    tokens = whole["choices"][0]["logprobs"]["content"]
    assert [token["token"] for token in tokens] == case.expect["logprobs"]
