"""`CacheEntry`: a stored answer as a value, and `CacheStore`, the port of what keeps entries."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from synthlang_router.models import ChatCompletion

ENTRY_OVERHEAD: Final = 1_000
"""Bytes an entry costs beside its texts and vector, about."""


def entry_id_of(digest: bytes) -> str:
    """How rows and operators name the entry of this digest."""
    return digest.hex()[:32]


class CacheEntry(msgspec.Struct, frozen=True):
    """One answer within one scope. Times are seconds since the epoch.

    `origin` is the id of the row whose request was answered first, `vector` the packed embedding of the question.
    """

    digest: bytes
    scope: bytes
    tenant: str
    completion: ChatCompletion
    stored: float
    expires: float
    question: str | None = None
    vector: bytes | None = None
    provider: str = ""
    served_model: str = ""
    simulated: bool = False
    origin: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def entry_id(self) -> str:
        """How rows and operators name it."""
        return entry_id_of(self.digest)

    @property
    def size(self) -> int:
        """Bytes, about: what the byte bound counts."""
        question = 0 if self.question is None else len(self.question)
        vector = 0 if self.vector is None else len(self.vector)
        content = 0 if self.completion.content is None else len(self.completion.content)
        return ENTRY_OVERHEAD + len(self.completion.raw) + content + question + vector

    @property
    def tokens(self) -> int:
        """What a hit saves; an answer without a count is worth its length."""
        usage = self.completion.usage
        return len(self.completion.raw) // 4 if usage is None else usage.total_tokens


class Origin(msgspec.Struct, frozen=True):
    """Where an answer came from: who served it, and the row of the request it was made for."""

    provider: str
    model: str
    simulated: bool
    row: str


class Selectable(Protocol):
    """What entries are selected by."""

    @property
    def digest(self) -> bytes: ...
    @property
    def entry_id(self) -> str: ...
    @property
    def scope(self) -> bytes: ...
    @property
    def tenant(self) -> str: ...
    @property
    def tags(self) -> tuple[tuple[str, str], ...]: ...


class Selection(msgspec.Struct, frozen=True):
    """Entries that fit everything that is said; one that says nothing selects all."""

    digest: bytes | None = None
    entry_id: str | None = None
    scope: bytes | None = None
    tenant: str | None = None
    tag: tuple[str, str] | None = None

    def fits(self, entry: Selectable) -> bool:
        return (
            (self.digest is None or entry.digest == self.digest)
            and (self.entry_id is None or entry.entry_id == self.entry_id)
            and (self.scope is None or entry.scope == self.scope)
            and (self.tenant is None or entry.tenant == self.tenant)
            and (self.tag is None or self.tag in entry.tags)
        )


class StoreStats(msgspec.Struct, frozen=True):
    """What a store holds, and how many entries it gave up for room since it was opened."""

    entries: int
    bytes: int
    evicted: int


class CacheStore(Protocol):
    """Where entries are kept, by digest. Raises BackendError when it is not to be had, but for `put`."""

    async def get(self, digest: bytes, now: float) -> CacheEntry | None:
        """The entry, unless it has expired."""
        ...

    def put(self, entry: CacheEntry, now: float) -> None:
        """Keep it in place of what was there. Never waits and never raises: what fails is counted."""
        ...

    async def delete(self, which: Selection) -> int:
        """Forget what fits; how many did."""
        ...

    async def stats(self) -> StoreStats: ...
