"""`Received`: an answer as far as it came, between the connection that fills it and the one who reads it. [hot]"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from synthlang_router.errors import ProviderError
from synthlang_router.llm_provider.watch import Phase, Watch

HIGH: Final = 131_072
"""Bytes unread at which the socket is no longer read, until the reader has taken them."""


class Line(Protocol):
    """What an answer needs of the connection it comes over."""

    @property
    def watch(self) -> Watch: ...

    def hold(self) -> None:
        """Stop reading the socket."""
        ...

    def go_on(self) -> None: ...

    def leave(self, *, whole: bool) -> None:
        """The reader leaves before the end."""
        ...


class Received:
    """One reader. It is an `UpstreamResponse` once `opened` returned."""

    __slots__ = ("_blocks", "_error", "_line", "_loop", "_phase", "_size", "_waiter", "headers", "status")

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._line: Line | None = line
        self._loop = loop
        self._blocks: list[bytes] = []
        self._size = 0
        self._phase: Phase = "first_token"
        self._error: ProviderError | None = None
        self._waiter: asyncio.Future[None] | None = None

    # What the connection tells

    def open(self, status: int, headers: Mapping[str, str]) -> None:
        """The head is here."""
        self.status = status
        self.headers = headers
        self._wake()

    def feed(self, block: bytes) -> None:
        line = self._line
        if line is None:  # the reader left
            return
        self._blocks.append(block)
        self._size += len(block)
        if self._size > HIGH:
            line.hold()
        if self._waiter is not None:
            self._wake()

    def end(self) -> None:
        """The last byte was fed."""
        self._line = None
        self._wake()

    def fail(self, error: ProviderError) -> None:
        """Nothing more will come, and it is not whole."""
        self._line = None
        self._error = error
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # What the reader asks

    async def opened(self) -> None:
        """Wait for the head; raises what came in its place."""
        if not self.status and self._error is None:
            await self._wait()
        self._rest()
        if not self.status and self._error is not None:
            raise self._error

    async def read(self) -> bytes:
        """See `UpstreamResponse.read`: everything that came since the last call, as one block."""
        while not self._blocks:
            if self._error is not None:
                raise self._error
            line = self._line
            if line is None:
                return b""
            line.watch.wait(self._phase)
            await self._wait()
            self._rest()
        self._phase = "idle"
        blocks, self._blocks = self._blocks, []
        if self._size > HIGH and self._line is not None:
            self._line.go_on()
        self._size = 0
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def close(self, *, whole: bool = False) -> None:
        """See `UpstreamResponse.close`."""
        line, self._line = self._line, None
        if line is not None:
            line.leave(whole=whole)

    def _rest(self) -> None:
        """Only while the line is ours: once the answer is whole, its watch keeps the time of the next one."""
        if self._line is not None:
            self._line.watch.rest()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        await self._waiter
