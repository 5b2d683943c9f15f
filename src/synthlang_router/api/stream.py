"""`EventStream`: an `Answer` as `text/event-stream`.

Headers wait for the first data, so that a failure before it is a real HTTP status. After `commit_after` seconds of
silence they go out all the same, with comments that keep the connection alive; a failure is then an error event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

from synthlang_router.answer import Answer, Item
from synthlang_router.api.exchange import Exchange, Push
from synthlang_router.api.headers import Headers
from synthlang_router.models import ChatChunk
from synthlang_router.wire.sse import frame

KEEP_ALIVE: Final = b": keep-alive\n\n"
PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'
KEEP_ALIVE_EVERY: Final = 15.0


class EventStream:
    """Sends one answer; used once, by one task."""

    __slots__ = ("_alive", "_commit_after", "_exchange", "_headers", "_keep_alive_block")

    def __init__(
        self,
        exchange: Exchange,
        headers: Callable[[], Headers],
        commit_after: float,
        keep_alive: bytes = KEEP_ALIVE,
    ) -> None:
        self._keep_alive_block = keep_alive
        self._exchange = exchange
        self._headers = headers
        self._commit_after = commit_after
        self._alive: asyncio.Task[None] | None = None

    async def relay(
        self,
        answer: Answer,
        frames: Callable[[Sequence[Item]], bytes],
        end: Callable[[], bytes],
        settled: Callable[[], Awaitable[None]],
    ) -> None:
        """Send all of it, `end()` once the row is safe (`settled`). Raises what the answer raises."""
        timer = asyncio.get_running_loop().call_later(self._commit_after, self._keep_alive)
        try:
            await answer.open()
        finally:
            timer.cancel()
            if self._alive is not None:
                await self._stop_keeping_alive()
        exchange = self._exchange
        if not exchange.started:
            await exchange.start(200, self._headers())
        push = exchange.push
        if push is not None:
            answer.deliver_to(partial(_deliver, push, frames))
        async for batch in answer:
            block = frames(batch)
            if block:
                await exchange.write(block)
        await settled()
        await exchange.end(end())

    def _keep_alive(self) -> None:
        self._alive = asyncio.get_running_loop().create_task(self._send_comments())

    async def _send_comments(self) -> None:
        await self._exchange.start(200, self._headers())
        while True:
            await self._exchange.write(self._keep_alive_block)
            await asyncio.sleep(KEEP_ALIVE_EVERY)

    async def _stop_keeping_alive(self) -> None:
        """The comment under way is finished first, so that no frame is cut in two."""
        task, self._alive = self._alive, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await task


def _deliver(push: Push, frames: Callable[[Sequence[Item]], bytes], batch: Sequence[Item]) -> bool:
    block = frames(batch)
    return not block or push(block)


class Frames(Protocol):
    """How the chunks of one stream are written."""

    def write(self, chunks: Sequence[ChatChunk]) -> bytes: ...

    def end(self) -> bytes:
        """What the client takes for the end of a whole answer."""
        ...


class DataFrames:
    """Chunks as they came, each in a `data:` frame; `[DONE]` at the end. Holds no state of a stream."""

    def write(self, chunks: Sequence[ChatChunk]) -> bytes:
        parts: list[bytes] = []
        for chunk in chunks:
            if not chunk.hidden:
                parts += (b"data: ", chunk.raw, b"\n\n")
        return b"".join(parts)

    def end(self) -> bytes:
        return b"data: [DONE]\n\n"


class EventFrames:
    """Chunks as they came, each under its event's name; the event that ends the answer is kept back for `end`."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: list[bytes] = []

    def write(self, chunks: Sequence[ChatChunk]) -> bytes:
        parts: list[bytes] = []
        for chunk in chunks:
            if not chunk.hidden:
                last = chunk.event in _LAST or bool(self._last)
                (self._last if last else parts).append(frame(chunk.raw, chunk.event))
        return b"".join(parts)

    def end(self) -> bytes:
        return b"".join(self._last)


_LAST: Final = frozenset({"message_stop", "response.completed", "response.incomplete"})
