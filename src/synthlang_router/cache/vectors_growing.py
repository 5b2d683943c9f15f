"""`GrowingIndex`: a scan while a scope is small, a graph behind it once the scope has grown large.

What is added is found at once, by the scan; it moves into the graph later, when somebody has time (`settle`), since
that takes fifty times as long as the adding. Without a graph, or without settling, everything stays in the scan.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from synthlang_router.cache.vectors import Floats, Neighbour, ScanIndex, VectorIndex

LARGE: Final = 20_000
"""Entries up to which the scan alone serves: 1.0 ms of CPU a search at 384 dimensions."""


class GrowingIndex:
    """See `VectorIndex`. `large` makes the graph; None where there is none. `settle` may run in another thread."""

    def __init__(
        self, dimensions: int, *, large: Callable[[int], VectorIndex] | None = None, threshold: int = LARGE
    ) -> None:
        self._dimensions = dimensions
        self._fresh = ScanIndex(dimensions)
        self._make_large = large
        self._threshold = threshold
        self._large: VectorIndex | None = None
        self._changing = (
            threading.Lock()
        )  # held while one row changes or moves; a search does not wait for it

    def __len__(self) -> int:
        with self._changing:
            return len(self._fresh) + (0 if self._large is None else len(self._large))

    def add(self, key: int, packed: bytes) -> None:
        with self._changing:
            self._fresh.add(key, packed)
            if self._large is not None:
                self._large.remove(key)

    def remove(self, key: int) -> bool:
        with self._changing:
            return self._fresh.remove(key) or (self._large is not None and self._large.remove(key))

    def top_k(self, query: Floats, k: int) -> list[Neighbour]:
        best = self._fresh.top_k(query, k)
        large = self._large
        if large is None:
            return best
        # Fresh ones first: a row that moves meanwhile is then seen twice, never missed.
        merged = {neighbour.key: neighbour for neighbour in [*large.top_k(query, k), *best]}
        return sorted(merged.values(), key=lambda one: (-one.similarity, one.key))[:k]

    @property
    def settled(self) -> bool:
        """Whether `settle` has nothing to do."""
        if self._make_large is None:
            return True
        return len(self._fresh) <= (self._threshold if self._large is None else 0)

    def settle(self, rows: int) -> None:
        """Moves up to so many rows into the graph, 0.1 ms each; makes the graph once the scope is large."""
        if self._make_large is None or self.settled:
            return
        if self._large is None:
            self._large = self._make_large(self._dimensions)
        for _ in range(rows):
            with self._changing:
                row = self._fresh.oldest()
                if row is None:
                    return
                self._large.add(*row)
                self._fresh.remove(row[0])
