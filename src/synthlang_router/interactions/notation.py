"""`Notation`: the port to what writes bodies shorter for keeping."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from synthlang_router.models import CompressionLevel


class Shortened(Struct, frozen=True):
    """A body in the notation, and the tokens that its prompt has less there."""

    stored: bytes
    tokens_less: int


class Notation(Protocol):
    """What writes bodies shorter and reads them again, byte for byte."""

    def shorten(self, body: bytes, level: CompressionLevel, model: str) -> Shortened | None:
        """None where nothing is gained."""
        ...

    def restore(self, stored: bytes) -> bytes:
        """Raises ValueError for what `shorten` did not write."""
        ...
