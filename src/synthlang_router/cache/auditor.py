"""`Auditor`: asks upstream what the cache has answered, off the client's path, and compares. Bounded in number and money."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from synthlang_router.answer import Answer
from synthlang_router.cache.comparator import Comparator
from synthlang_router.errors import RouterError
from synthlang_router.models import ChatCompletion, Facts
from synthlang_router.telemetry import count, report_unforeseen

MAX_PENDING: Final = 16
"""Audits and comparisons under way at once; while there are so many, nothing is served on evidence."""
PATIENCE: Final = 300.0
"""Seconds an audit may take."""
_DAY: Final = 86_400.0
Ask = Callable[[Facts], Awaitable[Answer]]
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Auditor:
    """`usd_per_day`: what audits may cost (days are of UTC); None is no bound but their number."""

    def __init__(
        self,
        comparator: Comparator,
        *,
        spawn: Spawn,
        new_facts: Callable[[], Facts],
        clock: Callable[[], float],
        usd_per_day: float | None = None,
    ) -> None:
        self.comparator = comparator
        self.cost = 0.0
        """USD that audits cost since the start."""
        self._spawn = spawn
        self._new_facts = new_facts
        self._clock = clock
        self._usd_per_day = usd_per_day
        self._tasks: set[asyncio.Task[None]] = set()
        self._day = 0
        self._today = 0.0

    @property
    def pending(self) -> int:
        return len(self._tasks)

    def has_room(self) -> bool:
        """Whether an audit could be made now."""
        if len(self._tasks) >= MAX_PENDING:
            return False
        self._turn_day()
        return self._usd_per_day is None or self._today < self._usd_per_day

    def audit(
        self,
        question: str,
        served: ChatCompletion,
        ask: Ask,
        judged: Callable[[bool, ChatCompletion], None],
    ) -> None:
        """Ask once more, and tell `judged` what came of it; it hears nothing where that cannot be told."""
        self._begin(self._audit(question, served, ask, judged))

    def compare(
        self, question: str, served: ChatCompletion, came: ChatCompletion, judged: Callable[[bool], None]
    ) -> None:
        """The same for an answer that came anyway."""
        if len(self._tasks) >= MAX_PENDING:
            count("cache_comparisons", "dropped")
            return
        self._begin(self._compare(question, served, came, judged))

    async def settled(self) -> None:
        """Once nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Gives up what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._spawn(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _audit(
        self,
        question: str,
        served: ChatCompletion,
        ask: Ask,
        judged: Callable[[bool, ChatCompletion], None],
    ) -> None:
        facts = self._new_facts()
        try:
            async with asyncio.timeout(PATIENCE):
                async with await ask(facts) as answer:
                    await answer.open()
                    async for _ in answer:
                        pass
                came = answer.gathered.completion()
                right = None
                if came is not None:
                    right = await self.comparator.compare(question, served.content, came.content)
        except (RouterError, TimeoutError):
            count("cache_audits", "failed")
            return
        except Exception as error:  # noqa: BLE001 - nobody waits for this task: what is not caught here is lost
            report_unforeseen("cache_audit", error)
            return
        finally:
            self._pay(facts.cost or 0.0)
        if right is None or came is None:
            count("cache_audits", "not_judged")
            return
        judged(right, came)

    async def _compare(
        self, question: str, served: ChatCompletion, came: ChatCompletion, judged: Callable[[bool], None]
    ) -> None:
        try:
            right = await self.comparator.compare(question, served.content, came.content)
        except Exception as error:  # noqa: BLE001 - as above
            report_unforeseen("cache_comparison", error)
            return
        if right is not None:
            judged(right)

    def _pay(self, cost: float) -> None:
        self._turn_day()
        self.cost += cost
        self._today += cost

    def _turn_day(self) -> None:
        day = int(self._clock() // _DAY)
        if day != self._day:
            self._day, self._today = day, 0.0
