"""`UploadingConnection`: a connection that can send a body while it is still coming, no faster than the provider reads.

An answer that comes before the end of the upload ends it: the rest is of no use, and the connection is not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from synthlang_router.errors import ProviderTimeout
from synthlang_router.llm_provider.connection import Connection
from synthlang_router.llm_provider.transport import UpstreamRequest

HIGH: Final = 131_072
"""Bytes that may wait to be sent; more are not taken from the caller."""


class UploadingConnection(Connection):
    """Sends as `Connection` does until `upload` is called."""

    __slots__ = ("_room", "_unsent")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._room: asyncio.Future[None] | None = None
        self._unsent = False
        self._transport.set_write_buffer_limits(HIGH)

    async def upload(self, request: UpstreamRequest, blocks: AsyncIterator[bytes]) -> None:
        """Returns once all is sent, or nothing more needs to be. Raises ProviderTimeout, and what `blocks` raises."""
        self._unsent = True
        self.watch.rest()
        limits = request.timeouts
        try:
            async with asyncio.timeout_at(request.deadline):
                async for block in blocks:
                    if self.state != "asked":
                        return
                    self._transport.write(block if request.length is not None else _chunk(block))
                    await self._writable(limits.idle)
        except TimeoutError:
            raise ProviderTimeout("total", limits.total) from None
        if self.state == "asked":
            if request.length is None:
                self._transport.write(b"0\r\n\r\n")
            self._unsent = False
            self.watch.begin(limits, request.deadline)  # the provider's time begins with the last byte
            self.watch.wait("first_token")

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    async def _writable(self, patience: float) -> None:
        if self._transport.get_write_buffer_size() > HIGH:
            await asyncio.sleep(0)  # uvloop writes, and tells that it cannot, at the end of the loop's turn
        if self._room is None:
            return
        try:
            async with asyncio.timeout(patience):
                await self._room
        except TimeoutError:
            raise ProviderTimeout("idle", patience) from None

    def _finish(self) -> None:
        if self._unsent:
            self._keep = False
        super()._finish()

    def abort(self) -> None:
        super().abort()
        self.resume_writing()


def _chunk(block: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(block), block) if block else b""
