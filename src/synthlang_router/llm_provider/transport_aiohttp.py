"""`AioHttpTransport`: the port over one pooled aiohttp session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from yarl import URL

from synthlang_router.errors import ProviderError, ProviderProtocolError, ProviderTimeout, ProviderUnavailable
from synthlang_router.llm_provider.inflate import inflated
from synthlang_router.llm_provider.pool_aiohttp import EXCHANGE, Connector, Exchange
from synthlang_router.llm_provider.proxies import Proxies
from synthlang_router.llm_provider.sockets import client_context
from synthlang_router.llm_provider.transport import (
    END_WITHIN,
    MAX_HEADERS,
    NoConnection,
    UpstreamRequest,
    UpstreamResponse,
    Useless,
)

READ_AHEAD: Final = 65_536
"""Bytes one response may hold unread; at twice that its socket is no longer read."""

MAX_LINE: Final = 16_384
"""Bytes of one header line."""

SLICE: Final = 262_144
"""Bytes of a request body written at once."""


class _Body(Payload):
    """Bytes as they are; aiohttp's own class warns from 1 MB on."""

    _autoclose = True

    def __init__(self, value: bytes) -> None:
        super().__init__(value, content_type="application/json")
        self._size = len(value)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return bytes(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        for start in range(0, len(self._value), SLICE):
            await writer.write(self._value[start : start + SLICE])

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        await self.write(writer)


class AioHttpTransport:
    """`ca_file` is trusted beside the system's authorities; `max_connections` bounds all providers together."""

    def __init__(
        self, *, proxies: Proxies | None = None, ca_file: str | None = None, max_connections: int = 4096
    ) -> None:
        self._proxies = Proxies() if proxies is None else proxies
        self._context = None if ca_file is None else client_context(ca_file)
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        loop = asyncio.get_running_loop()
        session = self._session
        if session is None:
            session = self._session = self._open()
        exchange = Exchange(request, loop, fresh=request.upload is not None)
        try:
            response = await self._exchange(session, request, exchange, loop)
        except ProviderUnavailable:
            if not exchange.reused or exchange.heard or request.upload is not None:
                raise
            exchange = Exchange(request, loop, fresh=True)  # a kept-alive connection that the peer had closed
            response = await self._exchange(session, request, exchange, loop)
        return inflated(response, request.max_body)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=Connector(self._max_connections, self._context),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept"),
            read_bufsize=READ_AHEAD,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
        )

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        request: UpstreamRequest,
        exchange: Exchange,
        loop: asyncio.AbstractEventLoop,
    ) -> _Response:
        left = request.deadline - loop.time()
        if left <= 0:
            raise ProviderTimeout("total", request.timeouts.total)
        url = URL(request.url, encoded=True)
        EXCHANGE.set(exchange)
        try:
            response = await session.request(
                request.method,
                url,
                data=_body(request),
                headers=_framed(request),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=min(request.timeouts.connect, left)),
                proxy=self._proxies.for_url(url.scheme, url.host or "", url.port),
            )
        except BaseException as error:
            exchange.abort()
            if isinstance(error, aiohttp.ClientError | OSError):
                raise _translated(error, exchange, request) from error
            raise
        exchange.watch.rest()
        return _Response(response, exchange, request.max_body).checked()


def _body(request: UpstreamRequest) -> _Body | AsyncIterator[bytes] | None:
    if request.upload is not None:
        return request.upload
    return _Body(request.body) if request.body else None


def _framed(request: UpstreamRequest) -> tuple[tuple[str, str], ...]:
    if request.upload is None or request.length is None:
        return request.headers
    return (*request.headers, ("content-length", str(request.length)))


def _translated(
    error: aiohttp.ClientError | OSError, exchange: Exchange, request: UpstreamRequest
) -> ProviderError:
    """What a failure before the end of the head means."""
    if exchange.expired is not None:
        return exchange.expired
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ProviderTimeout("connect", request.timeouts.connect)
    if isinstance(error, aiohttp.ClientResponseError) and error.request_info.method == "CONNECT":
        return NoConnection("The proxy did not open a way to the provider.")
    if isinstance(error, aiohttp.ClientResponseError):
        return ProviderProtocolError("The provider's answer was not HTTP.")
    if exchange.heard:
        return ProviderProtocolError("The provider's answer was cut.")
    if exchange.handler is None:
        return NoConnection("No connection to the provider could be made.")
    return ProviderUnavailable("The provider closed the connection without an answer.")


class _Response:
    __slots__ = ("_exchange", "_first", "_left", "_response", "_watch", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, exchange: Exchange, max_body: int | None) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = _lowered(response.raw_headers)
        self._response = response
        self._exchange = exchange
        self._watch = exchange.watch
        self._left = max_body
        self._first = True

    def checked(self) -> _Response:
        """Refuses what no reading of the body could make good."""
        length = self._response.content_length
        if self.status < 200 or 300 <= self.status < 400:
            problem = "The provider answered with a redirect, which is never followed."
        elif length is not None and self._left is not None and length > self._left:
            problem = "The provider's answer is too large."
        else:
            return self
        self.close()
        raise Useless(problem)

    async def read(self) -> bytes:
        self._watch.wait("first_token" if self._first else "idle")
        try:
            block = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise ProviderProtocolError("The provider's answer was cut.") from error
        self._watch.rest()
        self._first = False
        if self._left is not None:
            self._left -= len(block)
            if self._left < 0:
                raise Useless("The provider's answer is too large.")
        return block

    def close(self, *, whole: bool = False) -> None:
        if whole and self._exchange.handler is not None:  # aiohttp itself gives it back when the end comes
            self._watch.stop()
            asyncio.get_running_loop().call_later(END_WITHIN, self.close)
        else:
            self._exchange.abort()
            self._response.close()


def _lowered(pairs: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
