"""`inflated`: a compressed body nobody asked for, unpacked with a bound, or refused."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

from synthlang_router.errors import ProviderProtocolError
from synthlang_router.llm_provider.transport import UpstreamResponse, Useless

BLOCK: Final = 262_144
"""Bytes one `read` may unpack to: a bomb is met in steps, and the body's own bound stops it."""

_WINDOW: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def inflated(response: UpstreamResponse, max_body: int | None) -> UpstreamResponse:
    """`response` itself where its body is plain; raises ProviderProtocolError for a coding we do not know."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return response
    window = _WINDOW.get(coding)
    if window is None:
        response.close()
        raise Useless("The provider sent a compressed answer that was not asked for.")
    return _Inflated(response, window, max_body)


class _Inflated:
    __slots__ = ("_left", "_packed", "_response", "_started", "_unpacker", "_window")

    def __init__(self, response: UpstreamResponse, window: int, max_body: int | None) -> None:
        self._response = response
        self._window = window
        self._left = max_body
        self._packed = b""
        self._started = False
        self._unpacker = zlib.decompressobj(window)

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    async def read(self) -> bytes:
        while True:
            packed = self._packed or await self._response.read()
            if not packed:
                return self._rest()
            block = self._unpack(packed)
            if block:
                return block

    def _rest(self) -> bytes:
        if not self._started or self._unpacker.eof:
            return b""
        block = self._unpacker.flush(BLOCK)  # what the bound of the last step held back
        if not self._unpacker.eof:
            raise ProviderProtocolError("The provider's compressed answer was cut.")
        return self._counted(block)

    def _unpack(self, packed: bytes) -> bytes:
        if self._unpacker.eof:  # RFC 1952 section 2.2: members may follow one another
            self._unpacker = zlib.decompressobj(self._window)
        try:
            block = self._unpacker.decompress(packed, BLOCK)
        except zlib.error as error:
            if self._started or self._window != 15:
                raise ProviderProtocolError("The provider's compressed answer was garbage.") from error
            self._window = -15  # RFC 9110 section 8.4.1.2: some send deflate without its zlib wrapper
            self._unpacker = zlib.decompressobj(self._window)
            return self._unpack(packed)
        self._started = True
        self._packed = self._unpacker.unconsumed_tail or self._unpacker.unused_data
        return self._counted(block)

    def _counted(self, block: bytes) -> bytes:
        if self._left is not None:
            self._left -= len(block)
            if self._left < 0:
                raise Useless("The provider's answer is too large.")
        return block

    def close(self, *, whole: bool = False) -> None:
        self._response.close(whole=whole)
