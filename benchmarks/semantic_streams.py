"""A stream of questions with classes, through the whole cache: how many are served, how many of these wrongly?

An answer carries the class of the question that it was given to; serving it to another class is a wrong hit.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from semantic_requests import answered, asked, facts, key_of
from semantic_share import Share
from semantic_verifier import Verify

from synthlang_router.backends.memory.cache import MemoryCacheStore
from synthlang_router.cache import Lifetimes, MeaningLayer, Recall, SemanticCache
from synthlang_router.cache.embedding_local import LocalEmbedder
from synthlang_router.cache.vectors import quantise
from synthlang_router.cache.vectors_growing import GrowingIndex
from synthlang_router.cache.verifier import Verdict
from synthlang_router.cache.worker import Worker
from synthlang_router.models import ChatCompletion

FOREVER = 1e9
Item = tuple[str, str]


def measure_stream(path: Path, verify: Verify, *, seed: int | None, limit: int | None) -> dict[str, Any]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    items = [(str(row["q"]), str(row["cls"])) for row in rows]
    if seed is not None:
        random.Random(seed).shuffle(items)
    started = time.process_time()
    result = asyncio.run(_replayed(items[:limit], verify))
    spent = time.process_time() - started
    return {
        "file": path.name,
        "seed": seed,
        **result,
        "cpu_ms_per_request": round(1000 * spent / max(1, len(items[:limit])), 3),
    }


async def _replayed(items: list[Item], verify: Verify) -> dict[str, Any]:
    worker = Worker("cache")
    cache = _cache(worker, verify, len(items))
    exact, correct, wrong, of_hits = Share(), Share(), Share(), Share()
    seen: set[str] = set()
    try:
        for number, (question, name) in enumerate(items):
            served = await _ask(cache, question, name, number)
            exact = exact.plus(question in seen)
            correct, wrong = correct.plus(served == name), wrong.plus(served not in (None, name))
            of_hits = of_hits if served is None else of_hits.plus(served != name)
            seen.add(question)
    finally:
        await worker.close()
    return {
        "correct hits of all requests": correct.told(),
        "wrong hits of all requests": wrong.told(),
        "wrong hits of hits": of_hits.told(),
        "verbatim repeats": exact.told(),
    }


def _cache(worker: Worker, verify: Verify, entries: int) -> SemanticCache:
    store = MemoryCacheStore(max_entries=2 * entries, max_bytes=10**10)
    embedder = LocalEmbedder(worker)

    async def inline(call: Callable[[], Verdict]) -> Verdict:
        return call()

    meaning = MeaningLayer(
        store,
        Recall(lambda: GrowingIndex(embedder.dimensions), offload=worker.run, max_entries=2 * entries),
        embedder=embedder,
        quantise=quantise,
        verify=verify,
        offload=inline,
        seconds=FOREVER,
    )
    return SemanticCache(
        store,
        clock=lambda: 0.0,
        monotonic=lambda: 0.0,
        lifetimes=Lifetimes(exact=FOREVER, semantic=FOREVER, volatile=FOREVER),
        meaning=meaning,
    )


async def _ask(cache: SemanticCache, question: str, name: str, number: int) -> str | None:
    """The class of the answer served; None where the model had to be asked, whose answer is then stored."""
    key, noted = key_of(asked(question)), facts(f"row-{number}", 0.0)
    hit = await cache.get_similar_response(key, noted)
    if hit is None:
        cache.store(key, answered(name), noted)
        return None
    async with hit:
        [[completion]] = [batch async for batch in hit]
    if not isinstance(completion, ChatCompletion) or completion.content is None:
        raise TypeError(completion)
    return completion.content
