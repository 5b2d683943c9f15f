"""`BoundedProtocol`: what a client may send us, in which form, how much and how slowly; refusals in our own shape.

A layer over uvicorn's httptools protocol, which has none of these bounds; each is pinned by a test against the
installed uvicorn. What a request is for is the next layer's matter (`protocol`).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from synthlang_router.api.direct import DirectExchange
from synthlang_router.api.refusal import refusal
from synthlang_router.api.slow_reader import ReaderWatch
from synthlang_router.api.target import is_plain
from synthlang_router.errors import ClientTimeout, HeadersTooLarge, InvalidRequest, RouterError
from synthlang_router.telemetry import count

MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 65_536
"""The target, names and values, trailers included."""
SLOWEST: Final = 100_000
"""Bytes of a body for which a client gets another second."""
LINGER_SECONDS: Final = 1.0
"""How long what a client still sends is read after its answer, so that a reset does not take the answer with it."""

Owed = Literal["nothing", "headers", "body"]


class BoundedProtocol(HttpToolsProtocol):
    """One client connection. `patience` is in seconds: for headers, for a body, for anything of an answer to be read."""

    _date: tuple[object, bytes] = (None, b"")

    def __init__(self, config: Config, *arguments: Any, patience: float, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._patience = patience
        self._owed: Owed = "headers"
        self._since = 0.0
        self._header_bytes = self._body_bytes = self._hosts = 0
        self._timer: asyncio.TimerHandle | None = None
        self._reader: ReaderWatch
        self._over = False  # nothing that still comes is read
        self._again = False  # this head is read once more, without its upgrade
        self._between = True  # the parser waits for a request to begin
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._reader = ReaderWatch(transport, self.loop, self._patience)
        self._wait()

    def serve(self, http10: bool) -> None:
        """The head of a request is here and in order: on to ASGI."""
        super().on_headers_complete()

    def _read(self, data: bytes) -> None:
        while not self._over:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if self._again:
                    self._again = False
                    data = self._head_without_upgrade() + data[upgrade.args[0] :]
                    continue
            except httptools.HttpParserError:
                self._refuse(InvalidRequest("The request is not valid HTTP."))
            return

    def _head_without_upgrade(self) -> bytes:
        """What a client offers beside HTTP/1.1 is ignored (RFC 9110 section 7.8); the parser would leave the body out.

        Java's client offers HTTP/2 with every request that is not under TLS.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%b: %b\r\n" % pair for pair in self.headers if pair[0] != b"upgrade"]
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(lines))

    # What the parser tells

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._between = False
        self._owed = "headers"
        self._header_bytes = self._body_bytes = self._hosts = 0

    def on_url(self, url: bytes) -> None:
        self._header_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES or len(self.headers) >= MAX_HEADERS:
            self._refuse(HeadersTooLarge("The request headers are too many or too large."))
            return
        if (
            self._owed == "body"
        ):  # a trailer must not become a header after all was decided (RFC 9110 section 6.5.1)
            return
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._over:
            return
        self._stop_waiting()
        self._owed = "body"
        http10 = self.parser.get_http_version() == "1.0"
        if not is_plain(self.url):
            self._refuse(InvalidRequest("The request target must be a plain absolute path."))
        elif self._hosts > 1 or not (self._hosts or http10):  # RFC 9112 section 3.2
            self._refuse(InvalidRequest("A request has exactly one Host header."))
        elif self.parser.should_upgrade() and self._get_upgrade() != b"websocket":
            self._again = True
        else:
            self.serve(http10)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self.cycle is not None and not self._over:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._between = True
        self._owed = "nothing"
        self._stop_waiting()
        if self.cycle is not None and not self._over and not self._again:
            super().on_message_complete()

    # Time

    def _wait(self) -> None:
        """For what the client owes, from now on."""
        self._since = self.loop.time()
        self._timer = self.loop.call_later(self._patience, self._look)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """The time is over, unless it was we who did not read, or enough of a large body has come to go on."""
        self._timer = None
        now = self.loop.time()
        due = self._since + self._patience + self._body_bytes / SLOWEST
        if self.flow.read_paused:
            self._wait()
        elif self._owed == "body" and now < due:
            self._timer = self.loop.call_at(due, self._look)
        elif self._owed == "body":
            self._refuse(ClientTimeout("The request body did not arrive in time."))
        elif self._header_bytes:
            self._refuse(ClientTimeout("The request headers did not arrive in time."))
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader.begin()

    def resume_writing(self) -> None:
        self._reader.stop()
        super().resume_writing()

    def _expect(self) -> None:
        """See that the time runs for what the client owes now."""
        if self._owed == "nothing":
            if self.is_busy():
                return
            self._header_bytes = 0
            self._owed = "headers"  # empty lines before a request: the time for it runs
        if self._owed == "body" and not self.is_busy():
            self.close_politely(unread=True)  # answered before its body was here, which nobody needs now
        elif self._timer is None:
            self._wait()

    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self._answering is not None and not self._answering.response_complete

    def date_line(self) -> bytes:
        """The headers that uvicorn renews every second, rendered once for each."""
        headers = self.server_state.default_headers
        if self._date[0] is not headers:
            BoundedProtocol._date = (headers, b"".join(b"%b: %b\r\n" % pair for pair in headers))
        return self._date[1]

    # The end

    def close_politely(self, *, unread: bool) -> None:
        """Close; where the client is still sending, a moment later."""
        self._over = True
        self._stop_waiting()
        if not unread:
            self._part()
        elif not self.transport.is_closing():
            self.flow.resume_reading()
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self._part)

    def _part(self) -> None:
        """Close once everything is sent; a client that does not read it loses it."""
        if not self.transport.is_closing():
            self.transport.close()
            if self.transport.get_write_buffer_size():
                self.loop.call_later(self._patience, self.transport.abort)

    def _refuse(self, error: RouterError) -> None:
        """Nothing more is read. The request it is about gets `error`; one before it, its own answer, as the last."""
        if self._over or self.transport.is_closing():
            return
        self._over = True
        self._stop_waiting()
        count("refused", f"http_{error.http_status}")
        answering = self._answering
        if answering is None or answering.response_complete:
            self._tell(error)
        elif answering is not self.cycle or not answering.more_body:
            self.pipeline.clear()
            answering.keep_alive = False
        elif isinstance(answering, DirectExchange):
            answering.fail(error)
        else:
            answering.disconnected = True
            answering.message_event.set()
            self._tell(error)

    def _tell(self, error: RouterError) -> None:
        self.transport.write(refusal(error, self.date_line()))
        self.close_politely(unread=True)
