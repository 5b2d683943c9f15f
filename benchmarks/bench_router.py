"""Microseconds per `choose_model`: configured, weighted, listed, pinned, by rule; and an unknown name among 8,000.

python benchmarks/bench_router.py
"""

from __future__ import annotations

import asyncio
import random
import sys
import timeit
from collections.abc import Mapping
from functools import partial

import msgspec

from synthlang_router.errors import ModelNotFound
from synthlang_router.models import Caller, ChatRequest, Facts, Target, Wishes
from synthlang_router.routing import SPECIFICATION_RULES, Catalog, Model, Router

ROUNDS = 20_000
MODELS = (
    Model("fast", (Target("openai", "gpt-4o-mini"),)),
    Model("shared", (Target("openai", "a", 3), Target("local", "b", 1))),
)


class Lists:
    """No disk."""

    def read(self) -> Mapping[str, tuple[str, ...]]:
        return {}

    def write(self, lists: Mapping[str, tuple[str, ...]]) -> None:
        return


async def fetch(provider: str) -> list[str]:
    return [f"{provider}-{number}" for number in range(4_000)] + ["o3-mini"]


def router(models: tuple[Model, ...]) -> Router:
    """Two providers with 4,000 names each, and some configured ones."""
    catalog = Catalog(["openai", "local"], fetch, Lists())
    asyncio.run(catalog.refresh())
    return Router(
        models=models,
        providers=("openai", "local"),
        rules=SPECIFICATION_RULES,
        apply_to="unknown",
        catalog=catalog,
        random=random.random,
    )


def main() -> None:
    by, wishes = router(MODELS), Wishes()
    anybody = Caller("t", "u", "k", "n")
    restricted = Caller("t", "u", "k", "n", models=("fast", "gpt-*"))
    facts = Facts(request_id="r", row_id="w", arrived=0.0, started=0.0)
    body = {name: msgspec.Raw(b"1") for name in ("model", "messages", "temperature", "stream", "max_tokens")}
    for what, name, caller in (
        ("configured", "fast", anybody),
        ("configured, restricted key", "fast", restricted),
        ("weighted", "shared", anybody),
        ("listed", "local-7", anybody),
        ("pinned", "openai/gpt-4o", anybody),
        ("by rule, parameters dropped", "claude", anybody),
    ):
        request = ChatRequest(body, model=name, stream=False)
        timer = timeit.Timer(partial(by.choose_model, request, caller, wishes, facts))
        best = min(timer.repeat(number=ROUNDS, repeat=5))
        sys.stdout.write(f"{what:<30}{best / ROUNDS * 1e6:8.2f} us\n")
    unknown = ChatRequest(body, model="local-7777", stream=False, kind="embeddings")

    unconfigured = router(())

    def miss() -> None:
        try:
            unconfigured.choose_model(unknown, anybody, wishes, facts)
        except ModelNotFound:
            return
        raise AssertionError("served")

    sys.stdout.write(
        f"{'unknown among 8,000':<30}{min(timeit.repeat(miss, number=20, repeat=5)) / 20 * 1e6:8.2f} us\n"
    )


if __name__ == "__main__":
    main()
