"""How long a provider may take."""

from __future__ import annotations

import asyncio

import pytest

from synthlang_router.errors import ProviderTimeout
from synthlang_router.llm_provider.transport import Transport
from tests.contract.transport.calls import SOON, ask, fetch, read_all, sent
from tests.doubles.answers import LAST_CHUNK, chunk, head, http
from tests.doubles.upstream import (
    STALL,
    ScriptedUpstream,
    Sleep,
    Step,
)


async def test_an_upstream_that_never_answers_is_given_up_after_the_first_token_time(
    transport: Transport,
) -> None:
    async with ScriptedUpstream([[STALL]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await transport.send(ask(upstream, first_token=SOON))
        await upstream.connections[0].left()

    assert caught.value.phase == "first_token"


async def test_headers_alone_are_no_first_token(transport: Transport) -> None:
    async with (
        ScriptedUpstream([[head("transfer-encoding: chunked"), STALL]]) as upstream,
        sent(transport, ask(upstream, first_token=SOON)) as response,
    ):
        with pytest.raises(ProviderTimeout) as caught:
            await response.read()

    assert caught.value.phase == "first_token"


async def test_a_stall_between_blocks_is_given_up_after_the_idle_time(transport: Transport) -> None:
    async with (
        ScriptedUpstream([[head("transfer-encoding: chunked"), chunk(b"hello"), STALL]]) as upstream,
        sent(transport, ask(upstream, idle=SOON)) as response,
    ):
        assert await response.read() == b"hello"
        with pytest.raises(ProviderTimeout) as caught:
            await response.read()

    assert caught.value.phase == "idle"


async def test_blocks_that_keep_coming_keep_the_idle_time_away(transport: Transport) -> None:
    steps: list[Step] = [step for _ in range(8) for step in (Sleep(SOON / 3), chunk(b"x"))]

    async with ScriptedUpstream([[head("transfer-encoding: chunked"), *steps, LAST_CHUNK]]) as upstream:
        assert await fetch(transport, ask(upstream, idle=SOON)) == b"x" * 8


async def test_the_deadline_ends_an_answer_that_still_flows(transport: Transport) -> None:
    steps: list[Step] = [step for _ in range(500) for step in (Sleep(0.01), chunk(b"x"))]

    async with ScriptedUpstream([[head("transfer-encoding: chunked"), *steps]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await fetch(transport, ask(upstream, total=2 * SOON))
        await upstream.connections[0].left()

    assert caught.value.phase == "total"


async def test_a_deadline_that_has_passed_sends_nothing(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await transport.send(ask(upstream, total=-1.0))

        assert upstream.connections == []
    assert caught.value.phase == "total"


async def test_a_slow_reader_is_not_the_providers_fault(transport: Transport) -> None:
    script: list[Step] = [head("transfer-encoding: chunked"), chunk(b"a"), chunk(b"b"), LAST_CHUNK]

    async with (
        ScriptedUpstream([script]) as upstream,
        sent(transport, ask(upstream, idle=SOON)) as response,
    ):
        first = await response.read()
        await asyncio.sleep(3 * SOON)
        assert first + await read_all(response) == b"ab"


async def test_an_upstream_that_does_not_read_the_request_is_given_up(transport: Transport) -> None:
    async with ScriptedUpstream([[http(b"{}")]], greeting=[STALL], reads=False) as upstream:
        with pytest.raises(ProviderTimeout):
            await transport.send(ask(upstream, b"x" * 30_000_000, first_token=3 * SOON))
