"""Clients that send slowly, do not read, or leave: what they hold is bounded, and given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from tests.doubles.answers import (
    SSE_HEAD,
    completion,
    frame_json,
)
from tests.doubles.upstream import Flood, Script, SeenRequest
from tests.e2e.clients import BODY, Tried, Wire, error_in, head, request, tried_gateway
from tests.e2e.faults.case import END, STOP, events

pytestmark = pytest.mark.asyncio(loop_scope="module")

FRAME: Final = events(frame_json({"content": "x" * 20_000}))
MANY: Final = 10_000
"""Frames of 20 kB: 200 MB."""
FLOOD: Final[Script] = [SSE_HEAD, Flood(FRAME, MANY), events(STOP) + END]
STREAM: Final = BODY[:-1] + b', "stream": true}'
LARGE: Final = BODY.replace(b"Hi", b"a large one")
LARGE_ANSWER: Final = completion("x" * 15_000_000 + "THE END")


def answer(asked: SeenRequest) -> Script:
    question = asked.json()
    if question.get("stream"):
        return FLOOD
    return [LARGE_ANSWER if "large" in question["messages"][0]["content"] else completion()]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hasty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tried]:
    """A gateway that waits a second for its clients."""
    async with tried_gateway(tmp_path_factory.mktemp("hasty"), answer, client_timeout=1) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def patient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tried]:
    """A gateway that waits long."""
    async with tried_gateway(tmp_path_factory.mktemp("patient"), answer, client_timeout=60) as opened:
        yield opened


async def trickle(wire: Wire, data: bytes, pause: float) -> None:
    """Send byte by byte until told to stop."""
    for start in range(len(data)):
        if wire.writer.is_closing() or wire.reader.at_eof():
            return
        wire.writer.write(data[start : start + 1])
        await asyncio.sleep(pause)


@pytest.mark.parametrize("begun", [b"POST /v1/chat", head("x-a: b")[:-2]])
async def test_headers_that_come_slowly_are_408(hasty: Tried, begun: bytes) -> None:
    async with hasty.wire() as wire:
        await wire.send(begun)
        dripping = asyncio.ensure_future(trickle(wire, b"x" * 1000, 0.1))
        status, _, body = await wire.reply()
        rest = await wire.rest()
        dripping.cancel()

    assert (status, error_in(body)["code"]) == (408, "request_timeout")
    assert rest == b""


async def test_a_connection_that_never_says_anything_is_closed(hasty: Tried) -> None:
    async with hasty.wire() as wire:
        assert await wire.rest() == b""


async def test_empty_lines_do_not_keep_a_connection(hasty: Tried) -> None:
    async with hasty.wire() as wire:
        await wire.send(head(path="/health/live", method="GET"))
        await wire.reply()
        dripping = asyncio.ensure_future(trickle(wire, b"\r\n" * 1000, 0.1))
        rest = await wire.rest()
        dripping.cancel()

    assert rest == b""


@pytest.mark.parametrize(
    "begun",
    [
        head("content-length: 100000"),
        head("content-length: 100000") + BODY[:20],
        head("transfer-encoding: chunked") + b"ffff\r\n",
        head("content-length: 100000", path="/v1/nothing"),
    ],
)
async def test_a_body_that_comes_slowly_is_408_or_not_waited_for(hasty: Tried, begun: bytes) -> None:
    asked = len(hasty.asked)

    async with hasty.wire() as wire:
        await wire.send(begun)
        dripping = asyncio.ensure_future(trickle(wire, b"x" * 1000, 0.1))
        status, headers, body = await wire.reply()
        rest = await wire.rest()
        dripping.cancel()

    assert status == (404 if b"/v1/nothing" in begun else 408)
    assert error_in(body)
    assert headers["x-request-id"]
    assert rest == b""
    assert len(hasty.asked) == asked


async def test_a_large_body_gets_the_time_it_takes(hasty: Tried) -> None:
    body = b"x" * 400_000  # no JSON, so that the answer is short

    async with hasty.wire() as wire:
        await wire.send(head(f"content-length: {len(body)}"))
        for start in range(0, len(body), 50_000):
            await wire.send(body[start : start + 50_000])
            await asyncio.sleep(0.2)
        status, _, _ = await wire.reply()

    assert status == 400


async def test_a_client_that_does_not_read_holds_back_the_provider_and_grows_nothing(patient: Tried) -> None:
    async with patient.wire(window=65_536) as wire:
        await wire.send(request())
        await wire.reply()
        before = patient.resident()
        await wire.send(request(STREAM))
        await asyncio.sleep(1.5)
        connection = patient.upstream.connections[patient.asked[-1].connection]
        written, grown = connection.written, patient.resident() - before

        assert len(FRAME) < written < 20_000_000
        assert grown < 16_000_000

        assert await read_stream(wire) == MANY


async def test_a_client_that_never_reads_is_left_and_so_is_the_provider(hasty: Tried) -> None:
    asked = len(hasty.asked)
    async with hasty.wire(window=65_536) as wire:
        await wire.send(request(STREAM))
        connection = await hasty.was_asked(asked + 1)

        await connection.left()
        await hasty.until_idle()


async def test_a_whole_answer_that_is_not_read_is_given_up(hasty: Tried) -> None:
    async with hasty.wire(window=65_536) as wire:
        await wire.send(request(LARGE))
        await asyncio.sleep(3.0)
        answer = await wire.rest()

    assert b"THE END" not in answer


async def test_a_slow_reader_that_goes_on_reading_gets_everything(hasty: Tried) -> None:
    async with hasty.wire(window=65_536) as wire:
        await wire.send(request(LARGE))
        for _ in range(8):
            await wire.reader.readexactly(500_000)
            await asyncio.sleep(0.4)
        await wire.send(request(BODY, "connection: close"))
        answer = await wire.rest()

    assert len(answer) > 11_000_000
    assert b"THE END" in answer


async def test_a_hang_up_ends_the_answer_under_way_though_another_request_waits_behind_it(
    hasty: Tried,
) -> None:
    asked = len(hasty.asked)
    async with hasty.wire(window=65_536) as wire:
        await wire.send(request(STREAM) + request())
        await wire.reader.readuntil(b"data: ")

    connection = await hasty.was_asked(asked + 1)
    await connection.left()
    await hasty.until_idle()
    assert len(hasty.asked) == asked + 1


async def read_stream(wire: Wire) -> int:
    """How many frames of text came before the end of a good stream."""
    frames, tail = 0, b""
    async with asyncio.timeout(60):
        while not tail.endswith(b"0\r\n\r\n"):
            block = await wire.reader.read(1 << 20)
            assert block
            frames += (tail[-7:] + block).count(b'{"content"')
            tail = (tail + block)[-200:]
    assert b"data: [DONE]" in tail
    return frames
