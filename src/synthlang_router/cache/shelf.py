"""`Shelf`: which entries a store keeps, and which it gives up for room. Pure, by digest; what is on it is the store's.

At its bounds it gives up what is worth least: of the eight entries unused for longest the one whose hits saved the
fewest tokens, so that a choice costs microseconds whatever the size. Expired entries leave as new ones come.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, Generic, TypeVar

from synthlang_router.telemetry import count

T = TypeVar("T")

_CANDIDATES: Final = 8


class _Slot(Generic[T]):
    """An item and how often it was used."""

    __slots__ = ("expires", "hits", "item", "size", "worth")

    def __init__(self, item: T, size: int, worth: int, expires: float) -> None:
        self.item = item
        self.size = size
        self.worth = worth
        self.expires = expires
        self.hits = 0


class Shelf(Generic[T]):
    """Bounded in items and bytes; what is larger than all room is not taken. `left(item)` hears of each that goes."""

    def __init__(self, *, max_entries: int, max_bytes: int, left: Callable[[T], None] | None = None) -> None:
        self.bytes = 0
        self.evicted = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._left = left
        self._slots: OrderedDict[bytes, _Slot[T]] = OrderedDict()
        self._expiries: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._slots)

    @property
    def bookkeeping(self) -> int:
        """Items kept to know when entries expire."""
        return len(self._expiries)

    def look(self, digest: bytes) -> T | None:
        """Without counting it as a use."""
        slot = self._slots.get(digest)
        return None if slot is None else slot.item

    def use(self, digest: bytes, now: float) -> T | None:
        """Unless it has expired."""
        slot = self._slots.get(digest)
        if slot is None:
            return None
        if slot.expires <= now:
            self.drop(digest)
            return None
        slot.hits += 1
        self._slots.move_to_end(digest)
        return slot.item

    def put(self, digest: bytes, item: T, *, size: int, worth: int, expires: float, now: float) -> bool:
        """In place of what was there; False where it is larger than all room."""
        self.drop(digest)
        self._expire(now)
        if size > self._max_bytes:
            count("cache_refused", "larger_than_the_cache")
            return False
        self._slots[digest] = _Slot(item, size, worth, expires)
        self.bytes += size
        heapq.heappush(self._expiries, (expires, digest))
        while len(self._slots) > self._max_entries or self.bytes > self._max_bytes:
            self._evict()
        return digest in self._slots

    def drop(self, digest: bytes) -> bool:
        slot = self._slots.pop(digest, None)
        if slot is None:
            return False
        self.bytes -= slot.size
        if self._left is not None:
            self._left(slot.item)
        return True

    def _expire(self, now: float) -> None:
        """Drop what has expired. A heap item may outlive its entry, or belong to an older one of the same digest."""
        while self._expiries and self._expiries[0][0] <= now:
            _, digest = heapq.heappop(self._expiries)
            slot = self._slots.get(digest)
            if slot is not None and slot.expires <= now:
                self.drop(digest)
        if len(self._expiries) > 2 * len(self._slots) + 1024:
            self._expiries = [(slot.expires, digest) for digest, slot in self._slots.items()]
            heapq.heapify(self._expiries)

    def _evict(self) -> None:
        oldest = list(islice(self._slots.items(), min(_CANDIDATES, max(1, len(self._slots) - 1))))
        digest, _ = min(oldest, key=lambda item: (item[1].hits + 1) * item[1].worth)
        for passed, slot in oldest:
            if passed == digest:
                break
            slot.hits //= 2
        self.drop(digest)
        self.evicted += 1
        count("cache_evicted")
