"""`Answer`: chunks on their way to the caller; what every way through the house ends in.

Streamed or not, hit or miss, live or replayed: an answer is batches of chunks (what arrived together stays
together), or one whole completion. It owns its source and, once handed over, its `Ending`: when the source ends,
breaks or is left, the debts are paid before the reader hears of the end, so the row is safe before the last byte.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final

from synthlang_router.ending import Ending, outcome_of
from synthlang_router.models import ChatChunk, ChatCompletion, Dialect, Facts, Outcome
from synthlang_router.wire import DIALECTS

Item = ChatChunk | ChatCompletion
Batch = Sequence[Item]
Deliver = Callable[[Batch], bool]
"""Takes a batch that just came; False: the next one only when it is asked for."""
Fetch = Callable[[], Awaitable[ChatCompletion]]

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


class Tap:
    """Where a source may hand over what comes, instead of waiting to be asked for it."""

    __slots__ = ("deliver",)

    def __init__(self) -> None:
        self.deliver: Deliver | None = None


class Answer:
    """`async with answer: await answer.open(); async for batch in answer: ...`, by one reader, once."""

    __slots__ = (
        "_fetch",
        "_first",
        "_on_complete",
        "_source",
        "_tap",
        "dialect",
        "ending",
        "facts",
        "gathered",
        "replayed",
    )

    def __init__(
        self,
        source: AsyncGenerator[Batch] | None,
        facts: Facts,
        *,
        dialect: Dialect = "openai",
        replayed: bool = False,
        kept: bool = True,
        fetch: Fetch | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.facts = facts
        self.dialect: Dialect = dialect
        self.ending: Ending | None = None
        self.replayed = replayed
        self.gathered = Gathered(dialect, kept=kept)
        self._source = source
        self._fetch = fetch
        self._tap = tap
        self._first: Batch | None = None
        self._on_complete: list[Callable[[ChatCompletion, Facts], None]] = []

    @classmethod
    def replay(cls, completion: ChatCompletion, facts: Facts) -> Answer:
        """A stored answer: whole at once, no call upstream."""
        answer = cls(None, facts, dialect=completion.dialect, replayed=True)
        answer._first = (completion,)
        answer.gathered.add(completion, facts)
        return answer

    @classmethod
    def once(cls, fetch: Fetch, facts: Facts, *, dialect: Dialect = "openai") -> Answer:
        """One completion that `fetch()` brings when it is first asked for."""
        return cls(None, facts, dialect=dialect, fetch=fetch)

    def on_complete(self, listener: Callable[[ChatCompletion, Facts], None] | None) -> None:
        """`listener(completion, facts)` is called once the answer is whole; never for a cut or left one.

        Where nobody listens (None) a stream's frames need not be put together.
        """
        if listener is not None:
            self._on_complete.append(listener)

    def through(self, change: Callable[[AsyncGenerator[Batch]], AsyncGenerator[Batch]]) -> Answer:
        """This answer, its batches changed on their way; before it is read. `change` closes what it is given."""
        self._source = change(_batches(self._source, self._fetch, self._first))
        self._fetch = self._first = self._tap = None
        return self

    async def open(self) -> None:
        """Wait for the first data. Until it is here nothing was shown and a failure can be an HTTP status."""
        if self._first is None:
            self._first = await self._next()

    async def whole(self) -> ChatCompletion | None:
        """Read all of it, and what it makes: in place of `open` and the batches."""
        while await self._next() is not None:
            pass
        return self.gathered.completion()

    def deliver_to(self, deliver: Deliver) -> None:
        """From now on `deliver` may get batches at once; the reader goes on asking for those it did not get."""
        if self._tap is None:
            return
        gathered, facts = self.gathered, self.facts

        def noted(batch: Batch) -> bool:
            for item in batch:
                gathered.add(item, facts)
            return deliver(batch)

        self._tap.deliver = noted

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
            if self._fetch is not None:
                fetch, self._fetch = self._fetch, None
                batch: Batch = (await fetch(),)
            elif self._source is not None:
                batch = await self._source.__anext__()
            else:
                self._complete()
                return None
        except StopAsyncIteration:
            self._source = None
            self._complete()
            return None
        except BaseException as error:
            self._pay(outcome_of(error))
            raise
        for item in batch:
            self.gathered.add(item, self.facts)
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
            self.ending.pay(Outcome(outcome.kind, self.gathered, outcome.error, outcome.status))

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaving early closes the upstream here, in the reader's own task."""
        try:
            if self._source is not None:
                await self._source.aclose()
        finally:
            if self.ending is not None and self.ending.paid is None:
                self._pay(outcome_of(error if error is not None else GeneratorExit()))


async def _batches(
    source: AsyncGenerator[Batch] | None, fetch: Fetch | None, first: Batch | None
) -> AsyncGenerator[Batch]:
    """Whatever an answer comes from, as batches."""
    if first is not None:
        yield first
    elif fetch is not None:
        yield (await fetch(),)
    elif source is not None:
        try:
            async for batch in source:
                yield batch
        finally:
            await source.aclose()
