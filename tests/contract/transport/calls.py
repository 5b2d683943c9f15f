"""How the tests of the port send a request and read what comes back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from synthlang_router.llm_provider.transport import Timeouts, Transport, UpstreamRequest, UpstreamResponse
from tests.doubles.upstream import ScriptedUpstream

SOON: Final = 0.15
"""A limit that is meant to strike."""


def ask(
    upstream: ScriptedUpstream,
    body: bytes = b"{}",
    *,
    connect: float = 5.0,
    first_token: float = 5.0,
    idle: float = 5.0,
    total: float = 30.0,
    max_body: int | None = 1_000_000,
    path: str = "/chat/completions",
) -> UpstreamRequest:
    return UpstreamRequest(
        method="POST",
        url=upstream.url + path,
        headers=(("content-type", "application/json"), ("accept", "*/*"), ("accept-encoding", "identity")),
        body=body,
        timeouts=Timeouts(connect, first_token, idle, total),
        deadline=time.monotonic() + total,
        max_body=max_body,
    )


async def read_all(response: UpstreamResponse) -> bytes:
    blocks = []
    while block := await response.read():
        blocks.append(block)
    return b"".join(blocks)


@asynccontextmanager
async def sent(transport: Transport, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
    response = await transport.send(request)
    try:
        yield response
    finally:
        response.close()


async def fetch(transport: Transport, request: UpstreamRequest) -> bytes:
    async with sent(transport, request) as response:
        return await read_all(response)
