"""The exact layer: SHA-256 over scope and question, in whatever `CacheStore` keeps the entries."""

from __future__ import annotations

from synthlang_router.cache.entry import CacheEntry, CacheStore
from synthlang_router.cache.key import CacheKey


class ExactLayer:
    """`seconds` is how old an answer may be that is served word for word."""

    def __init__(self, store: CacheStore, *, seconds: float) -> None:
        self.store = store
        self._seconds = seconds

    async def find(self, key: CacheKey, now: float) -> CacheEntry | None:
        """The answer to this very question, fresh enough for operator and client. Raises BackendError."""
        entry = await self.store.get(key.exact, now)
        return entry if entry is not None and is_fresh(entry, key, self._seconds, now) else None


def is_fresh(entry: CacheEntry, key: CacheKey, seconds: float, now: float) -> bool:
    """Whether the entry is as young as the layer (`seconds`) and the client (`max-age`) ask."""
    age = now - entry.stored
    return age < seconds and (key.max_age is None or age <= key.max_age)
