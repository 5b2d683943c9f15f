"""Server-sent events: every spelling the standard allows, any split, bounds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.errors import ProviderProtocolError
from synthlang_router.wire.sse import MAX_EVENT, Event, EventDecoder, frame


def decode(*blocks: bytes) -> list[Event]:
    decoder = EventDecoder()
    events = [event for block in blocks for event in decoder.feed(block)]
    return events + decoder.end()


def plain_decode(stream: bytes) -> list[Event]:
    """The standard's algorithm, line by line over the whole, with our two departures: the oracle."""
    stream = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events: list[Event] = []
    data: list[bytes] = []
    name: str | None = None
    for line in [*stream.split(b"\n"), b""]:
        field, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if not line:
            if b"\n".join(data) or name is not None:
                events.append(Event(b"\n".join(data), name))
            data, name = [], None
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace") or None
    return events


LINES = st.sampled_from(
    [
        b"data: {}", b"data:{}", b"data", b"data:", b"data: ", b"data:  two", b": comment", b":", b"event: ping",
        b"event:", b"id: 1", b"retry: 5", b"unknown: x", b"data: [DONE]", b" data: indented", b"", b"", b"",
        b"data: \xf0\x9f\x91\x8b", b"\xef\xbb\xbfdata: late mark", b"event: \xff",
    ]
)  # fmt: skip
ENDS = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b"\r\r", b""])
STREAMS = st.builds(
    lambda mark, lines: mark + b"".join(line + end for line, end in lines),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"]),
    st.lists(st.tuples(LINES, ENDS), max_size=24),
)


@given(STREAMS, st.lists(st.integers(0, 400), max_size=8))
def test_any_split_of_any_stream_gives_the_events_of_the_plain_algorithm(
    stream: bytes, cuts: list[int]
) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    blocks = [stream[start:end] for start, end in pairwise(edges)]

    assert decode(*blocks) == plain_decode(stream)


@given(STREAMS)
def test_one_byte_writes_give_the_events_of_the_plain_algorithm(stream: bytes) -> None:
    assert decode(*[stream[at : at + 1] for at in range(len(stream))]) == plain_decode(stream)


def test_several_whole_events_in_one_block_come_out_at_once() -> None:
    decoder = EventDecoder()

    assert decoder.feed(b"data: 1\n\ndata: 2\n\ndata: 3") == [Event(b"1"), Event(b"2")]
    assert decoder.feed(b"\n\n") == [Event(b"3")]


def test_an_event_is_out_with_its_own_blank_line_even_if_that_is_a_carriage_return() -> None:
    decoder = EventDecoder()

    assert decoder.feed(b"data: 1\r\n\r") == [Event(b"1")]
    assert decoder.feed(b"\ndata: 2\r\n\r\n") == [Event(b"2")]


def test_an_event_that_the_end_cuts_before_its_blank_line_is_handed_out() -> None:
    assert decode(b"data: 1\n\ndata: 2") == [Event(b"1"), Event(b"2")]
    assert decode(b"data: 1\n\ndata: 2\n") == [Event(b"1"), Event(b"2")]


def test_a_line_of_three_megabytes_is_read_in_whatever_pieces_it_comes() -> None:
    line = b"data: " + b"x" * 3_000_000 + b"\n\n"
    expected = [Event(b"x" * 3_000_000)]

    assert decode(line) == expected
    assert decode(*[line[at : at + 1000] for at in range(0, len(line), 1000)]) == expected


@pytest.mark.parametrize("size", [1, 4096, MAX_EVENT * 2])
def test_an_endless_line_is_refused_at_the_bound(size: int) -> None:
    decoder = EventDecoder()
    block = b"data: " + b"x" * max(0, size - 6)

    with pytest.raises(ProviderProtocolError):
        for _ in range(MAX_EVENT // size + 2):
            decoder.feed(block)


def test_many_short_lines_of_one_event_are_refused_at_the_bound() -> None:
    decoder = EventDecoder()

    with pytest.raises(ProviderProtocolError):
        for _ in range(MAX_EVENT // 50_000 + 2):
            decoder.feed(b"data:\n" * 50_000)


def test_comments_without_end_take_no_memory_and_are_no_fault() -> None:
    decoder = EventDecoder()

    for _ in range(100):
        assert decoder.feed(b": keep-alive\n\n" * 10_000) == []

    assert decoder.feed(b"data: 1\n\n") == [Event(b"1")]


def test_whole_events_before_a_fault_are_handed_out_before_it_is_raised() -> None:
    decoder = EventDecoder()

    events = decoder.feed(b"data: 1\n\ndata: " + b"x" * (MAX_EVENT + 1))

    assert events == [Event(b"1")]
    assert decoder.faulty
    with pytest.raises(ProviderProtocolError):
        decoder.feed(b"data: 2\n\n")
    with pytest.raises(ProviderProtocolError):
        decoder.end()


@given(st.binary(max_size=50).filter(lambda data: data and b"\n" not in data and b"\r" not in data))
def test_a_written_frame_reads_back(data: bytes) -> None:
    assert decode(frame(data)) == [Event(data)]
    assert decode(frame(data, "message_start")) == [Event(data, "message_start")]
