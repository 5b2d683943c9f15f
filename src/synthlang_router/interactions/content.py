"""`Content`: prompt and answer of a row, cut to a bound, compressed, sealed; and back again.

A body over the bound keeps its head and its tail, its size and its SHA-256: enough to recognise and to debug it.
Compression happens under the cipher and away from the event loop.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
import zstandard

from synthlang_router.interactions.notation import Notation
from synthlang_router.interactions.record import SealedContent
from synthlang_router.vault import Unsealable, Vault

_PURPOSES: Final = ("interactions.prompt", "interactions.answer")
_TAIL_SHARE: Final = 4
_MAX_UNPACKED: Final = 70_000_000


class Kept(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A body as far as it is kept. `size` and `sha256` (empty where nothing was cut) are of the whole.

    `shortened` says that `head` is in the notation: so it lies under the cipher, and nobody else sees it.
    """

    head: bytes
    size: int
    tail: bytes = b""
    sha256: bytes = b""
    shortened: bool = False

    @property
    def cut(self) -> int:
        """Bytes left out between head and tail."""
        return self.size - len(self.head) - len(self.tail)


class Content(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Prompt (the request's body) and answer (the completion's), None where there is none."""

    prompt: Kept | None = None
    answer: Kept | None = None


def keep(body: bytes, limit: int) -> Kept:
    """At most `limit` bytes of `body`."""
    if len(body) <= limit:
        return Kept(body, len(body))
    tail = limit // _TAIL_SHARE
    return Kept(body[: limit - tail], len(body), body[len(body) - tail :], hashlib.sha256(body).digest())


class ContentSealer:
    """Content <-> sealed content. Not thread-safe (the compressor is one of zstd's contexts).

    `notation` reads the prompts that were written in it; without one they are Unsealable.
    """

    def __init__(self, vault: Vault, notation: Notation | None = None) -> None:
        self._vault = vault
        self._notation = notation
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Kept)
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._decompress = zstandard.ZstdDecompressor().decompress

    def seal(
        self, content: Content, *, tenant: str, row: str, shortened: bytes | None = None
    ) -> SealedContent:
        """`shortened` is the prompt in the notation, which is kept where it takes less room.

        Raises BackendError where the tenant's key is not to be had.
        """
        prompt, answer = (
            None
            if kept is None
            else self._vault.seal(self._packed(kept, short), tenant=tenant, purpose=purpose, row=row)
            for kept, short, purpose in zip(
                (content.prompt, content.answer), (shortened, None), _PURPOSES, strict=True
            )
        )
        return SealedContent(row, prompt, answer)

    def _packed(self, kept: Kept, shortened: bytes | None) -> bytes:
        plain = self._compress(self._encoder.encode(kept))
        if shortened is None:
            return plain
        other = self._compress(self._encoder.encode(Kept(shortened, kept.size, shortened=True)))
        return min(plain, other, key=len)

    def open(self, sealed: SealedContent, *, tenant: str) -> Content:
        """Raises Unsealable."""
        prompt, answer = (
            None if blob is None else self._open(blob, tenant, purpose, sealed.id)
            for blob, purpose in zip((sealed.prompt, sealed.answer), _PURPOSES, strict=True)
        )
        return Content(prompt, answer)

    def _open(self, blob: bytes, tenant: str, purpose: str, row: str) -> Kept:
        packed = self._vault.open(blob, tenant=tenant, purpose=purpose, row=row)
        try:
            kept = self._decoder.decode(self._decompress(packed, max_output_size=_MAX_UNPACKED))
            return self._restored(kept) if kept.shortened else kept
        except (zstandard.ZstdError, ValueError) as error:  # msgspec.DecodeError is a ValueError
            raise Unsealable("Stored content has an unknown form.") from error

    def _restored(self, kept: Kept) -> Kept:
        if self._notation is None:
            raise ValueError
        return Kept(self._notation.restore(kept.head), kept.size)
