"""`WebhookPost`: how an alert leaves this machine: by the house's own transport and its rules for egress."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from synthlang_router.config.urls import host_of
from synthlang_router.egress import permitted
from synthlang_router.llm_provider import Proxies
from synthlang_router.llm_provider.transport import Timeouts, UpstreamRequest
from synthlang_router.llm_provider.transport_stream import StreamTransport

WITHIN: Final = 10.0
"""Seconds that a receiver gets for all of its answer."""
MAX_ANSWER: Final = 65_536
"""Bytes of an answer, which nobody reads."""
_TIMEOUTS: Final = Timeouts(WITHIN, WITHIN, WITHIN, WITHIN)


class WebhookPost:
    """`await post(url, headers, body)`. The URL is the configuration's: private addresses are for its host alone."""

    def __init__(self) -> None:
        self._host = ""
        self._transport = StreamTransport(
            proxies=Proxies.from_environment(os.environ), max_connections=4, permit=self._permit
        )

    async def __call__(self, url: str, headers: tuple[tuple[str, str], ...], body: bytes) -> int:
        self._host = host_of(urlsplit(url))
        request = UpstreamRequest(
            "POST", url, headers, body, _TIMEOUTS, time.monotonic() + WITHIN, max_body=MAX_ANSWER
        )
        response = await self._transport.send(request)
        response.close()
        return response.status

    async def close(self) -> None:
        await self._transport.close()

    def _permit(self, host: str, addresses: Iterable[str]) -> list[str]:
        return permitted(host, addresses, {self._host})
