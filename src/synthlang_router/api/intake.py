"""`Intake`: bounded reading of request bodies, and the count of what is under way.

Everything that waits for a client or holds its bytes is bounded here: body size (413), time for the body (408),
bytes and requests in flight over all clients (503).
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from synthlang_router.api.exchange import Receive
from synthlang_router.api.headers import Headers
from synthlang_router.errors import ClientTimeout, Overloaded, RequestTooLarge
from synthlang_router.telemetry import count
from synthlang_router.wire.body import inflate


class HungUp(Exception):
    """The client is gone; nobody is there to be told anything."""


class Intake:
    """One per process. `body_timeout` None: the server under us watches the time. Bodies are read whole; `admit` and `leave` bracket every request on the hot paths."""

    def __init__(
        self, *, max_body: int, max_requests: int, max_bytes: int, body_timeout: float | None
    ) -> None:
        self.max_body = max_body
        self.max_requests = max_requests
        self.max_bytes = max_bytes
        self.body_timeout = body_timeout
        self.requests = 0
        self.bytes = 0
        self.draining = False

    def admit(self) -> None:
        """Take a place, or Overloaded at once: a queue here would only hide the load from the client."""
        if self.draining:
            count("refused", "draining")
            raise Overloaded("The gateway is shutting down.", retry_after=1.0)
        if self.requests >= self.max_requests:
            count("refused", "requests_in_flight")
            raise Overloaded("Too many requests are in flight.", retry_after=1.0)
        self.requests += 1

    def leave(self, size: int) -> None:
        """Give the place and the bytes back."""
        self.requests -= 1
        self.bytes -= size

    def take(self, body: bytes) -> bytes:
        """A body that is here already; as `read`."""
        if len(body) > self.max_body:
            raise self._too_large()
        self.hold(len(body))
        return body

    async def read(self, headers: Headers, receive: Receive) -> bytes:
        """The body as sent. Its bytes count as in flight as they come, until `leave`; not if this raises."""
        for name, value in headers:
            if name == b"content-length" and int(value) > self.max_body:
                raise self._too_large()
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                message = await self._next(receive)
                part = message.get("body", b"")
                if size + len(part) > self.max_body:
                    raise self._too_large()
                self.hold(len(part))
                size += len(part)
                parts.append(part)
                if not message.get("more_body"):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        except BaseException:
            self.bytes -= size
            raise

    def hold(self, size: int) -> None:
        """Count so many more bytes as in flight; Overloaded where there is no room."""
        if self.bytes + size > self.max_bytes:
            raise self._too_full()
        self.bytes += size

    def plain(self, body: bytes, encoding: str) -> bytes:
        """The body without its Content-Encoding; the size limit holds for what comes out."""
        return inflate(body, encoding, self.max_body) if encoding else body

    async def _next(self, receive: Receive) -> MutableMapping[str, Any]:
        if self.body_timeout is None:
            return _alive(await receive())
        try:
            async with asyncio.timeout(self.body_timeout):
                return _alive(await receive())
        except TimeoutError:
            raise ClientTimeout("The request body did not arrive in time.") from None

    def _too_large(self) -> RequestTooLarge:
        count("refused", "body_too_large")
        return RequestTooLarge(f"The request body is over {self.max_body} bytes.")

    def _too_full(self) -> Overloaded:
        count("refused", "bytes_in_flight")
        return Overloaded("Too many bytes are in flight.", retry_after=1.0)


def _alive(message: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if message["type"] == "http.disconnect":
        raise HungUp
    return message
