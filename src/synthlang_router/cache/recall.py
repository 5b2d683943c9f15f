"""`Recall`: which stored questions of a scope lie nearest to a new one.

Vectors are found within their own scope only, so what a search costs says nothing of other scopes. Answers may
leave the store without a word; their vectors leave here when a search comes upon them, or as the oldest at the bound.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from synthlang_router.telemetry import count

if TYPE_CHECKING:
    from synthlang_router.cache.vectors import Floats, Neighbour, VectorIndex

ON_THE_LOOP: Final = 2_000
"""Entries a scope may have to be searched on the event loop: 0.1 ms at 384 dimensions."""

Offload = Callable[[Callable[[], "list[Neighbour]"]], Awaitable["list[Neighbour]"]]


class Near(NamedTuple):
    """A stored question: its entry's digest, its cosine, and the identity of its answer."""

    digest: bytes
    similarity: float
    answer: bytes


class _Scope:
    """The vectors of one scope; keys are whole numbers, as indexes want them."""

    __slots__ = ("digests", "index")

    def __init__(self, index: VectorIndex) -> None:
        self.index = index
        self.digests: dict[int, tuple[bytes, bytes]] = {}


class Recall:
    """`make_index` opens an empty index; `offload` runs a search beside the event loop."""

    def __init__(
        self,
        make_index: Callable[[], VectorIndex],
        *,
        offload: Offload,
        max_entries: int,
    ) -> None:
        self._make_index = make_index
        self._offload = offload
        self._max_entries = max_entries
        self._scopes: dict[bytes, _Scope] = {}
        self._places: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()
        self._serial = 0

    def __len__(self) -> int:
        return len(self._places)

    def remember(self, scope: bytes, digest: bytes, packed: bytes, answer: bytes = b"") -> None:
        """Find this question from now on. `answer`: equal where answers are; empty: like no other."""
        self.forget(digest)
        room = self._scopes.get(scope)
        if room is None:
            room = self._scopes[scope] = _Scope(self._make_index())
        self._serial += 1
        room.index.add(self._serial, packed)
        room.digests[self._serial] = (digest, answer or digest)
        self._places[digest] = (scope, self._serial)
        while len(self._places) > self._max_entries:
            self.forget(next(iter(self._places)))
            count("cache_vectors_evicted")

    def forget(self, digest: bytes) -> None:
        """Find it no more; nothing happens where it is unknown."""
        place = self._places.pop(digest, None)
        if place is None:
            return
        scope, number = place
        room = self._scopes[scope]
        room.index.remove(number)
        del room.digests[number]
        if not room.digests:
            del self._scopes[scope]

    async def nearest(self, scope: bytes, vector: Floats, k: int) -> list[Near]:
        """Up to `k` questions of this scope, the nearest first."""
        room = self._scopes.get(scope)
        if room is None:
            return []
        index = room.index
        if len(room.digests) <= ON_THE_LOOP:
            found = index.top_k(vector, k)
        else:
            found = await self._offload(lambda: index.top_k(vector, k))
        known = [(room.digests.get(number), similarity) for number, similarity in found]
        return [Near(one[0], similarity, one[1]) for one, similarity in known if one is not None]
