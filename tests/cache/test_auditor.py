"""Audits and comparisons: off the client's path, bounded in number and money, silent where nobody can tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import pytest

from synthlang_router.answer import Answer, Batch
from synthlang_router.cache.auditor import MAX_PENDING, Auditor
from synthlang_router.cache.comparator import Comparator
from synthlang_router.cache.embedding import EmbeddingRefused
from synthlang_router.cache.vectors import Floats
from synthlang_router.errors import ProviderUnavailable
from synthlang_router.models import ChatCompletion, Facts
from synthlang_router.telemetry import counters
from tests.cache.requests import answered, facts


class Upstream:
    """Answers, fails or waits."""

    def __init__(self, text: str = "Paris.", *, cost: float = 0.0, error: Exception | None = None) -> None:
        self.text, self.cost, self.error = text, cost, error
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, noted: Facts) -> Answer:
        return Answer(self._answer(noted), noted)

    async def _answer(self, noted: Facts) -> AsyncGenerator[Batch]:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        noted.cost = self.cost
        yield (ChatCompletion(json.dumps(self.text).encode(), content=self.text, finish_reasons=("stop",)),)


class House:
    def __init__(self, **settings: Any) -> None:
        self.now = 0.0
        self.verdicts: list[bool] = []
        self.auditor = Auditor(
            settings.pop("comparator", Comparator()),
            spawn=asyncio.get_running_loop().create_task,
            new_facts=lambda: facts("audit"),
            clock=lambda: self.now,
            **settings,
        )

    def audit(self, upstream: Upstream) -> None:
        self.auditor.audit(
            "Capital of France?", answered(), upstream, lambda right, came: self.verdicts.append(right)
        )

    async def settled(self) -> None:
        await self.auditor.settled()


async def test_an_equal_answer_is_right() -> None:
    house = House()

    house.audit(Upstream("paris."))
    await house.settled()

    assert house.verdicts == [True]


async def test_an_answer_that_nobody_can_compare_is_no_evidence() -> None:
    house = House()

    house.audit(Upstream("The capital is Paris, of course."))
    await house.settled()

    assert house.verdicts == []


async def test_an_audit_that_fails_upstream_is_no_evidence() -> None:
    house = House()

    house.audit(Upstream(error=ProviderUnavailable("down")))
    await house.settled()

    assert house.verdicts == []
    assert counters["cache_audits", "failed"] >= 1


async def test_there_is_no_room_beyond_the_bound() -> None:
    house, upstream = House(), Upstream()
    upstream.gate.clear()
    for _ in range(MAX_PENDING):
        assert house.auditor.has_room()
        house.audit(upstream)

    assert not house.auditor.has_room()
    house.auditor.compare("?", answered(), answered(), lambda right: house.verdicts.append(right))
    assert house.auditor.pending == MAX_PENDING

    upstream.gate.set()
    await house.settled()
    assert house.auditor.has_room()
    assert house.verdicts == [True] * MAX_PENDING


async def test_the_days_money_is_a_bound_and_the_next_day_has_its_own() -> None:
    house = House(usd_per_day=0.5)
    house.audit(Upstream(cost=0.6))
    await house.settled()

    assert not house.auditor.has_room()
    house.now += 86_400
    assert house.auditor.has_room()
    assert house.auditor.cost == 0.6


async def test_closing_gives_up_what_is_under_way() -> None:
    house, upstream = House(), Upstream()
    upstream.gate.clear()
    house.audit(upstream)

    await house.auditor.close()
    await house.settled()

    assert house.verdicts == []


class Directions:
    """Embeds by a table."""

    name, dimensions = "table", 2

    async def embed(self, text: str) -> Floats:
        if text == "long":
            raise EmbeddingRefused("too_long")
        angle = {"a": 0.0, "near a": 0.1, "between": 0.7, "far": 1.5}[text]
        return np.asarray([np.cos(angle), np.sin(angle)], np.float32)


@pytest.mark.parametrize(
    ("came", "objection", "verdict"),
    [
        ("A ", "numbers", True),
        ("near a", None, True),
        ("near a", "numbers", None),
        ("far", None, False),
        ("between", None, None),
        ("long", None, None),
        ("", None, None),
    ],
)
async def test_clear_cases_are_told_by_embedding_and_objections(
    came: str, objection: str | None, verdict: bool | None
) -> None:
    comparator = Comparator(embedder=Directions(), objects=lambda one, other: objection)

    assert await comparator.compare("?", "a", came) is verdict


async def test_a_judge_decides_the_rest() -> None:
    async def judge(question: str, served: str, came: str) -> bool | None:
        return None if came == "long" else False

    comparator = Comparator(embedder=Directions(), judge=judge)

    assert comparator.names == ("equality", "embedding", "judge")
    assert await comparator.compare("?", "a", "between") is False
    assert await comparator.compare("?", "a", "long") is None
    assert await comparator.compare("?", "a", "far") is False
