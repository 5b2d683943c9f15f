"""Opens the cache: store, flights, and where it is wanted and installed the semantic layer with its model."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from importlib.util import find_spec
from typing import Final

from synthlang_router.backends.memory.cache import MemoryCacheStore
from synthlang_router.backends.sqlite.cache import SqliteCacheStore
from synthlang_router.cache import CacheStore, Flights, Lifetimes, MeaningLayer, Recall, SemanticCache
from synthlang_router.cache.auditor import Auditor
from synthlang_router.cache.embedding import Embedder, available
from synthlang_router.cache.meaning import LONG
from synthlang_router.cache.objection import objection
from synthlang_router.cache.verifier import Verdict, verify
from synthlang_router.cache.verifier_pair import PairVerifier
from synthlang_router.cache.worker import Worker
from synthlang_router.config import Settings
from synthlang_router.errors import ConfigurationError
from synthlang_router.main.auditing import open_auditor, open_evidence
from synthlang_router.main.embeddings import RecordedEmbeddings
from synthlang_router.models import Target
from synthlang_router.telemetry import wall_clock
from synthlang_router.vault import Vault

MISSING: Final = (
    "semantic cache: off, because the extra `semantic` is not installed (exact repeats are served)"
)
CACHE_FILE: Final = "cache.db"
Tell = Callable[[str], None]


@asynccontextmanager
async def open_cache(
    settings: Settings, embeddings: RecordedEmbeddings, tell: Tell, vault: Vault
) -> AsyncIterator[SemanticCache]:
    """The cache of these settings; `tell` says what an operator should know."""
    wanted = settings.cache
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        store = _store(settings, vault)
        meaning, auditor = None, None
        if wanted.semantic.enabled:
            if available(wanted.semantic.embedder):
                worker = Worker("cache")
                stack.push_async_callback(worker.close)
                embedder = _embedder(settings, worker, embeddings)
                auditor = open_auditor(settings, embedder, loop.create_task)
                stack.push_async_callback(auditor.close)
                meaning = _meaning(settings, store, worker, embedder, auditor)
            else:
                tell(MISSING)
        if isinstance(store, SqliteCacheStore):
            stack.push_async_callback(store.close)
            await store.load(wall_clock(), _ignored if meaning is None else meaning.find_again)
        yield SemanticCache(
            store,
            clock=wall_clock,
            monotonic=time.monotonic,
            lifetimes=Lifetimes(exact=wanted.exact.ttl, semantic=wanted.semantic.ttl),
            meaning=meaning,
            auditor=auditor,
            flights=Flights(loop.create_task),
            widen=frozenset(wanted.share),
            tool_calls=wanted.tool_calls == "exact",
            exact=wanted.exact.enabled,
            enabled=wanted.exact.enabled or meaning is not None,
        )


def _store(settings: Settings, vault: Vault) -> MemoryCacheStore | SqliteCacheStore:
    """Sealed in a file, unless answers are to be forgotten with the process."""
    wanted = settings.cache
    if wanted.store == "memory":
        return MemoryCacheStore(max_entries=wanted.exact.max_entries, max_bytes=wanted.exact.max_bytes)
    return SqliteCacheStore(
        settings.data_dir / CACHE_FILE,
        vault=vault,
        max_entries=wanted.exact.max_entries,
        max_bytes=wanted.exact.max_bytes,
    )


def _ignored(scope: bytes, digest: bytes, vector: bytes, answer: bytes) -> None:
    """Without the semantic layer nothing is found by its meaning."""


def _meaning(
    settings: Settings, store: CacheStore, worker: Worker, embedder: Embedder, auditor: Auditor
) -> MeaningLayer:
    from synthlang_router.cache.vectors import quantise
    from synthlang_router.cache.vectors_growing import GrowingIndex

    wanted = settings.cache.semantic
    return MeaningLayer(
        store,
        Recall(lambda: GrowingIndex(embedder.dimensions), offload=worker.run, max_entries=wanted.max_entries),
        embedder=embedder,
        quantise=quantise,
        verify=_with_pair_model() if wanted.verify == "pair" else verify,
        offload=worker.run,
        seconds=wanted.ttl,
        on_loop=0 if wanted.verify == "pair" else LONG,
        evidence=open_evidence(settings, auditor),
        objects=objection,
    )


def _with_pair_model() -> Callable[[str, str], Verdict]:
    """The layered verifier; its model is loaded in the worker, by the first pair that needs it."""
    if find_spec("synthlang_router_pairmodel") is None:
        raise ConfigurationError(
            "cache.semantic.verify: pair needs the distribution synthlang-router-pairmodel."
        )

    @cache
    def judge() -> PairVerifier:
        from synthlang_router_pairmodel import MODEL_PATH

        from synthlang_router.cache.pair_model import PairModel

        return PairVerifier(PairModel(MODEL_PATH))

    return lambda stored, asked: judge().verify(stored, asked)


def _embedder(settings: Settings, worker: Worker, embeddings: RecordedEmbeddings) -> Embedder:
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # read by numpy's import; the scan is one thread's work
    from synthlang_router.cache.embedding_local import LocalEmbedder
    from synthlang_router.cache.embedding_provider import ProviderEmbedder

    name = settings.cache.semantic.embedding_model
    if settings.cache.semantic.embedder == "local" or name is None:
        return LocalEmbedder(worker)
    provider, _, model = name.partition("/")

    return ProviderEmbedder(partial(embeddings.get_embedding, target=Target(provider, model)), model)
