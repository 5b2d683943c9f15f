"""`Connection`: one socket to a provider, and the answer that is on its way over it. [hot]

                     begin()                    head is here                   last byte is here
    idle ---------------------------> asked ---------------------> answering --------------------> idle, or closed
     |                                  |                              |                            (1)
     | any byte, end                    | end, garbage, time           | end, garbage, time,
     v                                  v                              v reader leaves (2)
    closed                            failed                         failed

    (1) idle again only after a clean end: the provider keeps the connection, nothing came after the answer, and the
        request was sent whole. Otherwise closed.
    (2) a reader that has all it needs lets the end come by itself for a second: `answering`, read by nobody.

A byte on an idle connection is an answer to nobody's question. It condemns the connection, because the next request
would take it for its own. The parser (llhttp) is one for the connection's life; an answer has its own buffer, so the
connection is free for others as soon as its last byte is here. Measured by `benchmarks/bench_transport.py`.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Final, Literal

import httptools

from synthlang_router.llm_provider.received import Received
from synthlang_router.llm_provider.watch import Watch

State = Literal["idle", "asked", "answering", "closed"]

MOST_FRAMING: Final = 64
"""Bytes of framing (chunk sizes, their extensions, trailers) for one byte of body, beyond `MAX_HEADER_BYTES`."""


class Connection(asyncio.Protocol):
    """`freed(connection)` is called when it may be used again, `gone(connection)` when it is closed; each at once."""

    __slots__ = (
        "_body",
        "_ended",
        "_freed",
        "_gone",
        "_head_bytes",
        "_headers",
        "_interim",
        "_keep",
        "_left",
        "_parser",
        "_poll",
        "_raw",
        "_transport",
        "_until_end",
        "answer",
        "heard",
        "idle_since",
        "key",
        "served",
        "state",
        "watch",
    )

    def __init__(
        self,
        key: object,
        loop: asyncio.AbstractEventLoop,
        freed: Callable[[Connection], None],
        gone: Callable[[Connection], None],
    ) -> None:
        self.key = key
        self.state: State = "idle"
        self.answer: Received | None = None
        self.heard = False
        self.served = 0
        self.idle_since = 0.0
        self.watch = Watch(loop, self.fail)
        self._freed = freed
        self._gone = gone
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
