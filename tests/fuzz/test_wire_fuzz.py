"""Long generated runs over everything that reads foreign bytes: whatever comes, it is an answer or a RouterError."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthlang_router.errors import InvalidRequest, ProviderError, RouterError
from synthlang_router.models import ChatChunk, Dialect
from synthlang_router.wire import DIALECTS
from synthlang_router.wire.body import inflate, read_members
from synthlang_router.wire.bridges import Interpreter, interpret

pytestmark = pytest.mark.fuzz

Voice = tuple[str, str]  # the kind that is asked, the provider's dialect
Case = tuple[Voice, dict[str, Any], bytes]
BODIES: Final = Path(__file__).parents[1] / "wire" / "bodies"
LONG = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
PROVIDERS: Final[tuple[Dialect, ...]] = ("openai", "anthropic", "gemini")
VOICES: Final = [(kind, provider) for kind in ("chat", "messages", "responses") for provider in PROVIDERS]
REQUESTS: Final = {
    "chat": b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}',
    "messages": b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}',
    "responses": b'{"model":"m","input":"Hi"}',
}
CASES: Final[list[Case]] = [
    (voice, expect.get("options", {}), (BODIES / voice[1] / expect["file"]).read_bytes())
    for voice in VOICES
    for expect in json.loads((BODIES / voice[1] / "streams.json").read_text()).values()
]


def voice_of(voice: Voice) -> Interpreter:
    kind, provider = voice
    request = DIALECTS[CALLERS[kind]].read_request(REQUESTS[kind], kind)
    return interpret(request, cast("Dialect", provider), created=1, serves_responses=False)


def read(case: Case, blocks: list[bytes]) -> tuple[list[ChatChunk], RouterError | None]:
    """Everything a stream gave, and the error it ended in; any other exception is a failure of the test."""
    stream = voice_of(case[0]).read_stream(**case[1])
    chunks: list[ChatChunk] = []
    try:
        for block in blocks:
            chunks += stream.feed(block)
        chunks += stream.end()
    except RouterError as error:
        return chunks, error
    return chunks, None


CALLERS: Final[dict[str, str]] = {"chat": "openai", "messages": "anthropic", "responses": "openai"}
NAMES = st.sampled_from(
    ["type", "text", "content", "role", "name", "id", "tools", "tool_choice", "function", "tool_calls", "arguments", "source",
     "image_url", "url", "input", "parameters", "input_schema", "response_format", "json_schema", "schema", "metadata", "stop",
     "tool_call_id", "call_id", "output", "thinking", "reasoning", "reasoning_details", "cache_control", "system", "data",
     "temperature", "n", "text", "format", "include", "stop_sequences", "output_config", "extra_content", "google", "file",
     "media_type", "input_audio", "is_error", "function_call", "signature", "refusal", "instructions", "tool_use_id", "seed"]
)  # fmt: skip
PIECES = st.sampled_from(
    [b"data: ", b"data:", b"\n", b"\r", b"\r\n", b"\n\n", b"{", b"}", b'"', b"[", b"]", b"null", b'"choices":', b'"delta":',
     b'"usage":', b'"error":', b'"index":', b'"finish_reason":', b'"stop"', b"[DONE]", b"event: ", b"\xef\xbb\xbf", b"\xff",
     b"\\ud800", b"0", b"1e999", b"-", b",", b":", b'"content":', b'"tool_calls":', b'"type":', b'"message_start"']
)  # fmt: skip
NOISE = st.lists(PIECES | st.binary(max_size=4), max_size=40).map(b"".join)


@LONG
@given(st.sampled_from(CASES), st.lists(st.integers(0, 20_000), max_size=12))
def test_any_split_of_a_recorded_stream_reads_the_same(case: Case, cuts: list[int]) -> None:
    body = case[2]
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]

    split = read(case, [body[start:end] for start, end in pairwise(edges)])

    whole = read(case, [body])
    assert split[0] == whole[0]
    assert repr(split[1]) == repr(whole[1])


@LONG
@given(st.sampled_from(CASES), NOISE, st.integers(0, 20_000), st.integers(0, 40))
def test_a_damaged_stream_is_an_answer_or_a_providers_error(
    case: Case, noise: bytes, at: int, gone: int
) -> None:
    at %= len(case[2]) + 1
    body = case[2][:at] + noise + case[2][at + gone :]

    chunks, error = read(case, [body])

    assert error is None or isinstance(error, ProviderError)
    for chunk in chunks:
        assert b"\n" not in chunk.raw
        json.loads(chunk.raw)
    if error is None:
        DIALECTS[CALLERS[case[0][0]]].fold(chunks)


@LONG
@given(st.sampled_from(VOICES), NOISE)
def test_noise_is_an_answer_or_a_providers_error(voice: Voice, noise: bytes) -> None:
    reader = voice_of(voice)

    for read_whole in (reader.read_completion, reader.read_embedding):
        try:
            assert read_whole(noise).raw
        except ProviderError:
            pass
    assert isinstance(reader.read_error(400, noise), RouterError)
    assert read((voice, {}, noise), [noise])[1] is not None


JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.just(0.5)
    | st.sampled_from(["", "x", "text", "user", "{", "{}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


@LONG
@given(
    st.sampled_from(VOICES),
    st.dictionaries(NAMES, JSON, max_size=5),
    st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=3),
)
def test_any_request_is_translated_or_refused(
    voice: Voice, fields: dict[str, Any], turns: list[dict[str, Any]]
) -> None:
    """Turns that pass the first reading are what a translator must not stumble over."""
    kind, provider = voice
    spoken = [{"role": "user", "content": "Hi", **turn} for turn in turns]
    body = {**json.loads(REQUESTS[kind]), **fields, "input" if kind == "responses" else "messages": spoken}

    try:
        request = DIALECTS[CALLERS[kind]].read_request(json.dumps(body).encode(), kind)
        sent = interpret(request, cast("Dialect", provider), created=1, serves_responses=False).request
    except InvalidRequest:
        return

    assert isinstance(json.loads(sent.body), dict)


@LONG
@given(NOISE, st.sampled_from(["gzip", "zstd"]))
def test_noise_is_no_request(noise: bytes, encoding: str) -> None:
    for body in (noise, b'{"model":"m","messages":' + noise + b"}"):
        try:
            fields, plain = read_members(body)
        except RouterError:
            continue
        assert json.loads(body) == plain
        assert set(fields) == set(plain)
    try:
        inflate(noise, encoding, 1000)
    except RouterError:
        pass
