"""Vectors as int8, and the exact search for the nearest of them. [hot]

One `ScanIndex` a scope; it never looks outside itself, so what a search costs depends on its own scope alone.
Measured at 384 dimensions: 0.06 ms of CPU for 1,000 entries, 0.5 ms for 10,000, 1.0 ms for 20,000; 460 bytes an
entry. The integer product numpy offers takes four times as long; floats take half as long and four times the memory.
"""

from __future__ import annotations

import struct
import threading
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLOCK: Final = 256
"""Rows turned into floats at a time: with 384 dimensions they stay in the second-level cache."""
_SMALLEST: Final = 4
"""Rows a block begins with: a scope of three entries takes 1.6 kB."""
_GROWTH: Final = 4
_DEAD: Final = -1

_SCALE: Final = struct.Struct("<f")


class Neighbour(NamedTuple):
    """An entry and how near it is: the cosine, at most 1.0."""

    key: int
    similarity: float


class VectorIndex(Protocol):
    """The vectors of one scope. Changed by one thread; searched by any."""

    def __len__(self) -> int: ...

    def add(self, key: int, packed: bytes) -> None:
        """`packed` is what `quantise` made; a key (not negative) that is there already gets the new vector."""
        ...

    def remove(self, key: int) -> bool:
        """False if there is no such key."""
        ...

    def top_k(self, query: Floats, k: int) -> list[Neighbour]:
        """The nearest first; equally near ones by key. `query` has length 1."""
        ...


def quantise(vector: Floats) -> bytes:
    """Packs a vector for index and store: its scale (float32), then an int8 a dimension, little-endian.

    A vector of length 1 comes back with an error of at most half its largest element / 127 in each dimension.
    """
    largest = float(np.abs(vector).max())
    if not 0.0 < largest < np.inf:
        raise ValueError("a vector without a direction")
    scale = np.float32(largest / 127)
    return pack(float(scale), np.rint(vector / scale).clip(-127, 127).astype(np.int8))


def pack(scale: float, codes: NDArray[np.int8]) -> bytes:
    return b"".join((_SCALE.pack(scale), codes.tobytes()))


def unpack(packed: bytes) -> tuple[float, NDArray[np.int8]]:
    """Scale and codes; their product is the vector."""
    (scale,) = _SCALE.unpack_from(packed)
    return scale, np.frombuffer(packed, dtype=np.int8, offset=_SCALE.size)


def dimensions_of(packed: bytes) -> int:
    return len(packed) - _SCALE.size


class _Block:
    """Up to BLOCK rows. Rows below `used` never change, but for a key that dies."""

    __slots__ = ("codes", "keys", "live", "scales", "used")

    def __init__(self, dimensions: int) -> None:
        self.codes = np.empty((_SMALLEST, dimensions), dtype=np.int8)
        self.scales = np.empty(_SMALLEST, dtype=np.float32)
        self.keys = np.empty(_SMALLEST, dtype=np.int64)
        self.used = 0
        self.live = 0

    @property
    def full(self) -> bool:
        return self.used == BLOCK

    def append(self, key: int, scale: float, codes: NDArray[np.int8]) -> None:
        if self.used == len(self.keys):
            self._grow()
        self.codes[self.used] = codes
        self.scales[self.used] = scale
        self.keys[self.used] = key
        self.used += 1
        self.live += 1

    def kill(self, key: int) -> None:
        self.keys[: self.used][self.keys[: self.used] == key] = _DEAD
        self.live -= 1

    def _grow(self) -> None:
        # New arrays, never `resize`: a search under way goes on in the old ones.
        more = (_GROWTH - 1) * len(self.keys)
        self.codes = np.concatenate([self.codes, np.empty((more, self.codes.shape[1]), np.int8)])
        self.scales = np.concatenate([self.scales, np.empty(more, np.float32)])
        self.keys = np.concatenate([self.keys, np.empty(more, np.int64)])


class ScanIndex:
    """Exact search by computing every similarity. See `VectorIndex`.

    A removed row stays as a tombstone until half its block is dead; then the block's living rows move to the end.
    So memory is at most twice the living rows and a block, and no change takes longer than a block's move (0.3 ms).
    """

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._blocks: list[_Block] = []  # only the last may have room
        self._home: dict[int, _Block] = {}
        self._lock = threading.Lock()  # a search must see a moving row in one place; held for microseconds

    def __len__(self) -> int:
        return len(self._home)

    @property
    def rows_held(self) -> int:
        """Rows there is memory for, the living, the dead and the free: at most twice the living and a block."""
        return sum(len(block.keys) for block in self._blocks)

    def add(self, key: int, packed: bytes) -> None:
        if dimensions_of(packed) != self._dimensions or key < 0:
            raise ValueError("a vector of another model, or a negative key")
        scale, codes = unpack(packed)
        with self._lock:
            self._remove(key)
            self._append(key, scale, codes)

    def remove(self, key: int) -> bool:
        with self._lock:
            return self._remove(key)

    def oldest(self) -> tuple[int, bytes] | None:
        """Key and packed vector of one of the rows that came first; None when there is none."""
        with self._lock:
            if not self._blocks:
                return None
            block = self._blocks[0]
            row = int(np.flatnonzero(block.keys[: block.used] != _DEAD)[0])
            return int(block.keys[row]), pack(float(block.scales[row]), block.codes[row])

    def top_k(self, query: Floats, k: int) -> list[Neighbour]:
        with self._lock:
            parts = [(block, block.used) for block in self._blocks]
        rows = sum(used for _, used in parts)
        similarities, keys = np.empty(rows, np.float32), np.empty(rows, np.int64)
        floats = np.empty((min(BLOCK, rows), self._dimensions), np.float32)
        start = 0
        for block, used in parts:
            end = start + used
            np.copyto(floats[:used], block.codes[:used])
            np.dot(floats[:used], query, out=similarities[start:end])
            similarities[start:end] *= block.scales[:used]
            keys[start:end] = block.keys[:used]
            start = end
        return nearest(keys, similarities, k)

    def _append(self, key: int, scale: float, codes: NDArray[np.int8]) -> None:
        if not self._blocks or self._blocks[-1].full:
            self._blocks.append(_Block(self._dimensions))
        self._blocks[-1].append(key, scale, codes)
        self._home[key] = self._blocks[-1]

    def _remove(self, key: int) -> bool:
        block = self._home.pop(key, None)
        if block is None:
            return False
        block.kill(key)
        if block.live * 2 <= block.used:
            self._dissolve(block)
        return True

    def _dissolve(self, block: _Block) -> None:
        self._blocks.remove(block)
        for row in np.flatnonzero(block.keys[: block.used] != _DEAD):
            self._append(int(block.keys[row]), float(block.scales[row]), block.codes[row])


def nearest(keys: NDArray[np.int64], similarities: Floats, k: int) -> list[Neighbour]:
    """The k best of the living (keys that are not negative), the best first."""
    similarities[keys < 0] = -np.inf
    if len(keys) > k:
        best = np.argpartition(similarities, -k)[-k:]
        keys, similarities = keys[best], similarities[best]
    order = np.lexsort((keys, -similarities))
    return [Neighbour(int(keys[row]), min(1.0, float(similarities[row]))) for row in order if keys[row] >= 0]
