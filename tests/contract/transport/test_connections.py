"""Who holds a connection, and who gets it next."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import pytest

from synthlang_router.errors import ProviderProtocolError, ProviderUnavailable
from synthlang_router.llm_provider.transport import Transport
from tests.contract.transport.calls import ask, fetch, read_all, sent
from tests.doubles.answers import LAST_CHUNK, chunk, head, http
from tests.doubles.upstream import (
    CLOSE,
    STALL,
    Flood,
    ScriptedUpstream,
    Sleep,
    Step,
    Until,
)


async def test_a_whole_answer_leaves_its_connection_for_the_next_request(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        for _ in range(5):
            await fetch(transport, ask(upstream))

        assert (len(upstream.requests), len(upstream.connections)) == (5, 1)


async def test_two_requests_at_once_have_a_connection_each(transport: Transport) -> None:
    more = asyncio.Event()

    async with ScriptedUpstream([[Until(more), http(b"{}")]]) as upstream:
        both = asyncio.gather(*(fetch(transport, ask(upstream)) for _ in range(2)))
        await upstream.seen(2)
        more.set()
        await both

        assert len(upstream.connections) == 2


async def test_closing_early_aborts_the_connection_at_once(transport: Transport) -> None:
    async with ScriptedUpstream([[head("transfer-encoding: chunked"), chunk(b"x"), STALL]]) as upstream:
        async with sent(transport, ask(upstream)) as response:
            await response.read()

        await upstream.connections[0].left()


@pytest.mark.parametrize(
    "steps", [[STALL], [head("transfer-encoding: chunked"), STALL]], ids=["head", "body"]
)
async def test_cancelling_aborts_the_connection_at_once(transport: Transport, steps: list[Step]) -> None:
    async with ScriptedUpstream([steps]) as upstream:
        task = asyncio.ensure_future(fetch(transport, ask(upstream)))
        await upstream.seen(1)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await upstream.connections[0].left()


async def test_an_answer_whose_reader_has_all_it_needs_keeps_its_connection_once_the_end_comes(
    transport: Transport,
) -> None:
    more = asyncio.Event()
    script: list[Step] = [head("transfer-encoding: chunked"), chunk(b"[DONE]"), Until(more), LAST_CHUNK]

    async with ScriptedUpstream([script, [http(b"{}")]]) as upstream:
        response = await transport.send(ask(upstream))
        await response.read()
        response.close(whole=True)
        more.set()
        await asyncio.sleep(0.05)
        await fetch(transport, ask(upstream))

        assert len(upstream.connections) == 1


async def test_an_end_that_never_comes_is_not_waited_for_long(transport: Transport) -> None:
    async with ScriptedUpstream([[head("transfer-encoding: chunked"), chunk(b"[DONE]"), STALL]]) as upstream:
        response = await transport.send(ask(upstream))
        await response.read()
        response.close(whole=True)

        await upstream.connections[0].left()


async def test_closing_twice_is_as_good_as_once(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        response = await transport.send(ask(upstream))
        await read_all(response)
        response.close()
        response.close()
        await fetch(transport, ask(upstream))

        assert len(upstream.connections) == 1


async def test_a_kept_connection_that_the_peer_closed_is_replaced_unnoticed(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b'{"n":1}'), Sleep(0.02), CLOSE], [http(b'{"n":2}')]]) as upstream:
        await fetch(transport, ask(upstream))
        await upstream.connections[0].ended.wait()

        assert await fetch(transport, ask(upstream)) == b'{"n":2}'


async def test_a_kept_connection_that_the_peer_closes_on_the_next_request_is_replaced_once(
    transport: Transport,
) -> None:
    async with ScriptedUpstream([[http(b'{"n":1}')], [CLOSE], [http(b'{"n":2}')]]) as upstream:
        await fetch(transport, ask(upstream))

        assert await fetch(transport, ask(upstream)) == b'{"n":2}'
        assert [request.connection for request in upstream.requests] == [0, 0, 1]


async def test_a_second_such_failure_in_a_row_is_told(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b'{"n":1}')], [CLOSE], [CLOSE]]) as upstream:
        await fetch(transport, ask(upstream))

        with pytest.raises(ProviderUnavailable):
            await fetch(transport, ask(upstream))
        assert len(upstream.requests) == 3


async def test_a_kept_connection_that_fails_within_the_answer_is_not_tried_again(
    transport: Transport,
) -> None:
    async with ScriptedUpstream([[http(b'{"n":1}')], [b"HTTP/1.1 200", CLOSE]]) as upstream:
        await fetch(transport, ask(upstream))

        with pytest.raises(ProviderProtocolError):
            await fetch(transport, ask(upstream))
        assert len(upstream.requests) == 2


POISON: Final = http(b'{"answer":"meant for somebody else"}')


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([http(b"{}"), Sleep(0.02), POISON], id="a whole answer, later"),
        pytest.param([http(b"{}"), Sleep(0.02), b"H"], id="a single byte, later"),
        pytest.param([http(b"{}") + POISON], id="a whole answer, in the same packet"),
        pytest.param([http(b"{}") + POISON[:40]], id="half an answer, in the same packet"),
        pytest.param([http(b"{}") + b"garbage"], id="garbage in the same packet"),
        pytest.param([http(b"{}"), Sleep(0.02), b"garbage"], id="garbage, later"),
        pytest.param(
            [head("transfer-encoding: chunked") + chunk(b"{}") + LAST_CHUNK + POISON], id="after a last chunk"
        ),
        pytest.param([head("content-length: 0") + POISON], id="after an answer without a body"),
        pytest.param(
            [head("content-length: 0"), Sleep(0.02), POISON], id="later, after an answer without a body"
        ),
        pytest.param([head("content-length: 2"), b'{}{"longer":"than said"}'], id="a body longer than said"),
    ],
)
async def test_bytes_that_nobody_asked_for_condemn_the_connection(
    transport: Transport, steps: list[Step]
) -> None:
    async with ScriptedUpstream([steps, [http(b'{"mine":true}')]]) as upstream:
        with suppress(ProviderProtocolError):  # what came with it may be doubted as well
            await fetch(transport, ask(upstream))
        await asyncio.sleep(0.05)

        assert await fetch(transport, ask(upstream)) == b'{"mine":true}'
        assert upstream.requests[1].connection == 1


async def test_bytes_nobody_asked_for_are_found_though_the_loop_had_no_time_to_read_them(
    transport: Transport,
) -> None:
    async with ScriptedUpstream([[http(b"{}")], [http(b'{"mine":true}')]]) as upstream:
        await fetch(transport, ask(upstream))
        upstream.write_now(0, POISON)

        assert await fetch(transport, ask(upstream)) == b'{"mine":true}'


async def test_an_answer_before_the_request_was_sent_whole_is_read(transport: Transport) -> None:
    early = http(b"too large", status="413 Content Too Large", headers=["connection: close"])

    async with ScriptedUpstream([[early, STALL]], bodies=False) as upstream:
        async with sent(transport, ask(upstream, b"x" * 30_000_000)) as response:
            assert (response.status, await read_all(response)) == (413, b"too large")


async def test_a_reader_that_does_not_read_holds_the_provider_back(transport: Transport) -> None:
    script: list[Step] = [head("transfer-encoding: chunked"), Flood(chunk(b"x" * 65_536), 2_000), LAST_CHUNK]

    async with (
        ScriptedUpstream([script]) as upstream,
        sent(transport, ask(upstream, max_body=None)) as response,
    ):
        await response.read()
        before = -1
        while before != (before := upstream.connections[0].written):
            await asyncio.sleep(0.1)

        assert upstream.connections[0].written < 60_000_000
        assert len(await read_all(response)) > 0
