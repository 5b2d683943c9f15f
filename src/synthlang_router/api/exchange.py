"""`Exchange`: one request and the way back, as the hot paths see it; and the one over plain ASGI.

The resources are written against this port, so that the same lines serve any ASGI server (the reference) and our own
protocol, which leaves the scope, the message dicts and the header checks of the generic path out (`direct.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from synthlang_router.api.head import Head
from synthlang_router.api.headers import Headers

Push = Callable[[bytes], bool]
"""Writes; False: the client reads slower than that, so wait for it."""
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Exchange(Protocol):
    """Used once, by one task. `respond`, or `start` and any number of `write` and one `end`."""

    @property
    def head(self) -> Head: ...

    @property
    def tells_hang_ups(self) -> bool:
        """Whether a client that leaves cancels the work by itself, so that nobody need watch `receive`."""
        ...

    @property
    def started(self) -> bool:
        """Whether a status has been sent."""
        ...

    def whole(self) -> bytes | None:
        """The body, if all of it is here; to be called once, before `receive`."""
        ...

    @property
    def receive(self) -> Receive:
        """ASGI's `http.request` and `http.disconnect` messages."""
        ...

    def close_after(self) -> None:
        """No further request on this connection."""
        ...

    def cut(self) -> None:
        """End the connection within an answer that was started, so that nobody takes it for whole."""
        ...

    async def respond(self, status: int, headers: Headers, body: bytes) -> None: ...

    async def start(self, status: int, headers: Headers) -> None: ...

    async def write(self, block: bytes) -> None:
        """Waits while the client reads slower than we write."""
        ...

    @property
    def push(self) -> Push | None:
        """`write` without waiting; None where there is no such thing."""
        ...

    async def end(self, block: bytes) -> None: ...


class AsgiExchange:
    """Over any ASGI server."""

    __slots__ = ("_send", "head", "receive", "started")

    tells_hang_ups = False
    push = None

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.head = Head(scope["path"], scope["query_string"], scope["headers"])
        self.receive = receive
        self.started = False
        self._send = send

    def whole(self) -> bytes | None:
        return None

    def close_after(self) -> None:
        """ASGI has no word for it."""

    def cut(self) -> None:
        """A server ends the connection of an app that fails within its answer."""
        raise ConnectionAbortedError

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        await self.start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self.end(body)

    async def start(self, status: int, headers: Headers) -> None:
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, block: bytes) -> None:
        await self._send({"type": "http.response.body", "body": block, "more_body": True})

    async def end(self, block: bytes) -> None:
        await self._send({"type": "http.response.body", "body": block, "more_body": False})
