"""How prompts are kept: SynthLang as the record's notation."""

from __future__ import annotations

import time

from synthlang_router.interactions.notation import Shortened
from synthlang_router.interactions.shortening import Shortening
from synthlang_router.models import CompressionLevel
from synthlang_router.synthlang import restore_body, shorten_body


class StoredNotation:
    """Implements the record's `Notation` port."""

    def shorten(self, body: bytes, level: CompressionLevel, model: str) -> Shortened | None:
        found = shorten_body(body, level, model)
        return None if found is None else Shortened(found.stored, found.tokens_less)

    def restore(self, stored: bytes) -> bytes:
        return restore_body(stored)


def make_shortening() -> Shortening:
    """For the thread that files the record."""
    return Shortening(StoredNotation(), monotonic=time.monotonic, thread_time=time.thread_time)
