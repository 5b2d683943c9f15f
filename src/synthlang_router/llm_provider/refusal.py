"""An error answer of a provider, read as far as it is of use."""

from __future__ import annotations

from typing import Final

from synthlang_router.errors import ProviderError, RouterError
from synthlang_router.llm_provider.failures import failure
from synthlang_router.llm_provider.provider import Endpoint
from synthlang_router.llm_provider.transport import UpstreamResponse
from synthlang_router.wire.format import AnswerFormat

MAX_ERROR: Final = 65_536
"""Bytes read of an error answer; what follows is of no use to anybody."""


async def refusal_of(
    response: UpstreamResponse, wire: AnswerFormat, endpoint: Endpoint, wall: float
) -> RouterError:
    """What a response with status 400 or more means; `wall` is seconds since the epoch."""
    body = bytearray()
    try:
        while len(body) < MAX_ERROR and (block := await response.read()):
            body += block
    except ProviderError:
        pass  # the status says enough
    return failure(
        wire,
        endpoint.provider.name,
        response.status,
        response.headers,
        bytes(body[:MAX_ERROR]),
        endpoint.secrets,
        wall,
    )
