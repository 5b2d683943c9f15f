"""Stored answers in this process."""

from __future__ import annotations

import asyncio
from typing import Final

from synthlang_router.cache.entry import CacheEntry, Selection, StoreStats
from synthlang_router.cache.shelf import Shelf

_DELETE_SLICE: Final = 1_000
"""Entries looked at before the event loop gets its turn."""


class MemoryCacheStore:
    """Bounded in entries and bytes; an entry larger than all room is not kept."""

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        self._shelf: Shelf[CacheEntry] = Shelf(max_entries=max_entries, max_bytes=max_bytes)

    @property
    def bookkeeping(self) -> int:
        """Items kept to know when entries expire."""
        return self._shelf.bookkeeping

    async def get(self, digest: bytes, now: float) -> CacheEntry | None:
        return self._shelf.use(digest, now)

    def put(self, entry: CacheEntry, now: float) -> None:
        self._shelf.put(
            entry.digest, entry, size=entry.size, worth=entry.tokens, expires=entry.expires, now=now
        )

    async def delete(self, which: Selection) -> int:
        deleted = 0
        for number, digest in enumerate([which.digest] if which.digest is not None else list(self._shelf)):
            entry = self._shelf.look(digest)
            if entry is not None and which.fits(entry):
                deleted += self._shelf.drop(digest)
            if number % _DELETE_SLICE == _DELETE_SLICE - 1:
                await asyncio.sleep(0)
        return deleted

    async def stats(self) -> StoreStats:
        return StoreStats(len(self._shelf), self._shelf.bytes, self._shelf.evicted)
