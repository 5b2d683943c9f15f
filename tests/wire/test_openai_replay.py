"""Folding, unfolding, refreshing: no field is lost, and time stays linear."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.errors import ProviderProtocolError
from synthlang_router.models import ChatChunk
from synthlang_router.wire.openai import fold, read_completion, read_stream, refresh, unfold

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
CALLS = st.lists(
    st.builds(
        lambda at, name, arguments: {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        },
        st.integers(0, 9),
        st.text("abc_", min_size=1, max_size=8),
        TEXT,
    ),
    min_size=1,
    max_size=3,
)
LOGPROBS = st.none() | st.fixed_dictionaries(
    {
        "content": st.lists(st.fixed_dictionaries({"token": TEXT, "logprob": st.just(-0.5)}), max_size=3),
        "refusal": st.none(),
    }
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | TEXT, "refusal": st.none() | TEXT},
    optional={
        "tool_calls": CALLS,
        "reasoning_content": TEXT,
        "reasoning": TEXT,
        "annotations": st.lists(
            st.fixed_dictionaries({"type": st.just("url_citation"), "url": TEXT}), max_size=2
        ),
        "audio": st.fixed_dictionaries({"id": TEXT, "data": TEXT}),
        "x_unknown": TEXT | st.integers() | st.lists(TEXT, max_size=2),
    },
)
COMPLETIONS = st.fixed_dictionaries(
    {
        "id": st.just("chatcmpl-1"),
        "object": st.just("chat.completion"),
        "created": st.just(1),
        "model": st.just("m"),
        "choices": st.lists(
            st.fixed_dictionaries(
                {"message": MESSAGES, "finish_reason": st.sampled_from(["stop", "length", "tool_calls"])},
                optional={
                    "logprobs": LOGPROBS,
                    "content_filter_results": st.just({"hate": {"filtered": False}}),
                },
            ),
            min_size=1,
            max_size=3,
        ),
    },
    optional={
        "usage": st.just({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "x": {"y": 1}}),
        "system_fingerprint": st.none() | st.just("fp_1"),
        "citations": st.lists(TEXT, max_size=2),
        "provider": TEXT,
    },
)


def body(plain: dict[str, Any]) -> bytes:
    choices = [{"index": at, **choice} for at, choice in enumerate(plain["choices"])]
    return json.dumps({**plain, "choices": choices}).encode()


@given(COMPLETIONS)
def test_an_answer_unfolds_into_frames_that_fold_back_into_it(plain: dict[str, Any]) -> None:
    completion = read_completion(body(plain))

    frames = unfold(completion, new_id="chatcmpl-1", created=1, include_usage=True)

    assert json.loads(fold(frames).raw) == json.loads(completion.raw)


@given(COMPLETIONS)
def test_frames_come_in_the_order_of_a_live_answer(plain: dict[str, Any]) -> None:
    completion = read_completion(body(plain))

    frames = [
        json.loads(chunk.raw) for chunk in unfold(completion, new_id="n", created=7, include_usage=False)
    ]

    assert all(
        (frame["id"], frame["object"], frame["created"]) == ("n", "chat.completion.chunk", 7)
        for frame in frames
    )
    assert all("usage" not in frame for frame in frames)
    for index in range(len(plain["choices"])):
        own = [frame["choices"][0] for frame in frames if frame["choices"][0]["index"] == index]
        assert own[0]["delta"]["role"] == "assistant"
        assert own[-1]["delta"] == {}
        assert [choice["finish_reason"] is not None for choice in own] == [False] * (len(own) - 1) + [True]


def test_asked_usage_comes_last_in_a_frame_without_choices_and_is_null_before() -> None:
    raw = b'{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}'

    frames = unfold(read_completion(raw), new_id="n", created=7, include_usage=True)

    plain = [json.loads(frame.raw) for frame in frames]
    assert [frame["usage"] for frame in plain[:-1]] == [None] * (len(plain) - 1)
    assert plain[-1]["choices"] == []
    assert plain[-1]["usage"] == {"prompt_tokens": 1, "completion_tokens": 2}
    assert [frame.data for frame in frames] == [False, True, True, False]


def test_long_text_comes_in_moderate_pieces_that_do_not_break_words() -> None:
    text = "".join(f"word{at} " for at in range(400)) + "x" * 500
    raw = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()

    pieces = [
        chunk.content or ""
        for chunk in unfold(read_completion(raw), new_id="n", created=7, include_usage=False)
    ]

    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= 64
    assert all(len(piece) > 30 for piece in pieces[1:-2])


def test_a_refreshed_body_is_the_old_one_but_for_id_and_time() -> None:
    raw = b'{\n "id" : "a",\n "object":"chat.completion","created": 17 ,"model":"m", "choices":[{"message":{"content":"\\u00e9"},"x":{"id":"b","created":3}}]}'

    fresh = refresh(read_completion(raw), new_id="n", created=99)

    assert fresh == raw.replace(b'"id" : "a"', b'"id" : "n"').replace(b'"created": 17', b'"created": 99')


@pytest.mark.parametrize(
    "raw",
    [
        b'{"choices":[{"message":{"content":"x"}}],"created":17,"id":"a"}',
        b'{"id":null,"object":"chat.completion","choices":[{"message":{"content":"x"}}],"created":17}',
        b'{"created":17,"choices":[{"message":{"content":"\\"id\\":\\"a\\""}}],"id":"a\\"b"}',
    ],
)
def test_id_and_time_are_found_wherever_they_stand(raw: bytes) -> None:
    fresh = json.loads(refresh(read_completion(raw), new_id="n", created=99))

    assert (fresh["id"], fresh["created"]) == ("n", 99)
    assert fresh["choices"] == json.loads(raw)["choices"]


def test_what_a_body_does_not_have_is_not_put_in() -> None:
    raw = b'{"choices":[{"message":{"content":"x"}}]}'

    assert refresh(read_completion(raw), new_id="n", created=99) == raw


def test_a_late_tool_call_with_a_small_index_takes_its_place() -> None:
    def frame(index: int, name: str) -> ChatChunk:
        call = {"index": index, "id": name, "function": {"name": name, "arguments": "{}"}}
        return ChatChunk(
            raw=json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}).encode()
        )

    whole = json.loads(fold([frame(1, "b"), frame(0, "a")]).raw)

    assert [call["id"] for call in whole["choices"][0]["message"]["tool_calls"]] == ["a", "b"]


def test_a_name_that_comes_again_is_not_doubled() -> None:
    calls = [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": part}}
        for part in "{}"
    ]
    frames = [
        ChatChunk(
            raw=json.dumps({"choices": [{"delta": {"role": "assistant", "tool_calls": [call]}}]}).encode()
        )
        for call in calls
    ]

    message = json.loads(fold(frames).raw)["choices"][0]["message"]

    assert message["role"] == "assistant"
    assert message["tool_calls"][0] == {
        "id": "a",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
    }


def test_nesting_that_a_provider_drives_deep_does_not_break_folding() -> None:
    delta = '{"x":' * 300 + '{"y":"z"}' + "}" * 300
    frame = ChatChunk(raw=b'{"choices":[{"delta":%b,"finish_reason":"stop"}]}' % delta.encode())

    assert fold([frame, frame]).finish_reasons == ("stop",)


def test_folding_a_long_answer_copies_its_text_once() -> None:
    """Appending to a string piece by piece would copy 16 GB here and run into the time limit."""
    frame = ChatChunk(raw=json.dumps({"choices": [{"index": 0, "delta": {"content": "x" * 1000}}]}).encode())

    assert len(fold([frame] * 6000).content or "") == 6_000_000


def test_numbers_keep_their_digits_however_long() -> None:
    raw = b'{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}],"x":[0.10,1e400,123456789012345678901234567890]}'

    frames = unfold(read_completion(raw), new_id="n", created=7, include_usage=False)

    assert b"[0.10,1E+400,123456789012345678901234567890]" in fold(frames).raw


def test_a_frame_that_nobody_can_read_whole_is_folded_from_what_was_read() -> None:
    raw = sse_payload({"content": "x", "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}]})
    stream = read_stream()
    (chunk,) = stream.feed(b"data: " + raw[:-1] + b',"x":%b}\n\n' % (b"1" * 5000))

    completion = fold([chunk])

    assert completion.content == "x"
    assert completion.has_tool_calls


def sse_payload(delta: dict[str, Any]) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]}).encode()


def test_a_whole_answer_that_nobody_can_read_whole_is_the_providers_fault() -> None:
    raw = b'{"choices":[{"message":{"content":"x"}}],"x":%b}' % (b"1" * 5000)

    with pytest.raises(ProviderProtocolError):
        unfold(read_completion(raw), new_id="n", created=7, include_usage=False)


@pytest.mark.parametrize("raw", [b"{}", b'{"choices":[],"usage":{"prompt_tokens":1}}', b""])
def test_frames_without_a_choice_fold_into_an_answer_without_one(raw: bytes) -> None:
    assert fold([ChatChunk(raw=raw)]).finish_reasons == ()
    assert fold([]).content is None


def test_a_message_where_a_delta_should_be_is_folded_and_anything_else_is_not() -> None:
    pieces = [{"index": 0, "message": {"content": "a"}}, {"index": 0, "message": 5, "finish_reason": "stop"}]

    completion = fold([ChatChunk(raw=json.dumps({"choices": [piece]}).encode()) for piece in pieces])

    assert completion.content == "a"
