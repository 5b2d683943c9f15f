"""`Answer`: chunks on their way to the caller; what every way through the house ends in.

Streamed or not, hit or miss, live or replayed: an answer is batches of chunks (what arrived together stays
together), or one whole completion. It owns its source and, once handed over, its `Ending`: when the source ends,
breaks or is left, the debts are paid before the reader hears of the end, so the row is safe before the last byte.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Final

from msgspec import structs

from synthlang_router.ending import Ending, outcome_of
from synthlang_router.models import ChatChunk, ChatCompletion, Dialect, Facts, Outcome
from synthlang_router.wire import DIALECTS

Item = ChatChunk | ChatCompletion
Batch = Sequence[Item]

MAX_GATHERED: Final = 32_000_000
"""Bytes of one answer kept for cache and record; what comes after is relayed, and the transcript is cut."""


class Gathered:
    """The transcript of an answer under way, bounded by `MAX_GATHERED`; of one that is not `kept` only what it used."""

    __slots__ = ("_completion", "_most", "chunks", "cut", "dialect", "size")

    def __init__(self, dialect: Dialect, *, kept: bool = True) -> None:
        self._most = MAX_GATHERED if kept else 0
        self.dialect: Dialect = dialect
        self.chunks: list[ChatChunk] = []
        self.size = 0
        self.cut = False
        self._completion: ChatCompletion | None = None

    def add(self, item: Item, facts: Facts) -> None:
        if isinstance(item, ChatCompletion):
            self._completion = item
            facts.finish_reason = item.finish_reasons[0] if item.finish_reasons else None
        else:
            self.size += len(item.raw)
            if self.size <= self._most:
                self.chunks.append(item)
            else:
                self.cut = True
            if item.finish_reason is not None:
                facts.finish_reason = item.finish_reason
        if item.usage is not None:
            facts.usage = item.usage
            facts.usage_source = "provider"

    def completion(self) -> ChatCompletion | None:
        if self._completion is None and self.chunks:
            self._completion = DIALECTS[self.dialect].fold(self.chunks)
        return self._completion


class Answer:
    """`async with answer: await answer.open(); async for batch in answer: ...`, by one reader, once."""

    __slots__ = ("_first", "_on_complete", "_source", "dialect", "ending", "facts", "gathered", "replayed")

    def __init__(
        self,
        source: AsyncGenerator[Batch],
        facts: Facts,
        *,
        dialect: Dialect = "openai",
        replayed: bool = False,
        kept: bool = True,
    ) -> None:
        self.facts = facts
        self.dialect: Dialect = dialect
        self.ending: Ending | None = None
        self.replayed = replayed
        self.gathered = Gathered(dialect, kept=kept)
        self._source = source
        self._first: Batch | None = None
        self._on_complete: list[Callable[[ChatCompletion, Facts], None]] = []

    @classmethod
    def replay(cls, completion: ChatCompletion, facts: Facts) -> Answer:
        """A stored answer: whole at once, no call upstream."""
        return cls(_one(completion), facts, dialect=completion.dialect, replayed=True)

    def on_complete(self, listener: Callable[[ChatCompletion, Facts], None]) -> None:
        """`listener(completion, facts)` is called once the answer is whole; never for a cut or left one."""
        self._on_complete.append(listener)

    def through(self, change: Callable[[AsyncGenerator[Batch]], AsyncGenerator[Batch]]) -> Answer:
        """This answer, its batches changed on their way; before it is read. `change` closes what it is given."""
        self._source = change(self._source)
        return self

    async def open(self) -> None:
        """Wait for the first data. Until it is here nothing was shown and a failure can be an HTTP status."""
        self._first = await self._next()

    def __aiter__(self) -> AsyncIterator[Batch]:
        return self

    async def __anext__(self) -> Batch:
        batch, self._first = self._first, None
        if batch is None:
            batch = await self._next()
        if batch is None:
            raise StopAsyncIteration
        return batch

    async def _next(self) -> Batch | None:
        try:
            batch = await self._source.__anext__()
        except StopAsyncIteration:
            self._complete()
            return None
        except BaseException as error:
            self._pay(outcome_of(error))
            raise
        facts = self.facts
        for item in batch:
            self.gathered.add(item, facts)
        return batch

    def _complete(self) -> None:
        if self.ending is not None and self.ending.paid is not None:
            return
        if self._on_complete and not self.gathered.cut:
            completion = self.gathered.completion()
            if completion is not None:
                for listener in self._on_complete:
                    listener(completion, self.facts)
        self._pay(Outcome("complete"))

    def _pay(self, outcome: Outcome) -> None:
        if self.ending is not None and self.ending.paid is None:
            self.ending.pay(structs.replace(outcome, transcript=self.gathered))

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaving early closes the upstream here, in the reader's own task."""
        try:
            await self._source.aclose()
        finally:
            self._pay(outcome_of(error if error is not None else GeneratorExit()))


async def _one(completion: ChatCompletion) -> AsyncGenerator[Batch]:
    yield (completion,)
