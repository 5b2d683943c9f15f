"""Doubles for the semantic layer: a model that embeds by letters, an index that scans a dict, a broken store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from synthlang_router.cache import CacheEntry, Selection, StoreStats
from synthlang_router.cache.embedding import EmbeddingRefused
from synthlang_router.cache.vectors import Floats
from synthlang_router.cache.verifier import Verdict
from synthlang_router.errors import BackendError

T = TypeVar("T")


class LetterEmbedder:
    """Counts letters: anagrams are equal, and near texts are near."""

    name = "letters"
    dimensions = 26

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.refuses = False

    async def embed(self, text: str) -> Floats:
        if self.refuses:
            raise EmbeddingRefused("busy")
        self.texts.append(text)
        await asyncio.sleep(0)
        letters = [text.lower().count(chr(97 + n)) for n in range(26)]
        vector = np.asarray(letters, dtype=np.float32) + np.float32(0.01)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


def same_letters_any_case(stored: str, asked: str) -> Verdict:
    serve = stored.casefold() == asked.casefold()
    return Verdict(serve, "surface" if serve else "word")


async def at_once(call: Callable[[], T]) -> T:
    await asyncio.sleep(0)
    return call()


class BrokenStore:
    """Raises what it is told to, everywhere."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error or BackendError("down")

    async def get(self, digest: bytes, now: float) -> CacheEntry | None:
        raise self.error

    def put(self, entry: CacheEntry, now: float) -> None:
        raise self.error

    async def delete(self, which: Selection) -> int:
        raise self.error

    async def stats(self) -> StoreStats:
        raise self.error


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now
