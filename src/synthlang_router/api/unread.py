"""`UnreadWatch`: notices that a client left while its connection is not read, for requests wait behind the one under way."""

from __future__ import annotations

import asyncio
import select
from typing import Final, Protocol

EVERY: Final = 0.2
"""Seconds between two looks; a hang-up is to be noticed within one second."""
_GONE: Final = getattr(select, "POLLRDHUP", select.POLLHUP)
"""Linux tells of the peer's FIN though bytes before it are unread; elsewhere only a reset is told."""


class Flow(Protocol):
    """What is needed of uvicorn's flow control."""

    read_paused: bool


class UnreadWatch:
    """From `begin` until the connection is read again; a client that left loses it, and the protocol hears of that."""

    __slots__ = ("_flow", "_loop", "_poll", "_running", "_transport")

    def __init__(self, transport: asyncio.Transport, flow: Flow, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._flow = flow
        self._loop = loop
        self._running = False
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), _GONE)

    def begin(self) -> None:
        if not self._running:
            self._running = True
            self._loop.call_later(EVERY, self._look)

    def _look(self) -> None:
        self._running = False
        if self._transport.is_closing() or not self._flow.read_paused:
            return
        if self._poll.poll(0):
            self._transport.abort()
        else:
            self.begin()
