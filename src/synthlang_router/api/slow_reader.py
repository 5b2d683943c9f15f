"""`ReaderWatch`: ends a connection whose client reads nothing of what waits for it."""

from __future__ import annotations

import asyncio

from synthlang_router.telemetry import count


class ReaderWatch:
    """Between `begin` and `stop` there is more to send than may wait. A slow reader is borne, one that stopped is not."""

    __slots__ = ("_loop", "_patience", "_timer", "_transport", "_unsent")

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, patience: float
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._patience = patience
        self._unsent = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self._unsent = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(self._patience, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._transport.get_write_buffer_size() < self._unsent:
            self.begin()
        else:
            count("refused", "slow_reader")
            self._transport.abort()
