"""`Exchange`: one request and the way back, as the hot paths see it; and the one over plain ASGI.

The resources are written against this port, so that the same lines serve any ASGI server (the reference) and our own
protocol, which leaves the scope, the message dicts and the header checks of the generic path out (`direct.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from synthlang_router.api.hangup import HangUpWatch
from synthlang_router.api.headers import Headers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Exchange(Protocol):
    """Used once, by one task. `respond`, or `start` and any number of `write` and one `end`."""

    @property
    def path(self) -> str: ...

    @property
    def query(self) -> bytes: ...

    @property
    def headers(self) -> Headers: ...

    @property
    def receive(self) -> Receive:
        """ASGI's `http.request` and `http.disconnect` messages."""
        ...

    def watched(self) -> AbstractContextManager[object]:
        """While it is entered a hang-up cancels the current task; a server that does so by itself needs nothing."""
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

    async def end(self, block: bytes) -> None: ...


class AsgiExchange:
    """Over any ASGI server."""

    __slots__ = ("_send", "headers", "path", "query", "receive")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: Headers = scope["headers"]
        self.receive = receive
        self._send = send

    def watched(self) -> AbstractContextManager[object]:
        return HangUpWatch(self.receive)

    def close_after(self) -> None:
        """ASGI has no word for it."""

    def cut(self) -> None:
        """A server ends the connection of an app that fails within its answer."""
        raise ConnectionAbortedError

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        await self.start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self.end(body)

    async def start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, block: bytes) -> None:
        await self._send({"type": "http.response.body", "body": block, "more_body": True})

    async def end(self, block: bytes) -> None:
        await self._send({"type": "http.response.body", "body": block, "more_body": False})


NOTHING = nullcontext()
"""What a server that cancels by itself enters."""
