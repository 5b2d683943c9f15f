"""`Comparator`: do two answers to one question say the same? Right, wrong, or None where it cannot tell.

Equal texts do. Otherwise the embeddings of the answers and the rules that object to numbers, names and negations tell
the clear cases, and a judge model, where the operator configured one, the rest. What nobody can tell is no evidence.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from synthlang_router.cache.consensus import answer_identity
from synthlang_router.cache.embedding import EmbeddingRefused
from synthlang_router.telemetry import count

if TYPE_CHECKING:
    from synthlang_router.cache.embedding import Embedder

Judge = Callable[[str, str, str], Awaitable[bool | None]]
"""Question, the answer that was served, the answer that came: whether the one serves as well as the other."""

ALIKE: Final = 0.95
"""Cosine of two answers from which on, without an objection, they say the same."""
UNLIKE: Final = 0.6
"""The same below which they do not."""


class Comparator:
    """`objects(one, other)` names a difference that matters, or None."""

    def __init__(
        self,
        *,
        embedder: Embedder | None = None,
        objects: Callable[[str, str], str | None] | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._embedder = embedder
        self._objects = objects
        self._judge = judge

    @property
    def names(self) -> tuple[str, ...]:
        """By what it compares: what a bound is worth depends on it."""
        found = ["equality"]
        if self._embedder is not None:
            found.append("embedding")
        if self._judge is not None:
            found.append("judge")
        return tuple(found)

    async def compare(self, question: str, served: str | None, came: str | None) -> bool | None:
        """Never raises: who cannot be asked cannot tell."""
        if not served or not came:
            return None
        if answer_identity(served) == answer_identity(came):
            return True
        verdict = await self._by_embedding(served, came)
        if verdict is None and self._judge is not None:
            verdict = await self._judge(question, served, came)
        if verdict is None:
            count("cache_not_compared")
        return verdict

    async def _by_embedding(self, served: str, came: str) -> bool | None:
        if self._embedder is None:
            return None
        try:
            one, other = await self._embedder.embed(served), await self._embedder.embed(came)
        except EmbeddingRefused:
            return None
        cosine = float(one @ other)
        if cosine < UNLIKE:
            return False
        if cosine >= ALIKE and self._objects is not None and self._objects(served, came) is None:
            return True
        return None
