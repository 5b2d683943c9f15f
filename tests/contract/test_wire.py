"""Every registered dialect, and every bridge to one, against the bodies recorded for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from synthlang_router.errors import (
    InvalidRequest,
    ProviderProtocolError,
    ProviderRejected,
    RateLimitExceeded,
    RouterError,
)
from synthlang_router.models import ChatChunk, ChatCompletion
from synthlang_router.wire import DIALECTS
from tests.wire.recorded import Recorded, read, recorded

STREAMS = list(recorded("streams"))
COMPLETIONS = list(recorded("completions"))
ERRORS = list(recorded("errors"))
_SPOKEN = {("openai", "pause_turn"): "length"}  # a word that OpenAI does not have
KINDS = {"openai": "chat", "anthropic": "messages"}


def named(case: Recorded) -> str:
    return f"{case.codec}-{case.name}"


def text(chunks: list[ChatChunk]) -> str:
    return "".join(chunk.content or "" for chunk in chunks)


def check_error(error: Exception | None, expect: dict[str, Any]) -> None:
    assert isinstance(error, RouterError)
    assert type(error).__name__ == expect["error"]
    assert error.http_status == expect["status"]
    assert expect.get("says", "") in error.message
    for name, value in (("code", error.error_code), ("type", error.error_type), ("param", error.param)):
        assert name not in expect or expect[name] == value


def check_answer(completion: ChatCompletion, case: Recorded) -> None:
    expect = case.expect
    assert (completion.content or None) == (expect["content"] or None)
    finish = [_SPOKEN.get((case.codec.caller, reason), reason) for reason in expect["finish"]]
    assert list(completion.finish_reasons) == finish
    assert completion.refusal == expect.get("refusal")
    called = bool(expect.get("tool_calls") or expect.get("tools"))
    assert completion.has_tool_calls == (
        called and not (expect.get("hosted") and case.codec.caller == "openai")
    )
    if "usage" in expect:
        assert completion.usage is not None
        assert [completion.usage.prompt_tokens, completion.usage.completion_tokens] == expect["usage"]
        assert completion.usage.cached_tokens == expect.get("cached", completion.usage.cached_tokens)
        assert completion.usage.cache_write_tokens == expect.get(
            "written", completion.usage.cache_write_tokens
        )
        assert completion.usage.reasoning_tokens == expect.get("thought", completion.usage.reasoning_tokens)
    else:
        assert completion.usage is None


@pytest.mark.parametrize("case", STREAMS, ids=named)
def test_a_recorded_stream_gives_its_answer_or_its_error(case: Recorded) -> None:
    chunks, error = read(case.stream(), [case.body])

    if case.fails:
        check_error(error, case.expect)
        assert text(chunks) == case.expect["before"]
    else:
        assert error is None
        check_answer(case.wire.fold(chunks), case)


@pytest.mark.parametrize("case", STREAMS, ids=named)
def test_one_byte_at_a_time_gives_the_same_chunks_and_the_same_error(case: Recorded) -> None:
    whole = read(case.stream(), [case.body])

    single = read(case.stream(), [case.body[at : at + 1] for at in range(len(case.body))])

    assert single[0] == whole[0]
    assert repr(single[1]) == repr(whole[1])


@pytest.mark.parametrize("case", [case for case in STREAMS if not case.fails], ids=named)
def test_a_stream_is_done_or_may_still_bring_more_but_is_never_done_too_early(case: Recorded) -> None:
    stream = case.stream()
    chunks: list[ChatChunk] = []

    for at in range(len(case.body)):
        if stream.done:
            break
        chunks += stream.feed(case.body[at : at + 1])

    chunks += stream.end()
    assert chunks == read(case.stream(), [case.body])[0]
    assert stream.done
    assert not stream.failed


@pytest.mark.parametrize("case", [case for case in STREAMS if case.fails], ids=named)
def test_a_failed_stream_never_says_done_and_keeps_failing(case: Recorded) -> None:
    stream = case.stream()

    _, error = read(stream, [case.body])

    assert error is not None
    assert not stream.done
    with pytest.raises(type(error)):
        stream.end()


@pytest.mark.parametrize("case", [case for case in STREAMS if not case.fails], ids=named)
def test_a_folded_answer_unfolds_into_frames_that_fold_into_the_same_answer(case: Recorded) -> None:
    completion = case.wire.fold(read(case.stream(), [case.body])[0])
    plain = json.loads(completion.raw)
    new_id, created = plain.get("id") or "", plain.get("created") or 0

    frames = case.wire.unfold(completion, new_id=new_id, created=created, include_usage=True)

    again = case.wire.fold(frames)
    assert json.loads(again.raw) == plain
    assert replace(again, raw=b"") == replace(completion, raw=b"")


@pytest.mark.parametrize("case", COMPLETIONS, ids=named)
def test_a_recorded_completion_gives_its_answer_or_its_error(case: Recorded) -> None:
    if case.fails:
        with pytest.raises(RouterError) as raised:
            case.codec.voice.read_completion(case.body)
        check_error(raised.value, case.expect)
    else:
        check_answer(case.codec.voice.read_completion(case.body), case)


@pytest.mark.parametrize("case", [case for case in COMPLETIONS if not case.fails], ids=named)
def test_a_refreshed_answer_differs_in_its_id_and_time_only(case: Recorded) -> None:
    completion = case.codec.voice.read_completion(case.body)

    fresh = case.wire.refresh(completion, new_id="fresh-id", created=1)

    old, new = json.loads(completion.raw), json.loads(fresh)
    assert new["id"] == "fresh-id"
    assert {name for name in old if old[name] != new[name]} <= {"id", "created"}
    assert list(old) == list(new)


@pytest.mark.parametrize("case", ERRORS, ids=named)
def test_a_recorded_refusal_keeps_its_status_and_words(case: Recorded) -> None:
    error = case.codec.voice.read_error(case.expect["answered"], case.body, retry_after=2.5)

    check_error(error, case.expect)
    assert error.retry_after == (None if isinstance(error, ProviderProtocolError) else 2.5)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_message_of_a_provider_shows_our_secrets(dialect: str) -> None:
    body = b'{"error": {"message": "bad key hunter2hunter2 at 10.1.2.3:8000", "type": "x", "code": null}}'

    error = DIALECTS[dialect].read_error(400, body, secrets=["hunter2hunter2"])

    assert isinstance(error, ProviderRejected)
    assert error.message == "bad key [hidden] at [hidden]"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "error", [InvalidRequest('a "quoted" word\n', param="x"), RateLimitExceeded("slow")], ids=repr
)
def test_an_error_is_rendered_so_that_its_event_holds_its_body(dialect: str, error: RouterError) -> None:
    wire = DIALECTS[dialect]

    body, event = wire.error_body(error), wire.error_event(error)

    assert json.loads(body)["error"]["message"] == error.message
    assert event.endswith(b"data: " + body + b"\n\n")
    assert event.count(b"\n\n") == 1


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"model":""}', b'{"model":5}', b"{}"], ids=repr)
def test_a_request_without_what_we_need_is_refused(dialect: str, body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        DIALECTS[dialect].read_request(body, KINDS[dialect])
