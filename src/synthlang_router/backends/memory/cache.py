"""Stored answers in this process.

At its bounds it gives up what is worth least: of the eight entries unused for longest the one whose hits saved the
fewest tokens, so that a choice costs microseconds whatever the size. Expired entries leave as new ones come.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from itertools import islice
from typing import Final

from synthlang_router.cache.entry import CacheEntry, Selection, StoreStats
from synthlang_router.telemetry import count

_CANDIDATES: Final = 8
_DELETE_SLICE: Final = 1_000
"""Entries looked at before the event loop gets its turn."""


class _Slot:
    """An entry and how often it was used."""

    __slots__ = ("entry", "hits")

    def __init__(self, entry: CacheEntry) -> None:
        self.entry = entry
        self.hits = 0


class MemoryCacheStore:
    """Bounded in entries and bytes; an entry larger than all room is not kept."""

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._slots: OrderedDict[bytes, _Slot] = OrderedDict()
        self._expiries: list[tuple[float, bytes]] = []
        self._bytes = 0
        self._evicted = 0

    @property
    def bookkeeping(self) -> int:
        """Items kept to know when entries expire."""
        return len(self._expiries)

    async def get(self, digest: bytes, now: float) -> CacheEntry | None:
        slot = self._slots.get(digest)
        if slot is None:
            return None
        if slot.entry.expires <= now:
            self._drop(digest)
            return None
        slot.hits += 1
        self._slots.move_to_end(digest)
        return slot.entry

    def put(self, entry: CacheEntry, now: float) -> None:
        self._drop(entry.digest)
        self._expire(now)
        if entry.size > self._max_bytes:
            count("cache_refused", "larger_than_the_cache")
            return
        self._slots[entry.digest] = _Slot(entry)
        self._bytes += entry.size
        heapq.heappush(self._expiries, (entry.expires, entry.digest))
        while len(self._slots) > self._max_entries or self._bytes > self._max_bytes:
            self._evict()

    async def delete(self, which: Selection) -> int:
        deleted = 0
        for number, digest in enumerate([which.digest] if which.digest is not None else list(self._slots)):
            slot = self._slots.get(digest)
            if slot is not None and which.fits(slot.entry):
                self._drop(digest)
                deleted += 1
            if number % _DELETE_SLICE == _DELETE_SLICE - 1:
                await asyncio.sleep(0)
        return deleted

    async def stats(self) -> StoreStats:
        return StoreStats(len(self._slots), self._bytes, self._evicted)

    def _drop(self, digest: bytes) -> None:
        slot = self._slots.pop(digest, None)
        if slot is not None:
            self._bytes -= slot.entry.size

    def _expire(self, now: float) -> None:
        """Drop what has expired. A heap item may outlive its entry, or belong to an older one of the same digest."""
        while self._expiries and self._expiries[0][0] <= now:
            _, digest = heapq.heappop(self._expiries)
            slot = self._slots.get(digest)
            if slot is not None and slot.entry.expires <= now:
                self._drop(digest)
        if len(self._expiries) > 2 * len(self._slots) + 1024:
            self._expiries = [(slot.entry.expires, digest) for digest, slot in self._slots.items()]
            heapq.heapify(self._expiries)

    def _evict(self) -> None:
        oldest = list(islice(self._slots.items(), min(_CANDIDATES, max(1, len(self._slots) - 1))))
        digest, _ = min(oldest, key=lambda item: (item[1].hits + 1) * item[1].entry.tokens)
        for passed, slot in oldest:
            if passed == digest:
                break
            slot.hits //= 2
        self._drop(digest)
        self._evicted += 1
        count("cache_evicted")
