"""Every implementation of the port, on every event loop it may run on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import pytest
import uvloop

from synthlang_router.llm_provider.transport import Transport
from synthlang_router.llm_provider.transport_aiohttp import AioHttpTransport
from synthlang_router.llm_provider.transport_stream import StreamTransport

TRANSPORTS: Final[Mapping[str, Callable[..., Transport]]] = {
    "aiohttp": AioHttpTransport,
    "stream": StreamTransport,
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=sorted(TRANSPORTS))
def make_transport(request: pytest.FixtureRequest) -> Callable[..., Transport]:
    return TRANSPORTS[request.param]


@pytest.fixture
async def transport(make_transport: Callable[..., Transport]) -> AsyncIterator[Transport]:
    made = make_transport()
    yield made
    await made.close()
