"""The connections of `AioHttpTransport`, and who may use them.

aiohttp hands bytes that arrived on an idle connection to the next request, which may be another tenant's. So its
protocol class is replaced by one that knows whether anybody asked: whatever comes unasked condemns the connection.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import AddrInfoType, Connection

from synthlang_router.egress import permitted
from synthlang_router.errors import ProviderTimeout
from synthlang_router.llm_provider.sockets import keep_alive
from synthlang_router.llm_provider.transport import UpstreamRequest
from synthlang_router.llm_provider.watch import Watch

KEEP: Final = 60.0
"""Seconds an idle connection is kept."""


class Exchange:
    """One request on one connection; what the protocol and the timer must know of it."""

    __slots__ = ("_request", "expired", "fresh", "handler", "heard", "reused", "watch")

    def __init__(self, request: UpstreamRequest, loop: asyncio.AbstractEventLoop, *, fresh: bool) -> None:
        self.fresh = fresh
        self.reused = False
        self.heard = False
        self.expired: ProviderTimeout | None = None
        self.handler: Handler | None = None
        self.watch = Watch(loop, self._expire)
        self._request = request

    def begin(self, handler: Handler) -> None:
        """There is a connection, and the request goes out on it."""
        self.handler = handler
        self.watch.begin(self._request.timeouts, self._request.deadline)
        self.watch.wait("first_token")

    def _expire(self, error: ProviderTimeout) -> None:
        self.expired = error
        if self.handler is not None:
            self.handler.fail(error)

    def abort(self) -> None:
        """Tear the connection down unless it went back to the pool already."""
        self.watch.stop()
        if self.handler is not None:
            self.handler.abort()


EXCHANGE: Final[ContextVar[Exchange]] = ContextVar("exchange")
"""Carries the exchange through aiohttp's session to the connection it picks."""


class Handler(ResponseHandler):
    """Counts its uses and knows whether it is idle."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._exchange: Exchange | None = None
        self._served = 0
        self._feeding = False
        self._readable = select.poll()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        keep_alive(transport)
        self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def set_response_params(self, **params: Any) -> None:
        exchange = EXCHANGE.get()
        exchange.reused = self._served > 0
        self._exchange = exchange
        self._served += 1
        super().set_response_params(**params)
        exchange.begin(self)

    def data_received(self, data: bytes) -> None:
        if self._exchange is None:
            if data:  # aiohttp also calls this itself, with nothing, to go on parsing
                self._condemn()
            return
        self._exchange.heard = True
        self._feeding = True
        try:
            super().data_received(data)
        finally:
            self._feeding = False
        if self._exchange is None and self._more_came():
            self._condemn()

    def released(self) -> None:
        """The answer is whole and the connection about to be pooled."""
        if self._exchange is not None:
            self._exchange.handler = None
            self._exchange = None
        if not self._feeding and self._more_came():
            self._condemn()

    def unread(self) -> bool:
        """Whether bytes, or the peer's FIN, wait in the kernel that nobody asked for."""
        return bool(self._readable.poll(0))

    def fail(self, error: ProviderTimeout) -> None:
        self.set_exception(error)
        if self._payload is not None:
            self._payload.set_exception(error)

    def _more_came(self) -> bool:
        """Whether something followed the answer: a whole message is queued, a begun one is in the parser."""
        if self.should_close or self._parser is None:
            return True
        try:
            return self._parser.feed_eof() is not None
        except Exception:  # noqa: BLE001 - whatever the parser says of an unasked message, the connection is unfit
            return True

    def _condemn(self) -> None:
        self.force_close()
        self.abort()


class Connector(aiohttp.TCPConnector):
    """Pools `Handler`s; a connection with something unread on it is not handed out."""

    def __init__(self, limit: int, context: ssl.SSLContext | None) -> None:
        super().__init__(
            limit=limit,
            keepalive_timeout=KEEP,
            ssl=True if context is None else context,
            timeout_ceil_threshold=float("inf"),
            socket_factory=_new_socket,
        )
        self._factory = partial(Handler, loop=self._loop)  # type: ignore[assignment]  # a narrower class

    async def _get(self, key: ConnectionKey, traces: list[Any]) -> Connection | None:
        if EXCHANGE.get().fresh:
            return None
        while (connection := await super()._get(key, traces)) is not None:
            handler = connection.protocol
            if isinstance(handler, Handler) and not handler.unread():
                return connection
            connection.close()
        return None

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        if isinstance(protocol, Handler) and not should_close:
            protocol.released()
        super()._release(key, protocol, should_close=should_close)


def _new_socket(found: AddrInfoType) -> socket.socket:
    """A socket for an address that was looked up; called before every connection."""
    if not permitted("", [str(found[4][0])]):
        raise OSError("an address that may not be reached")
    made = socket.socket(found[0], found[1], found[2])
    made.setblocking(False)
    return made
