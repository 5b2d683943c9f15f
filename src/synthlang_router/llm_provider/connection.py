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
from typing import cast

from synthlang_router.errors import ProviderError, ProviderProtocolError, ProviderUnavailable
from synthlang_router.heads import Heads
from synthlang_router.llm_provider.parsing import MOST_FRAMING, AnswerParser
from synthlang_router.llm_provider.received import Received
from synthlang_router.llm_provider.sockets import keep_alive
from synthlang_router.llm_provider.told import RememberedHeaders
from synthlang_router.llm_provider.transport import (
    END_WITHIN,
    MAX_HEADER_BYTES,
    UpstreamRequest,
)
from synthlang_router.llm_provider.watch import Watch


class Connection(AnswerParser, asyncio.Protocol):
    """`freed(connection)` is called whenever it may be used again, `gone(connection)` once, when it is closed."""

    __slots__ = (
        "_freed",
        "_gone",
        "_heads",
        "_loop",
        "_poll",
        "_transport",
        "heard",
        "idle_since",
        "served",
        "watch",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        freed: Callable[[Connection], None],
        gone: Callable[[Connection], None],
        heads: Heads[RememberedHeaders] | None = None,
    ) -> None:
        super().__init__()
        self._heads: Heads[RememberedHeaders] = Heads() if heads is None else heads
        self.heard = False
        self.served = 0
        self.idle_since = 0.0
        self.watch = Watch(loop, self._fail)
        self._loop = loop
        self._freed = freed
        self._gone = gone
        self._poll = select.poll()
        self._transport: asyncio.Transport

    # What the pool asks

    def ask(self, request: UpstreamRequest, head: bytes) -> Received:
        """Send a request on an idle connection; on one that closed in the meantime the answer has failed already."""
        answer = Received(self, self._loop)
        self.heard = False
        if self.state == "closed":
            answer.fail(ProviderUnavailable("The provider closed the connection before it was asked."))
            return answer
        self._await_answer(answer, request)
        self.state = "asked"
        self.served += 1
        self.watch.begin(request.timeouts, request.deadline)
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
        answer = self._answer
        if answer is None:
            self.abort()
            return
        name = b""
        if not self.heard:
            known, name, start = self._heads.look(data)
            if known is not None and self._take_whole(answer, known, data, start):
                return
        self.heard = True
        self._read(data)
        if self.state != "closed":
            if self._ended:
                if name and self._may_learn(data):
                    self._learn(name)
                self._finish()
            elif self._raw > MAX_HEADER_BYTES + MOST_FRAMING * self._body:
                self._fail(ProviderProtocolError("The provider's answer is all framing and no body."))
            else:
                answer.tell()

    def _take_whole(self, answer: Received, headers: RememberedHeaders, data: bytes, start: int) -> bool:
        """One whole answer with status 200 under a head that the parser has read before; it need not see this one."""
        if self._max_body is not None and len(data) - start > self._max_body:
            return False
        self.heard = self._keep = True
        answer.open(200, headers)
        if len(data) > start:
            answer.feed(data[start:])
        self._finish()
        return True

    def _may_learn(self, data: bytes) -> bool:
        return self._keep and data.startswith(b"HTTP/1.1 200 ") and "content-length" in self._headers

    def _learn(self, name: bytes) -> None:
        headers = RememberedHeaders(self._headers)
        del headers["content-length"]
        self._heads.learn(name, headers)

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
