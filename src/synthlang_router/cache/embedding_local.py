"""`LocalEmbedder`: the local model behind the `Embedder` port, loaded and run in a worker thread."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from synthlang_router_minilm import MODEL_SHA256

from synthlang_router.cache.embedding import refused
from synthlang_router.cache.worker import Worker
from synthlang_router.errors import Overloaded
from synthlang_router.telemetry import report_unforeseen

MAX_CHARACTERS: Final = 4096
"""Longer texts are refused unread. 256 tokens of English are some 1,200 characters."""


class Model(Protocol):
    """What the worker runs."""

    def embed(self, text: str) -> NDArray[np.float32] | None: ...


def load_minilm() -> Model:
    """Imports the runtime and reads the model: 150 ms of CPU and 75 MB that start-up does not pay.

    The import holds the interpreter, and so the event loop, for 25 ms, once.
    """
    model: Model = importlib.import_module("synthlang_router.cache.minilm").MiniLM()
    return model


class _NotLoaded(Exception):
    """Loading has failed before, and was reported then."""


class LocalEmbedder:
    """Embeds in the given worker, which it does not close. A model that cannot be loaded is not tried again."""

    name: Final = f"all-minilm-l6-v2-int8:{MODEL_SHA256[:16]}"
    dimensions: Final = 384

    def __init__(self, worker: Worker, *, load: Callable[[], Model] = load_minilm) -> None:
        self._worker = worker
        self._load = load
        self._model: Model | None = None
        self._broken = False

    async def embed(self, text: str) -> NDArray[np.float32]:
        """See `Embedder`. A caller that leaves leaves no trace."""
        if len(text) > MAX_CHARACTERS:
            raise refused("too_long")
        try:
            vector = await self._worker.run(lambda: self._embed(text))
        except Overloaded as full:
            raise refused("busy") from full
        except _NotLoaded as broken:
            raise refused("failed") from broken
        except Exception as error:
            # The runtime's exceptions have no common base; the request is protected from all of them.
            report_unforeseen("embedding", error)
            raise refused("failed") from error
        if vector is None:
            raise refused("too_long")
        return vector

    def _embed(self, text: str) -> NDArray[np.float32] | None:
        """In the worker."""
        return self._loaded().embed(text)

    def _loaded(self) -> Model:
        if self._broken:
            raise _NotLoaded
        if self._model is None:
            self._broken = True  # until proved otherwise, so that a failure is reported once and not repeated
            self._model = self._load()
            self._broken = False
        return self._model
