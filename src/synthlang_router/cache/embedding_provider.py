"""`ProviderEmbedder`: a provider's embeddings endpoint behind the `Embedder` port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synthlang_router.cache.embedding import refused
from synthlang_router.errors import RouterError

MAX_CHARACTERS: Final = 2000
"""Longer texts are refused: some servers cut silently at 512 tokens, and a cut text must not look like a whole one."""


class ProviderEmbedder:
    """Embeds by `get_embedding`, whose deadline, retries and cost are its own; a failure of it is a refusal."""

    def __init__(
        self,
        get_embedding: Callable[[str], Awaitable[Sequence[float]]],
        model_name: str,
        *,
        dimensions: int = 1536,
    ) -> None:
        self._get_embedding = get_embedding
        self.name: Final = f"provider:{model_name}:{dimensions}"
        self.dimensions: Final = dimensions

    async def embed(self, text: str) -> NDArray[np.float32]:
        """See `Embedder`. A vector of another size, or one that has no direction, is refused."""
        if len(text) > MAX_CHARACTERS:
            raise refused("too_long")
        try:
            answer = await self._get_embedding(text)
        except RouterError as error:
            raise refused("failed") from error
        raw = np.asarray(answer, dtype=np.float64)
        with np.errstate(over="ignore"):  # an infinite length is refused below
            length = float(np.linalg.norm(raw))
        if raw.shape != (self.dimensions,) or not 0.0 < length < np.inf:
            raise refused("failed")
        vector = (raw / length).astype(np.float32)
        vector.setflags(write=False)
        return vector
