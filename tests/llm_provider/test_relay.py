"""What a connection hands over as it comes is what a reader would have read, and ends as it would have ended."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from synthlang_router.errors import ProviderTimeout
from synthlang_router.heads import Heads
from synthlang_router.llm_provider.connection import Connection
from synthlang_router.llm_provider.told import RememberedHeaders
from synthlang_router.llm_provider.transport import Timeouts
from tests.doubles.answers import LAST_CHUNK, chunk, head, http
from tests.llm_provider.conversations import broken, split
from tests.llm_provider.test_connection import REQUEST, Line, outcome


class Sink:
    """Takes blocks."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def __call__(self, block: bytes) -> bool:
        self.blocks.append(block)
        return len(self.blocks) % 5 != 0  # now and then it wants to be asked first


async def relayed(pieces: list[bytes], *, end: bool) -> tuple[int, bytes, str]:
    """Status, body and end for a reader who has blocks handed over, and reads those that are not."""
    line, sink = Line(asyncio.get_running_loop()), Sink()
    answer = line.ask()

    async def read() -> str:
        await answer.opened()
        while True:
            await answer.relay(sink)
            block = await answer.read()
            if not block:
                return "whole"
            sink.blocks.append(block)

    reading = asyncio.ensure_future(read())
    for piece in pieces:
        await asyncio.sleep(0)
        line.connection.data_received(piece)
    if end:
        line.connection.eof_received()
    done, _ = await asyncio.wait([reading], timeout=0.01)
    how = "waits" if not done else reading.result() if reading.exception() is None else ""
    if done and not how:
        how = type(reading.exception()).__name__
    reading.cancel()
    line.connection.abort()
    line.wire.done()
    return answer.status, b"".join(sink.blocks), how


@settings(max_examples=100, deadline=None)
@given(broken(), st.lists(st.integers(0, 2_000), max_size=12), st.booleans())
def test_a_relayed_answer_is_the_one_that_would_have_been_read(
    data: bytes, cuts: list[int], end: bool
) -> None:
    loop = asyncio.new_event_loop()
    line = Line(loop)
    status, _, body, how = outcome(line, [data], end=end)
    line.connection.abort()
    line.wire.done()
    loop.close()

    assert asyncio.run(relayed(split(data, cuts), end=end)) == (status, body, how)


@settings(max_examples=200, deadline=None)
@given(broken(), broken())
def test_an_answer_under_a_known_head_is_the_one_the_parser_would_have_read(
    first: bytes, second: bytes
) -> None:
    loop = asyncio.new_event_loop()
    lines = [Line(loop), Line(loop), Line(loop)]
    heads: Heads[RememberedHeaders] = Heads()
    for line in lines[1:]:
        line.connection = Connection(loop, line._freed, line._gone, heads)
        line.connection.connection_made(line.wire)
    try:
        expected = outcome(lines[0], [second], end=False)
        outcome(lines[1], [first], end=False)
        found = outcome(lines[2], [second], end=False)
        assert (found[0], found[2], found[3]) == (expected[0], expected[2], expected[3])
        assert lines[2].connection.state == lines[0].connection.state
    finally:
        for line in lines:
            line.connection.abort()
            line.wire.done()
        loop.close()


async def test_a_whole_answer_under_a_known_head_need_not_be_parsed_and_keeps_its_headers() -> None:
    line = Line(asyncio.get_running_loop())
    outcome(line, [http(b"first", headers=["x-a: 1"])], end=False)

    status, headers, body, how = outcome(line, [http(b"the second", headers=["x-a: 1"])], end=False)

    assert (status, body, how, headers["x-a"]) == (200, b"the second", "whole", "1")
    assert len(line.connection._heads) == 1
    line.wire.done()


async def test_a_known_head_with_too_large_a_body_is_refused_as_any_other() -> None:
    line = Line(asyncio.get_running_loop())
    outcome(line, [http(b"small")], end=False)

    assert REQUEST.max_body is not None
    refused = outcome(line, [http(b"x" * (REQUEST.max_body + 1))], end=False)

    assert refused[3] == "Useless"
    line.wire.done()


async def test_what_a_sink_raises_is_raised_where_the_reader_waits() -> None:
    line = Line(asyncio.get_running_loop())
    answer = line.ask()
    line.connection.data_received(head("transfer-encoding: chunked"))

    def broken_sink(block: bytes) -> bool:
        raise ValueError("broken")

    relaying = asyncio.ensure_future(answer.relay(broken_sink))
    await asyncio.sleep(0)
    line.connection.data_received(chunk(b"x"))

    with pytest.raises(ValueError, match="broken"):
        await relaying
    line.connection.abort()
    line.wire.done()


async def test_a_provider_that_falls_silent_while_it_is_relayed_times_out() -> None:
    line = Line(asyncio.get_running_loop())
    answer = line.connection.ask(replace(REQUEST, timeouts=Timeouts(1, 1, 0.05, 60)), b"HEAD")
    line.connection.data_received(head("transfer-encoding: chunked") + chunk(b"x"))
    sink = Sink()
    await answer.read()

    relaying = asyncio.ensure_future(answer.relay(sink))
    await asyncio.sleep(0)
    line.connection.data_received(chunk(b"y"))
    await relaying

    assert sink.blocks == [b"y"]
    with pytest.raises(ProviderTimeout):
        await answer.read()
    line.wire.done()


async def test_the_last_block_reaches_the_sink_before_the_reader_hears_of_the_end() -> None:
    line = Line(asyncio.get_running_loop())
    answer = line.ask()
    line.connection.data_received(head("transfer-encoding: chunked"))
    sink = Sink()

    relaying = asyncio.ensure_future(answer.relay(sink))
    await asyncio.sleep(0)
    line.connection.data_received(chunk(b"x") + LAST_CHUNK)
    await relaying

    assert sink.blocks == [b"x"]
    assert await answer.read() == b""
    line.wire.done()
