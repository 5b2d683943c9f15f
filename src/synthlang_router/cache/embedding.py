"""`Embedder`: turns a text into a vector, so that texts that mean the same lie close together.

The port, its refusal, and whether the extra `semantic` is there; imports neither numpy nor a runtime, so that it
can be asked before anything heavy is loaded.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, Protocol

from synthlang_router.errors import BackendError
from synthlang_router.telemetry import count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Reason = Literal["too_long", "busy", "failed"]

REQUIRED: Final = {
    "local": ("numpy", "onnxruntime", "splintr", "synthlang_router_minilm"),
    "provider": ("numpy",),
}
"""Modules that each embedder needs; what the core install lacks of them is in the extra `semantic`."""


class Embedder(Protocol):
    """Embeddings of one model; the same text gives the same vector."""

    @property
    def name(self) -> str:
        """Identity of the model and its version. Vectors of different names must never be compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    async def embed(self, text: str) -> NDArray[np.float32]:
        """A read-only vector of length 1. Raises EmbeddingRefused, and nothing else."""
        ...


class EmbeddingRefused(BackendError):
    """There is no vector for this text now: the semantic layer does not apply, which is a miss.

    `too_long`: the model would see only the beginning, and two texts may differ after it. `busy`: too many wait.
    `failed`: the model or the provider did not answer, or answered no vector.
    """

    code = "embedding_refused"

    def __init__(self, reason: Reason) -> None:
        super().__init__("This text could not be embedded.")
        self.reason: Reason = reason


def refused(reason: Reason) -> EmbeddingRefused:
    """The refusal to raise, counted."""
    count("embedding_refused", reason)
    return EmbeddingRefused(reason)


def available(embedder: Literal["local", "provider"] = "local") -> bool:
    """Whether everything this embedder needs is installed; imports nothing."""
    return all(find_spec(module) is not None for module in REQUIRED[embedder])
