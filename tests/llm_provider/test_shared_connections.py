"""Connections that several requests use one after the other, and what one of them may do to the next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from synthlang_router.errors import ProviderProtocolError, ProviderTimeout, ProviderUnavailable
from synthlang_router.llm_provider.transport import MAX_HEADERS, Timeouts, UpstreamRequest
from synthlang_router.llm_provider.transport_stream import StreamTransport
from tests.doubles.answers import LAST_CHUNK, chunk, head, http
from tests.doubles.upstream import CLOSE, STALL, ScriptedUpstream, SeenRequest, Step

PATIENCE = 10.0
SOON = 0.3


@pytest.fixture
async def transport() -> AsyncIterator[StreamTransport]:
    made = StreamTransport()
    yield made
    await made.close()


def ask(upstream: ScriptedUpstream, body: bytes = b"{}", *, first_token: float = 5.0) -> UpstreamRequest:
    timeouts = Timeouts(first_token=first_token)
    return UpstreamRequest("POST", upstream.url, (), body, timeouts, time.monotonic() + 30.0)


async def fetch(transport: StreamTransport, request: UpstreamRequest) -> bytes:
    response = await transport.send(request)
    try:
        read = b""
        while block := await response.read():
            read += block
        return read
    finally:
        response.close()


async def test_a_request_keeps_its_time_limits_though_an_earlier_one_ends_late_on_its_connection(
    transport: StreamTransport,
) -> None:
    """Workers that end together take each other's connections before every reader had its turn."""

    def script(request: SeenRequest) -> list[Step]:
        return [STALL] if request.body == b"stall" else [http(b"{}")]

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(PATIENCE):

        async def work() -> str:
            await fetch(transport, ask(upstream))
            await fetch(transport, ask(upstream))
            with pytest.raises(ProviderTimeout) as caught:
                await fetch(transport, ask(upstream, b"stall", first_token=SOON))
            return caught.value.phase

        phases = await asyncio.gather(*(work() for _ in range(32)))

    assert set(phases) == {"first_token"}


async def test_who_waits_for_a_head_is_told_when_the_transport_closes(transport: StreamTransport) -> None:
    async with ScriptedUpstream([[STALL]]) as upstream, asyncio.timeout(PATIENCE):
        waiting = asyncio.ensure_future(fetch(transport, ask(upstream)))
        await upstream.seen(1)
        await transport.close()

        with pytest.raises(ProviderUnavailable):
            await waiting


async def test_who_reads_is_told_when_the_transport_closes(transport: StreamTransport) -> None:
    script: list[Step] = [head("transfer-encoding: chunked"), chunk(b"x"), STALL]
    async with ScriptedUpstream([script]) as upstream, asyncio.timeout(PATIENCE):
        response = await transport.send(ask(upstream))
        await response.read()
        waiting = asyncio.ensure_future(response.read())
        await asyncio.sleep(0)
        await transport.close()

        with pytest.raises(ProviderProtocolError):
            await waiting


async def test_a_kept_connection_that_closing_tears_down_is_not_replaced(transport: StreamTransport) -> None:
    async with ScriptedUpstream([[http(b"{}")], [STALL]]) as upstream, asyncio.timeout(PATIENCE):
        await fetch(transport, ask(upstream))
        waiting = asyncio.ensure_future(fetch(transport, ask(upstream)))
        await upstream.seen(2)
        await transport.close()

        with pytest.raises(ProviderUnavailable):
            await waiting
        assert len(upstream.connections) == 1


async def test_lines_of_one_name_count_as_so_many_headers(transport: StreamTransport) -> None:
    lines = ["x: y"] * MAX_HEADERS
    async with ScriptedUpstream([[head("content-length: 2", *lines), b"{}"]]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await fetch(transport, ask(upstream))


async def test_the_headers_of_interim_answers_do_not_count(transport: StreamTransport) -> None:
    interim = head(*["link: </x>"] * (MAX_HEADERS - 1), status="103 Early Hints")
    async with ScriptedUpstream([[interim * 3, http(b"{}")]]) as upstream:
        assert await fetch(transport, ask(upstream)) == b"{}"


async def test_a_cut_chunked_answer_is_an_error_though_a_space_follows_its_coding(
    transport: StreamTransport,
) -> None:
    async with ScriptedUpstream([[head("transfer-encoding: chunked "), chunk(b"{}"), CLOSE]]) as upstream:
        with pytest.raises(ProviderProtocolError):
            await fetch(transport, ask(upstream))


async def test_spaces_around_a_header_value_are_not_part_of_it(transport: StreamTransport) -> None:
    answer = [head("transfer-encoding: chunked", "x-one: \t two  \t"), LAST_CHUNK]
    async with ScriptedUpstream([answer]) as upstream:
        response = await transport.send(ask(upstream))
        response.close()

    assert response.headers["x-one"] == "two"


async def test_at_the_bound_a_stale_connection_that_was_waited_for_is_replaced_too() -> None:
    async with ScriptedUpstream([[http(b"1")], [CLOSE], [http(b"2")]]) as upstream, asyncio.timeout(PATIENCE):
        transport = StreamTransport(max_connections=1)
        both = await asyncio.gather(*(fetch(transport, ask(upstream)) for _ in range(2)))
        await transport.close()

    assert both == [b"1", b"2"]
