"""`GatewayProtocol`: the way from a client's bytes to a resource, for the hot paths without ASGI and without a task. [hot]

    bytes --> a whole request under a known head (`heads`) ---------------------> its resource
          \\-> the parser, within bounds (`bounded`) --> a hot path, POST --------> its resource, once the block is read
                                                    \\-> anything else, or one request too many at once --> ASGI

A resource runs as a `Drive`: at once, up to where it has to wait. A connection that is lost cancels it, so that no
request needs a watcher. One look now and then, not a timer a request, ends connections on which nobody asks any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from synthlang_router.api.bounded import BoundedProtocol
from synthlang_router.api.direct import DirectExchange
from synthlang_router.api.head import Head
from synthlang_router.api.unread import UnreadWatch
from synthlang_router.drive import Drive
from synthlang_router.ending import HUNG_UP
from synthlang_router.heads import Heads
from synthlang_router.telemetry import count

Serve = Callable[[DirectExchange], Coroutine[Any, Any, None]]
Known = tuple[Serve, Head]


class GatewayProtocol(BoundedProtocol):
    """One client connection. `known` is shared by all."""

    def __init__(self, config: Config, *arguments: Any, known: Heads[Known], **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._hot: Mapping[bytes, Serve] = getattr(self.app, "direct", {})
        self._known = known
        self._ready: tuple[DirectExchange, Coroutine[Any, Any, None]] | None = None
        self._task: Drive | asyncio.Task[None] | None = None
        self._unread: UnreadWatch | None = None
        self._idle_since = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        name = b""
        if self._between and not self.is_busy():
            known, name, start = self._known.look(data)
            if known is not None:
                self._serve_known(known, data[start:])
                return
        self._read(data)
        if self._ready is not None:
            self._begin(name)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._reader.stop()
        super().connection_lost(exc)
        if self._answering is not None and self._task is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            count("hang_ups")
            self._task.cancel(HUNG_UP)

    # The way to the app

    def serve(self, http10: bool) -> None:
        path, _, query = self.url.partition(b"?")
        serve = self._hot.get(path)
        if serve is None or self.is_busy() or self.parser.get_method() != b"POST":
            super().serve(http10)
            if self.pipeline:
                self._unread = self._unread or UnreadWatch(self.transport, self.flow, self.loop)
                self._unread.begin()
        else:
            self._serve_directly(serve, path.decode(), query, http10)

    def _serve_directly(self, serve: Serve, path: str, query: bytes, http10: bool) -> None:
        """Once the parser has read all of this block: then the body is here, if it came with the head."""
        exchange = DirectExchange(
            self,
            Head(path, query, self.headers),
            http10=http10,
            keep_alive=not http10 and self.parser.should_keep_alive(),
            wants_continue=self.expect_100_continue,
        )
        self.cycle = self._answering = cast(RequestResponseCycle, exchange)
        self._ready = exchange, serve(exchange)

    def _begin(self, name: bytes) -> None:
        """Begin what is ready; where the block was this one request, its head is learned under `name`."""
        ready, self._ready = self._ready, None
        if ready is None:
            return
        exchange, work = ready
        if name and self._owed == "nothing" and exchange.keep_alive and not self.expect_100_continue:
            head = exchange.head
            headers = [pair for pair in head.headers if pair[0] != b"content-length"]
            self._known.learn(name, (self._hot[head.path.encode()], Head(head.path, head.query, headers)))
        self._drive(work)

    def _serve_known(self, known: Known, body: bytes) -> None:
        serve, head = known
        if self._timer is not None:
            self._stop_waiting()
        self._owed = "nothing"
        exchange = DirectExchange(self, head, keep_alive=True, body=body)
        self.cycle = self._answering = exchange  # type: ignore[assignment]  # it has what is read of a cycle
        self._drive(serve(exchange))

    def _drive(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = drive = Drive(work, self.loop, self._ended)
        drive.start()
        if not drive.over:
            self.tasks.add(drive)  # type: ignore[arg-type]  # a drive can be cancelled like a task

    def _ended(self, drive: Drive) -> None:
        self.tasks.discard(drive)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        self._task = task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    # The end

    def on_response_complete(self) -> None:
        """As uvicorn's, but for its timer a request: one a connection looks now and then how long nobody asked."""
        self.server_state.total_requests += 1
        if self._over or self.transport.is_closing():
            self.pipeline.clear()
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_for_requests)

    def _look_for_requests(self) -> None:
        self._idle_timer = None
        if self.is_busy() or self._timer is not None:  # the next answer's end begins this anew
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            self._part()
        else:
            self._idle_timer = self.loop.call_later(left, self._look_for_requests)
