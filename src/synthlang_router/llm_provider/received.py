"""`Received`: an answer as far as it came, between the connection that fills it and the one who reads it. [hot]

The connection fills it block by block and tells it once a read of the socket: the reader then goes on at once, in the
same turn of the loop (`drive.Signal`), and finds the head and the body together where they came together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from synthlang_router.drive import Signal
from synthlang_router.errors import ProviderError
from synthlang_router.llm_provider.transport import Sink
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

    __slots__ = (
        "_blocks",
        "_error",
        "_line",
        "_loop",
        "_phase",
        "_signal",
        "_sink",
        "_sink_failed",
        "_size",
        "_waiting",
        "headers",
        "status",
    )

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._line: Line | None = line
        self._loop = loop
        self._blocks: list[bytes] = []
        self._size = 0
        self._phase: Phase = "first_token"
        self._error: ProviderError | None = None
        self._signal: Signal | None = None
        self._waiting = False
        self._sink: Sink | None = None
        self._sink_failed: Exception | None = None

    # What the connection tells

    def open(self, status: int, headers: Mapping[str, str]) -> None:
        """The head is here."""
        self.status = status
        self.headers = headers

    def feed(self, block: bytes) -> None:
        line = self._line
        if line is None:  # the reader left
            return
        self._blocks.append(block)
        self._size += len(block)
        if self._size > HIGH:
            line.hold()

    def end(self) -> None:
        """The last byte was fed."""
        self._line = None
        self.tell()

    def fail(self, error: ProviderError) -> None:
        """Nothing more will come, and it is not whole."""
        self._line = None
        self._error = error
        self.tell()

    def tell(self) -> None:
        """Something new is here: the sink gets it, else the reader goes on, if it waits."""
        if self._sink is not None and self._blocks and self._sunk(self._sink):
            return
        if self._waiting and self._signal is not None:
            self._waiting = False
            self._signal.set()

    # What the reader asks

    async def opened(self) -> None:
        """Wait for the head; raises what came in its place."""
        while not self.status and self._error is None:
            await self._wait()
        self._rest()
        if not self.status and self._error is not None:
            raise self._error

    async def relay(self, sink: Sink) -> None:
        """See `Pushing.relay`."""
        if self._blocks or self._line is None:
            return
        self._line.watch.wait("idle")
        self._phase = "idle"
        self._sink = sink
        try:
            await self._wait()
        finally:
            self._sink = None
            self._rest()
        failed, self._sink_failed = self._sink_failed, None
        if failed is not None:
            raise failed

    def _sunk(self, sink: Sink) -> bool:
        """Give the sink what is here; whether it wants more and more may come."""
        try:
            more = sink(self._take())
        except Exception as failed:  # noqa: BLE001 - it is raised where the reader waits, and in its task
            self._sink_failed = failed
            more = False
        if more and self._line is not None:
            self._line.watch.wait("idle")
            return True
        self._sink = None
        return False

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
        return self._take()

    def _take(self) -> bytes:
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

    def _wait(self) -> Signal:
        """To be awaited at once."""
        if self._signal is None:
            self._signal = Signal(self._loop)
        self._waiting = True
        return self._signal
