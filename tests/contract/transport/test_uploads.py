"""Bodies that are still coming while they are sent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import closing

import msgspec
import pytest

from synthlang_router.errors import ProviderError, ProviderTimeout
from synthlang_router.llm_provider.transport import Transport
from synthlang_router.llm_provider.transport_stream import StreamTransport
from tests.contract.transport.calls import SOON, ask, fetch, sent
from tests.doubles.answers import error, http
from tests.doubles.upstream import RESET, STALL, ScriptedUpstream


async def blocks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


@pytest.mark.parametrize("known", [True, False])
async def test_an_upload_arrives_as_it_was_sent(transport: Transport, known: bool) -> None:
    parts = [b"a" * 70_000, b"b", b"c" * 200_000]
    async with ScriptedUpstream([[http(b"{}")]], bodies=known) as upstream:
        request = msgspec.structs.replace(
            ask(upstream), upload=blocks(*parts), length=sum(map(len, parts)) if known else None
        )
        if not known:
            upstream.greeting = ()
        assert await fetch(transport, request) == b"{}"

        (seen,) = upstream.requests
        if known:
            assert seen.body == b"".join(parts)
            assert seen.header("content-length") == "270001"
        else:
            assert seen.header("transfer-encoding") == "chunked"
            assert seen.header("content-length") is None


async def test_what_breaks_the_upload_closes_the_connection(transport: Transport) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ConnectionResetError

    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        with pytest.raises((ConnectionResetError, ProviderError)):
            await fetch(transport, msgspec.structs.replace(ask(upstream), upload=broken(), length=100))

        await upstream.connections[0].left()
        assert upstream.requests == []


async def test_a_reset_while_uploading_is_a_providers_failure(transport: Transport) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b"x" * 10_000

    async with ScriptedUpstream([[RESET]], bodies=False) as upstream:
        with pytest.raises(ProviderError):
            await fetch(transport, msgspec.structs.replace(ask(upstream), upload=endless(), length=None))


@pytest.fixture
async def streaming() -> AsyncIterator[StreamTransport]:
    made = StreamTransport()
    yield made
    await made.close()


async def test_an_answer_before_the_end_ends_the_upload_and_the_connection(
    streaming: StreamTransport,
) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            await asyncio.sleep(0.001)
            given += 1
            yield b"x" * 100

    async with ScriptedUpstream([[error("413 Too Large"), STALL]], bodies=False) as upstream:
        request = msgspec.structs.replace(ask(upstream), upload=endless(), length=None)
        async with sent(streaming, request) as response:
            assert response.status == 413
            while await response.read():
                pass

        await upstream.connections[0].left()
        taken = given
        await asyncio.sleep(0.02)
        assert given == taken


async def test_no_more_is_taken_than_the_provider_reads(streaming: StreamTransport) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b"x" * 100_000

    upstream = ScriptedUpstream([[]])
    with closing(socket.socket()) as deaf:  # accepts in the kernel, and nobody reads
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        upstream.port = deaf.getsockname()[1]
        request = msgspec.structs.replace(ask(upstream, idle=SOON), upload=endless(), length=None)

        with pytest.raises(ProviderTimeout) as caught:
            await fetch(streaming, request)

    assert caught.value.phase == "idle"
    assert given < 200  # what the kernel's buffers take, and ours


async def test_the_providers_time_begins_with_the_last_byte(streaming: StreamTransport) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(4):
            await asyncio.sleep(SOON / 2)
            yield b"xx"

    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        request = msgspec.structs.replace(ask(upstream, first_token=SOON), upload=slow(), length=8)

        assert await fetch(streaming, request) == b"{}"


async def test_the_deadline_holds_for_the_upload(streaming: StreamTransport) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with ScriptedUpstream([[http(b"{}")]]) as upstream:
        with pytest.raises(ProviderTimeout) as caught:
            await fetch(
                streaming, msgspec.structs.replace(ask(upstream, total=SOON), upload=stuck(), length=8)
            )

        assert caught.value.phase == "total"
        await upstream.connections[0].left()
