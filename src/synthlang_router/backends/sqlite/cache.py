"""Stored answers in a SQLite file, sealed; found by an index in memory, the answers used lately in memory too.

What is found there costs no disk: a get is a look into two dicts. What is not is read in a thread.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from synthlang_router.backends.sqlite.cache_file import CacheFile, Head
from synthlang_router.cache.consensus import answer_identity
from synthlang_router.cache.entry import CacheEntry, Selection, StoreStats, entry_id_of
from synthlang_router.cache.shelf import Shelf
from synthlang_router.telemetry import count
from synthlang_router.vault import Vault

HOT_BYTES: Final = 64_000_000
"""Of answers held in memory as well."""
_DELETE_SLICE: Final = 1_000
Found = Callable[[bytes, bytes, bytes, bytes], None]
"""Scope, digest, vector and identity of the answer of an entry that can be found by its meaning."""


class _Place(msgspec.Struct, frozen=True, gc=False):
    """Where an entry is, and what it is chosen by."""

    row: int
    digest: bytes
    scope: bytes
    tenant: str
    tags: tuple[tuple[str, str], ...]

    @property
    def entry_id(self) -> str:
        return entry_id_of(self.digest)


class SqliteCacheStore:
    """Bounded in entries and bytes. Made with the file closed: `load` opens it, off the event loop."""

    def __init__(
        self, path: Path, *, vault: Vault, max_entries: int, max_bytes: int, hot_bytes: int = HOT_BYTES
    ) -> None:
        self._file = CacheFile(path, vault)
        self._shelf: Shelf[_Place] = Shelf(max_entries=max_entries, max_bytes=max_bytes, left=self._forget)
        self._hot: OrderedDict[int, CacheEntry] = OrderedDict()
        self.hot_bytes = 0
        """Of answers in memory now."""
        self._max_hot_bytes = hot_bytes
        self._row = 0

    async def load(self, now: float, found: Found) -> int:
        """What the file holds from earlier; how many entries. Raises BackendError."""
        loaded = await asyncio.to_thread(lambda: list(self._file.load(now)))
        for number, (row, tenant, expires, head) in enumerate(loaded, 1):
            place = _Place(row, head.digest, head.scope, tenant, head.tags)
            self._row = max(self._row, row)
            kept = self._shelf.put(
                head.digest, place, size=head.size, worth=head.worth, expires=expires, now=now
            )
            if kept and head.vector is not None:
                found(head.scope, head.digest, head.vector, head.answer)
            if number % _DELETE_SLICE == 0:
                await asyncio.sleep(0)
        return len(self._shelf)

    async def close(self) -> None:
        await asyncio.to_thread(self._file.close)

    async def get(self, digest: bytes, now: float) -> CacheEntry | None:
        place = self._shelf.use(digest, now)
        if place is None:
            return None
        entry = self._hot.get(place.row)
        if entry is not None:
            self._hot.move_to_end(place.row)
            return entry
        entry = self._file.waiting(place.row)
        if entry is None:
            entry = await asyncio.to_thread(self._file.read, place.row, place.tenant)
            if entry is None:
                count("cache_entries_lost")
                if self._shelf.look(digest) is place:
                    self._shelf.drop(digest)
                return None
        if self._shelf.look(digest) is place:
            self._warm(place.row, entry)
        return entry

    def put(self, entry: CacheEntry, now: float) -> None:
        self._row += 1
        row = self._row
        place = _Place(row, entry.digest, entry.scope, entry.tenant, entry.tags)
        kept = self._shelf.put(
            entry.digest, place, size=entry.size, worth=entry.tokens, expires=entry.expires, now=now
        )
        if kept and self._file.write(row, entry, _head_of(entry)):
            self._warm(row, entry)
        elif kept:
            self._shelf.drop(entry.digest)

    async def delete(self, which: Selection) -> int:
        """Once it has returned they are gone from the disk too."""
        deleted = 0
        for number, digest in enumerate([which.digest] if which.digest is not None else list(self._shelf)):
            place = self._shelf.look(digest)
            if place is not None and which.fits(place):
                deleted += self._shelf.drop(digest)
            if number % _DELETE_SLICE == _DELETE_SLICE - 1:
                await asyncio.sleep(0)
        if deleted:
            await asyncio.to_thread(self._file.flush)
        return deleted

    async def stats(self) -> StoreStats:
        return StoreStats(len(self._shelf), self._shelf.bytes, self._shelf.evicted)

    def _warm(self, row: int, entry: CacheEntry) -> None:
        if row in self._hot:
            return
        self._hot[row] = entry
        self.hot_bytes += entry.size
        while self.hot_bytes > self._max_hot_bytes and len(self._hot) > 1:
            _, cold = self._hot.popitem(last=False)
            self.hot_bytes -= cold.size

    def _forget(self, place: _Place) -> None:
        entry = self._hot.pop(place.row, None)
        if entry is not None:
            self.hot_bytes -= entry.size
        self._file.erase(place.row)


def _head_of(entry: CacheEntry) -> Head:
    content = entry.completion.content
    return Head(
        digest=entry.digest,
        scope=entry.scope,
        stored=entry.stored,
        size=entry.size,
        worth=entry.tokens,
        answer=b"" if not content else answer_identity(content),
        vector=entry.vector,
        tags=entry.tags,
    )
