"""A stream of questions with classes, through the whole cache: how many are served, how many of these wrongly?

An answer carries the class of the question that it was given to; serving it to another class is a wrong hit. With
labels the cache's own audits and comparisons hear what the class says, and no more of them than it asks for. Answers
of one class are one text, as those of intents are; `distinct` gives each an own wording, which no text comparison
sees through: then only audits tell which are the same.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from semantic_requests import answered, asked, facts, key_of
from semantic_share import Share
from semantic_verifier import Verify

from synthlang_router.answer import Answer
from synthlang_router.backends.memory.cache import MemoryCacheStore
from synthlang_router.cache import Lifetimes, MeaningLayer, Recall, SemanticCache
from synthlang_router.cache.auditor import Auditor
from synthlang_router.cache.comparator import Comparator
from synthlang_router.cache.embedding_local import LocalEmbedder
from synthlang_router.cache.error_budget import ErrorBudget
from synthlang_router.cache.error_ledger import LEAST
from synthlang_router.cache.evidence import Evidence
from synthlang_router.cache.objection import objection
from synthlang_router.cache.vectors import quantise
from synthlang_router.cache.vectors_growing import GrowingIndex
from synthlang_router.cache.worker import Worker
from synthlang_router.models import ChatCompletion, Facts

FOREVER = 1e9
Item = tuple[str, str]
T = TypeVar("T")


class Labels(msgspec.Struct, frozen=True):
    """`max_error`: the share of wrong answers that is borne."""

    max_error: float
    oracle: bool = True
    distinct: bool = False


def measure_stream(
    path: Path, verify: Verify, *, seed: int | None, limit: int | None, labels: Labels | None = None
) -> dict[str, Any]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    items = [(str(row["q"]), str(row["cls"])) for row in rows]
    if seed is not None:
        random.Random(seed).shuffle(items)
    started = time.process_time()
    result = asyncio.run(_replayed(items[:limit], verify, labels, seed or 0))
    spent = time.process_time() - started
    return {
        "file": path.name,
        "seed": seed,
        **result,
        "cpu_ms_per_request": round(1000 * spent / max(1, len(items[:limit])), 3),
    }


async def _replayed(items: list[Item], verify: Verify, labels: Labels | None, seed: int) -> dict[str, Any]:
    worker = Worker("cache")
    auditor = Auditor(
        _Oracle(), spawn=asyncio.get_running_loop().create_task, new_facts=_audit_facts, clock=lambda: 0.0
    )
    evidence = None
    if labels is not None:
        budget = ErrorBudget(labels.max_error, audit_share=0.1 if labels.oracle else 0.0)
        evidence = Evidence(budget, coin=random.Random(seed).random, may_audit=auditor.has_room)
    cache = _cache(worker, verify, len(items), evidence, auditor)
    exact, correct, wrong, of_hits = Share(), Share(), Share(), Share()
    kept = True
    seen: set[str] = set()
    try:
        for number, (question, name) in enumerate(items):
            distinct = labels is not None and labels.distinct
            served = await _ask(cache, question, _worded(name, number) if distinct else name, number)
            await auditor.settled()
            served = None if served is None else served.partition(_WORDING)[0]
            exact = exact.plus(question in seen)
            correct, wrong = correct.plus(served == name), wrong.plus(served not in (None, name))
            of_hits = of_hits if served is None else of_hits.plus(served != name)
            seen.add(question)
            if labels is not None and wrong.count > max(LEAST, labels.max_error * wrong.rows):
                kept = False
    finally:
        await worker.close()
    told: dict[str, Any] = {
        "correct hits of all requests": correct.told(),
        "wrong hits of all requests": wrong.told(),
        "wrong hits of hits": of_hits.told(),
        "verbatim repeats": exact.told(),
    }
    if labels is not None and evidence is not None:
        ledger = evidence.budget.gateway.ledger
        told["labels of all requests"] = Share(evidence.budget.audits, len(items)).told()
        told["bound on wrong hits on evidence"] = ledger.upper()
        told["bound kept at the end"] = wrong.count <= labels.max_error * len(items)
        told["promise kept at all times"] = kept
    return told


_WORDING = "\0"


def _worded(name: str, number: int) -> str:
    return f"{name}{_WORDING}{number}"


class _Oracle(Comparator):
    """Hears the class."""

    async def compare(self, question: str, served: str | None, came: str | None) -> bool | None:
        return (served or "").partition(_WORDING)[0] == (came or "").partition(_WORDING)[0]


def _audit_facts() -> Facts:
    return facts("audit", 0.0)


def _cache(
    worker: Worker, verify: Verify, entries: int, evidence: Evidence | None, auditor: Auditor
) -> SemanticCache:
    store = MemoryCacheStore(max_entries=2 * entries, max_bytes=10**10)
    embedder = LocalEmbedder(worker)

    async def inline(call: Callable[[], T]) -> T:
        return call()

    meaning = MeaningLayer(
        store,
        Recall(lambda: GrowingIndex(embedder.dimensions), offload=worker.run, max_entries=2 * entries),
        embedder=embedder,
        quantise=quantise,
        verify=verify,
        offload=inline,
        seconds=FOREVER,
        evidence=evidence,
        objects=objection,
    )
    return SemanticCache(
        store,
        clock=lambda: 0.0,
        monotonic=lambda: 0.0,
        lifetimes=Lifetimes(exact=FOREVER, semantic=FOREVER, volatile=FOREVER),
        meaning=meaning,
        auditor=auditor,
    )


async def _ask(cache: SemanticCache, question: str, name: str, number: int) -> str | None:
    """The class of the answer served; None where the model had to be asked, whose answer is then stored."""
    key, noted = key_of(asked(question)), facts(f"row-{number}", 0.0)
    hit = await cache.get_similar_response(key, noted)
    if hit is None:
        cache.store(key, answered(name), noted)
        return None

    async def again(noted: Facts) -> Answer:
        return Answer.replay(answered(name), noted)

    cache.audit(key, noted, again)
    async with hit:
        [[completion]] = [batch async for batch in hit]
    if not isinstance(completion, ChatCompletion) or completion.content is None:
        raise TypeError(completion)
    return completion.content
