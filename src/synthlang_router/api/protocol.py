"""`GatewayProtocol`: uvicorn's httptools protocol with the bounds and the news it leaves out.

Four additions, each pinned by a test against the installed uvicorn: a hang-up cancels the request's own task at
once (no watcher task a request), headers are bounded in count, size and time, what cannot be parsed is told in
OpenAI's error shape, and requests for the hot paths go straight to their resource (`DirectExchange`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, cast

from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from synthlang_router.api.direct import DirectExchange
from synthlang_router.ending import HUNG_UP
from synthlang_router.telemetry import count

MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 65_536
HEADER_SECONDS: Final = 30.0
BODY_SECONDS: Final = 60.0
"""For the whole body to arrive; a client may take so long to send what it sends."""
LINGER_SECONDS: Final = 1.0


class GatewayProtocol(HttpToolsProtocol):
    """One client connection."""

    _header_bytes = 0
    _header_timer: asyncio.TimerHandle | None = None
    _body_timer: asyncio.TimerHandle | None = None
    _date: tuple[object, bytes] = (None, b"")

    def __init__(self, config: Config, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._hot: Mapping[bytes, Callable[[DirectExchange], Awaitable[None]]] = getattr(
            self.app, "direct", {}
        )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._body_timer is None and self.cycle is not None and self.cycle.more_body:
            self._body_timer = self.loop.call_later(BODY_SECONDS, self._refuse_slow_body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_are_in()
        self._body_is_in()
        super().connection_lost(exc)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            task = getattr(cycle, "task", None)
            if task is not None:
                count("hang_ups")
                task.cancel(HUNG_UP)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        if self._header_timer is None:
            self._wait_for_headers()

    def on_url(self, url: bytes) -> None:
        self._count_header_bytes(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_header_bytes(len(name) + len(value))
        if len(self.headers) >= MAX_HEADERS:
            self._refuse(431, "Too many request headers.")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._headers_are_in()
        if self.transport.is_closing():
            return
        path, _, query = self.url.partition(b"?")
        serve = self._hot.get(path)
        idle = self.cycle is None or self.cycle.response_complete
        if serve is None or not idle or self.parser.get_method() != b"POST" or self.parser.should_upgrade():
            super().on_headers_complete()
        else:
            self._serve_directly(serve, path.decode(), query)

    def _serve_directly(
        self, serve: Callable[[DirectExchange], Awaitable[None]], path: str, query: bytes
    ) -> None:
        http10 = self.parser.get_http_version() == "1.0"
        exchange = DirectExchange(
            self,
            path,
            query,
            self.headers,
            http10=http10,
            keep_alive=not http10 and self.parser.should_keep_alive(),
            wants_continue=self.expect_100_continue,
        )
        self.cycle = cast(RequestResponseCycle, exchange)
        exchange.task = task = self.loop.create_task(cast(Coroutine[Any, Any, None], serve(exchange)))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def date_line(self) -> bytes:
        """The headers that uvicorn renews every second, rendered once for each."""
        headers = self.server_state.default_headers
        if self._date[0] is not headers:
            GatewayProtocol._date = (headers, b"".join(b"%b: %b\r\n" % pair for pair in headers))
        return self._date[1]

    def close_politely(self, *, unread: bool) -> None:
        """Close; where the client is still sending, a moment later, for a reset would take the answer with it."""
        if unread:
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._body_is_in()
        if self.cycle is not None:
            super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        task = self.loop.create_task(cycle.run_asgi(app))
        cycle.task = task  # type: ignore[attr-defined] # ours: found again when the connection is lost
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _count_header_bytes(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(431, "The request headers are too large.")

    def _wait_for_headers(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._refuse_slow)

    def _headers_are_in(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _body_is_in(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def _refuse_slow_body(self) -> None:
        self._body_timer = None
        if self.cycle is not None and self.cycle.more_body and not self.cycle.response_complete:
            self._refuse(408, "The request body did not arrive in time.", instead_of_answer=True)

    def _refuse_slow(self) -> None:
        self._header_timer = None
        if self._header_bytes:
            self._refuse(408, "The request headers did not arrive in time.")
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _refuse(self, status: int, message: str, *, instead_of_answer: bool = False) -> None:
        if self.transport.is_closing():
            return
        count("refused", f"http_{status}")
        body = (
            b'{"error":{"message":"%s","type":"invalid_request_error","param":null,"code":null}}'
            % message.encode()
        )
        if instead_of_answer or self.cycle is None or self.cycle.response_complete:
            self.transport.write(
                b"HTTP/1.1 %d Refused\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%s" % (status, len(body), body)
            )
        self.transport.close()
