"""Long generated runs over everything that reads foreign bytes: whatever comes, it is an answer or a RouterError."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthlang_router.errors import ProviderError, RouterError
from synthlang_router.models import ChatChunk
from synthlang_router.wire import DIALECTS
from synthlang_router.wire.body import inflate, read_members

pytestmark = pytest.mark.fuzz

Case = tuple[str, dict[str, Any], bytes]
BODIES: Final = Path(__file__).parents[1] / "wire" / "bodies"
LONG = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
CASES: Final[list[Case]] = [
    (dialect, expect.get("options", {}), (BODIES / dialect / expect["file"]).read_bytes())
    for dialect in DIALECTS
    for expect in json.loads((BODIES / dialect / "streams.json").read_text()).values()
]


def read(case: Case, blocks: list[bytes]) -> tuple[list[ChatChunk], RouterError | None]:
    """Everything a stream gave, and the error it ended in; any other exception is a failure of the test."""
    stream = DIALECTS[case[0]].read_stream(**case[1])
    chunks: list[ChatChunk] = []
    try:
        for block in blocks:
            chunks += stream.feed(block)
        chunks += stream.end()
    except RouterError as error:
        return chunks, error
    return chunks, None


WIRES = st.sampled_from(sorted(DIALECTS))
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
        DIALECTS[case[0]].fold(chunks)


@LONG
@given(WIRES, NOISE)
def test_noise_is_an_answer_or_a_providers_error(dialect: str, noise: bytes) -> None:
    wire = DIALECTS[dialect]

    for reader in (wire.read_completion, wire.read_embedding):
        try:
            assert reader(noise).raw
        except ProviderError:
            pass
    assert isinstance(wire.read_error(400, noise), RouterError)
    assert read((dialect, {}, noise), [noise])[1] is not None


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
