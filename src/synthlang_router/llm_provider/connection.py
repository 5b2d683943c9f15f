"""`Connection`: one socket to a provider, and the answer that is on its way over it. [hot]

                    ask()                  the head is here            the last byte is here
    idle --------------------------> asked ----------------> answering ----------------------> idle, or closed
     |                                 |                         |                                 (1)
     | any byte, the end               | the end, garbage,       | the end, garbage, time over,
     v                                 v time over               v or the reader leaves (2)
    closed                           closed                    closed

    (1) Idle again only after a clean end: the provider keeps the connection, nothing followed the answer, and the
        request was sent whole.
    (2) A reader that has all it needs leaves the end to come by itself, for `END_WITHIN` seconds.

A byte on an idle connection is an answer to nobody's question, and the next request would take it for its own, which
may be another tenant's. So it condemns the connection. The parser (llhttp) lives as long as the connection; an answer
has a buffer of its own, so that the connection is free for others once the last byte is here.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Final, Literal, cast

import httptools

from synthlang_router.errors import ProviderError, ProviderProtocolError, ProviderUnavailable
from synthlang_router.llm_provider.received import Received
from synthlang_router.llm_provider.sockets import keep_alive
from synthlang_router.llm_provider.transport import (
    END_WITHIN,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    UpstreamRequest,
    Useless,
)
from synthlang_router.llm_provider.watch import Watch

State = Literal["idle", "asked", "answering", "closed"]

MOST_FRAMING: Final = 64
"""Bytes of framing (chunk sizes, their extensions, trailers) for each byte of body, beyond `MAX_HEADER_BYTES`."""

MOST_NAMES: Final = 1_024
MOST_NAME: Final = 64
"""Bytes of a name that is remembered."""
_names: dict[bytes, str] = {}
"""Header names in lower case by how they were written: a provider writes the same ones every time."""


class _SurplusError(Exception):
    """Another message begins where one answer was due; stops the parser."""


class Connection(asyncio.Protocol):
    """`freed(connection)` is called whenever it may be used again, `gone(connection)` once, when it is closed."""

    __slots__ = (
        "_answer",
        "_body",
        "_ended",
        "_freed",
        "_gone",
        "_head_done",
        "_headers",
        "_interim",
        "_keep",
        "_lines",
        "_loop",
        "_max_body",
        "_parser",
        "_poll",
        "_raw",
        "_transport",
        "_until_end",
        "heard",
        "idle_since",
        "served",
        "state",
        "watch",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        freed: Callable[[Connection], None],
        gone: Callable[[Connection], None],
    ) -> None:
        self.state: State = "idle"
        self.heard = False
        self.served = 0
        self.idle_since = 0.0
        self.watch = Watch(loop, self._fail)
        self._loop = loop
        self._freed = freed
        self._gone = gone
        self._parser = httptools.HttpResponseParser(self)
        self._poll = select.poll()
        self._transport: asyncio.Transport
        self._answer: Received | None = None
        self._headers: dict[str, str] = {}
        self._max_body: int | None = None
        self._raw = self._body = self._lines = 0
        self._head_done = self._interim = self._ended = self._keep = self._until_end = False

    # What the pool asks

    def ask(self, request: UpstreamRequest, head: bytes) -> Received:
        """Send a request on an idle connection; on one that closed in the meantime the answer has failed already."""
        answer = Received(self, self._loop)
        self.heard = False
        if self.state == "closed":
            answer.fail(ProviderUnavailable("The provider closed the connection before it was asked."))
            return answer
        self._answer = answer
        self.state = "asked"
        self.served += 1
        self._headers = {}
        self._max_body = request.max_body
        self._raw = self._body = self._lines = 0
        self._head_done = self._interim = self._ended = self._until_end = False
        self.watch.begin(request.timeouts, request.deadline)
        self.watch.wait("first_token")
        if len(request.body) > MAX_HEADER_BYTES:
            self._transport.writelines((head, request.body))
        else:
            self._transport.write(head + request.body)
        return answer

    @property
    def closed(self) -> bool:
        return self.state == "closed"

    def unfit(self) -> bool:
        """Whether something nobody asked for waits in the kernel: bytes, or the peer's FIN."""
        return self.state != "idle" or bool(self._poll.poll(0))

    def abort(self) -> None:
        """Tear it down; whoever still reads an answer here is told that it was cut."""
        answer, self._answer = self._answer, None
        if self.state != "closed":
            self.state = "closed"
            self.watch.stop()
            self._transport.abort()
            self._gone(self)
        if answer is not None:
            begun = ProviderProtocolError if self.heard else ProviderUnavailable
            answer.fail(begun("The connection to the provider was closed by us."))

    # What the answer asks

    def hold(self) -> None:
        self._transport.pause_reading()

    def go_on(self) -> None:
        self._transport.resume_reading()

    def leave(self, *, whole: bool) -> None:
        if not whole or self.state != "answering":
            self.abort()
            return
        left = self._answer
        self.watch.rest()
        self._transport.resume_reading()
        self._loop.call_later(END_WITHIN, lambda: self.abort() if self._answer is left else None)

    # What the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        keep_alive(transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.abort()
            return
        self.heard = True
        self._raw += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(Useless("The provider switched to another protocol."))
        except httptools.HttpParserError:
            self._keep = False
            if not self._ended:  # else what came after the answer is no matter of the answer's
                self._fail(ProviderProtocolError("The provider's answer was not HTTP."))
        if self.state == "closed":
            return
        if self._ended:
            self._finish()
        elif self._raw > MAX_HEADER_BYTES + MOST_FRAMING * self._body:
            self._fail(ProviderProtocolError("The provider's answer is all framing and no body."))

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def _end(self, exc: Exception | None = None) -> None:
        """The peer sends no more."""
        if self._answer is None:
            self.abort()
        elif self._until_end and exc is None:
            self._keep = False
            self._finish()
        elif self.heard:
            self._fail(ProviderProtocolError("The provider's answer was cut."))
        else:
            self._fail(ProviderUnavailable("The provider closed the connection without an answer."))

    def _fail(self, error: ProviderError) -> None:
        answer, self._answer = self._answer, None
        self.abort()
        if answer is not None:
            answer.fail(error)

    def _finish(self) -> None:
        """The answer is whole."""
        answer, self._answer = self._answer, None
        self.watch.rest()
        if self._keep and not self._transport.get_write_buffer_size():
            self.state = "idle"
            self._transport.resume_reading()
            self._freed(self)
        else:
            self.abort()
        if answer is not None:
            answer.end()

    # What the parser tells

    def on_message_begin(self) -> None:
        if self._ended:
            raise _SurplusError

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:  # a trailer, which nobody reads
            return
        key = _names.get(name)
        if key is None:
            key = name.decode("latin-1").lower()
            if len(_names) < MOST_NAMES and len(name) <= MOST_NAME:
                _names[name] = key
        headers = self._headers
        text = value.decode("latin-1").rstrip(" \t")  # RFC 9110 section 5.5; llhttp leaves what stands behind
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
        self._lines += 1
        if self._lines > MAX_HEADERS:
            self._fail(ProviderProtocolError("The provider sent too many headers."))

    def on_headers_complete(self) -> None:
        if self._answer is None:
            return
        status = self._parser.get_status_code()
        if status < 200 and status != 101:
            self._interim = True
            self._headers = {}
            self._lines = 0
            return
        self._head_done = True
        self._keep = self._parser.should_keep_alive()
        headers = self._headers
        length = headers.get("content-length")
        self._until_end = length is None and not headers.get("transfer-encoding", "").lower().endswith(
            "chunked"
        )
        self.state = "answering"
        if status < 200 or 300 <= status < 400:
            self._fail(Useless("The provider answered with a redirect, which is never followed."))
        elif self._max_body is not None and length is not None and int(length) > self._max_body:
            self._fail(Useless("The provider's answer is too large."))
        else:
            self._answer.open(status, headers)

    def on_body(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            return
        self._body += len(data)
        if self._max_body is not None and self._body > self._max_body:
            self._fail(Useless("The provider's answer is too large."))
        else:
            answer.feed(data)

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        else:
            self._ended = True
