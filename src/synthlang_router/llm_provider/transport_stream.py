"""`StreamTransport`: the port over asyncio sockets and a parser, made for little work per request. [hot]

    send --> an idle connection of the origin --> the head of the answer --> `Received`, read by the caller
         \\-> none: a place in the pool, a new connection (`dial`) --/
         \\-> it turned out to be closed, and nothing of an answer came: once more, on a new one

`connection` has the states of one connection, `pool` who may use it, `watch` its time limits, `received` the way of
the bytes to their reader. What is the same for all requests of a provider, its header lines, is encoded once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

import msgspec

from synthlang_router.egress import permitted
from synthlang_router.errors import InvalidRequest, ProviderTimeout, ProviderUnavailable
from synthlang_router.heads import Heads
from synthlang_router.llm_provider.connection import Connection
from synthlang_router.llm_provider.dial import Dialer, Origin, Proxy, read_proxy
from synthlang_router.llm_provider.inflate import inflated
from synthlang_router.llm_provider.pool import Pool
from synthlang_router.llm_provider.proxies import Proxies
from synthlang_router.llm_provider.received import Received
from synthlang_router.llm_provider.told import RememberedHeaders
from synthlang_router.llm_provider.transport import NoConnection, Permit, UpstreamRequest, UpstreamResponse
from synthlang_router.llm_provider.uploading import UploadingConnection

MOST_PREPARED: Final = 512
"""Heads kept; callers' own headers and queries make new ones, then all are made anew."""

LENGTH: Final = b"content-length: "

_UNSAFE: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_UNSAFE_IN_URL: Final = re.compile(r"[^\x21-\x7e]")

Headers = tuple[tuple[str, str], ...]
Told = Callable[[Connection], None]


class _Prepared(NamedTuple):
    """Where a request goes and how it begins, up to the number of its content-length. Good for these very `headers`."""

    headers: Headers
    method: str
    origin: Origin
    head: bytes


class StreamTransport:
    """`ca_file` is trusted beside the system's authorities; `max_connections` bounds all providers together."""

    def __init__(
        self,
        *,
        proxies: Proxies | None = None,
        ca_file: str | None = None,
        max_connections: int = 4096,
        permit: Permit = permitted,
    ) -> None:
        self._proxies = Proxies() if proxies is None else proxies
        self._ca_file = ca_file
        self._permit = permit
        self._max_connections = max_connections
        self._pool: Pool[Origin, UploadingConnection] | None = None
        self._dialer: Dialer | None = None
        self._prepared: dict[tuple[str, int], _Prepared] = {}
        self._heads: dict[Origin, Heads[RememberedHeaders]] = {}

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """See `Transport.send`."""
        loop = asyncio.get_running_loop()
        if request.deadline <= loop.time():
            raise ProviderTimeout("total", request.timeouts.total)
        pool = self._pool
        if pool is None:
            pool = self._pool = Pool(loop, self._max_connections)
        prepared = self._prepared_for(request)
        if request.upload is not None:
            return await self._upload(pool, prepared, request, request.upload, loop)
        head = b"%b%d\r\n\r\n" % (prepared.head, len(request.body))
        connection = pool.take(prepared.origin)
        if connection is None:
            connection = await self._connection(pool, prepared.origin, request, loop)
        answer = connection.ask(request, head)
        try:
            await answer.opened()
        except BaseException as error:
            answer.close()
            if pool is not self._pool or not _is_stale(connection, error):
                raise
        else:
            return inflated(answer, request.max_body) if "content-encoding" in answer.headers else answer
        connection = await self._connection(pool, prepared.origin, request, loop)
        return await _exchange(connection, request, head)

    async def _upload(
        self,
        pool: Pool[Origin, UploadingConnection],
        prepared: _Prepared,
        request: UpstreamRequest,
        blocks: AsyncIterator[bytes],
        loop: asyncio.AbstractEventLoop,
    ) -> UpstreamResponse:
        """Over a new connection: one that turned out to be closed would have taken bytes that cannot be sent again."""
        connection = await self._connection(pool, prepared.origin, request, loop)
        begun = prepared.head.removesuffix(LENGTH)
        framing = b"transfer-encoding: chunked" if request.length is None else LENGTH + b"%d" % request.length
        alone = msgspec.structs.replace(request, body=b"")
        answer = connection.ask(alone, begun + framing + b"\r\n\r\n")
        try:
            await connection.upload(request, blocks)
        except BaseException:
            answer.close()
            raise
        return await _opened(answer, request)

    async def close(self) -> None:
        """Abort every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    async def _connection(
        self,
        pool: Pool[Origin, UploadingConnection],
        origin: Origin,
        request: UpstreamRequest,
        loop: asyncio.AbstractEventLoop,
    ) -> UploadingConnection:
        """A new one, or one that was given back while we waited for a place; in time, or ProviderTimeout."""
        if self._dialer is None:
            self._dialer = Dialer(loop, self._ca_file, self._permit)
        freed, gone = (
            cast(Told, pool.freed),
            cast(Told, pool.gone),
        )  # every connection here is an uploading one
        left = request.deadline - loop.time()
        limit = min(request.timeouts.connect, left)
        try:
            async with asyncio.timeout(limit):
                connection = await pool.room(origin)
                if connection is not None:
                    return connection
                made = None
                try:
                    heads = self._heads.setdefault(origin, Heads())
                    made = await self._dialer.connect(
                        origin, lambda: UploadingConnection(loop, freed, gone, heads)
                    )
                finally:
                    pool.made(origin, None if made is None or made.state == "closed" else made)
                if made.state == "closed" or pool is not self._pool:  # the peer left, or `close` was called
                    made.abort()
                    raise NoConnection("No connection to the provider could be made.")
                return made
        except TimeoutError as error:
            if left <= request.timeouts.connect:
                raise ProviderTimeout("total", request.timeouts.total) from error
            raise ProviderTimeout("connect", request.timeouts.connect) from error

    def _prepared_for(self, request: UpstreamRequest) -> _Prepared:
        prepared = self._prepared.get((request.url, id(request.headers)))
        if prepared is None or prepared.headers is not request.headers or prepared.method != request.method:
            return self._prepare(request)
        return prepared

    def _prepare(self, request: UpstreamRequest) -> _Prepared:
        parts = urlsplit(request.url)
        host, tls = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        url = self._proxies.for_url(parts.scheme, host, port)
        proxy = None if url is None else read_proxy(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers: Headers = (("host", parts.netloc.rpartition("@")[2]), *request.headers)
        if proxy is not None and not tls:
            target = f"http://{headers[0][1]}{target}"
            headers += _opening(proxy)
        head = _encoded(request.method, target, headers)
        prepared = _Prepared(request.headers, request.method, Origin(tls, host, port, proxy), head)
        if len(self._prepared) >= MOST_PREPARED:
            self._prepared.clear()
        self._prepared[request.url, id(request.headers)] = prepared
        return prepared


async def _exchange(connection: Connection, request: UpstreamRequest, head: bytes) -> UpstreamResponse:
    return await _opened(connection.ask(request, head), request)


async def _opened(answer: Received, request: UpstreamRequest) -> UpstreamResponse:
    try:
        await answer.opened()
    except BaseException:
        answer.close()
        raise
    return inflated(answer, request.max_body) if "content-encoding" in answer.headers else answer


def _is_stale(connection: Connection, error: BaseException) -> bool:
    """Whether a connection failed that was used before, with nothing of an answer: the provider had closed it."""
    return isinstance(error, ProviderUnavailable) and connection.served > 1 and not connection.heard


def _opening(proxy: Proxy) -> Headers:
    return () if proxy.authorization is None else (("proxy-authorization", proxy.authorization),)


def _encoded(method: str, target: str, headers: Headers) -> bytes:
    """The head of a request, up to the number of its content-length. Raises InvalidRequest for what would break it."""
    if _UNSAFE_IN_URL.search(method + target) or any(_UNSAFE.search(name + value) for name, value in headers):
        raise InvalidRequest("A header or the query holds characters that are not allowed there.")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, ""]).encode("latin-1") + LENGTH
