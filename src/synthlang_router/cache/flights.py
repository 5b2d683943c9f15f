"""Flights: one call upstream for many equal requests that arrive while it is under way.

A flight owns its pump, a task that reads the upstream into a log of batches; readers follow the log. So whoever
asked first may leave and the others still get their answer; when the last one leaves, the call is cancelled. The
pump goes at the pace of the fastest reader. The log is bounded: past the bound nobody joins any more, and a reader
that has fallen behind what is left of it is told so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from types import TracebackType
from typing import Final

from msgspec.structs import replace

from synthlang_router.answer import Answer, Batch, Item
from synthlang_router.errors import Overloaded, RouterError
from synthlang_router.models import CacheStatus, Facts
from synthlang_router.telemetry import count

MAX_LOG: Final = 4_000_000
"""Bytes of frames kept for those who come later or are slower."""
MAX_AHEAD: Final = 256_000
"""Bytes the pump may be ahead of the fastest reader."""

Spawn = Callable[[Coroutine[None, None, None]], "asyncio.Task[None]"]


class Flights:
    """All flights of this process, by what makes requests equal."""

    def __init__(self, spawn: Spawn, *, max_log: int = MAX_LOG) -> None:
        self._spawn = spawn
        self._max_log = max_log
        self._flying: dict[object, _Flight] = {}

    def __len__(self) -> int:
        return len(self._flying)

    async def read(
        self, name: object, facts: Facts, chat: Callable[[Facts], Answer], pays: Callable[[Facts], None]
    ) -> AsyncGenerator[Batch]:
        """The batches of the flight of this name; it is started by `chat` where there is none.

        The call keeps a notebook of its own, for it may outlive every one of its readers but the last. Joining happens with the first read and not before: an answer nobody reads is no reader.
        """
        flight = self._flying.get(name)
        if flight is None:
            pays(facts)
            call = replace(facts, attempts=[])
            flight = self._flying[name] = _Flight(self, name, chat(call), call, self._max_log)
            flight.pump = self._spawn(flight.run())
        reader = flight.join(facts, pays)
        try:
            batch = await flight.next(reader)
            while batch is not None:
                yield batch
                batch = await flight.next(reader)
        finally:
            await flight.leave(reader)

    def close(self, name: object, flight: _Flight) -> None:
        """Nobody joins this flight from now on."""
        if self._flying.get(name) is flight:
            del self._flying[name]


class _Reader:
    """Where one of them is: `position` counts batches, `read` bytes since the start of the flight."""

    __slots__ = ("facts", "pays", "position", "read", "waiting")

    def __init__(self, facts: Facts, pays: Callable[[Facts], None]) -> None:
        self.facts = facts
        self.pays = pays
        self.position = 0
        self.read = 0
        self.waiting: asyncio.Future[None] | None = None


class _Flight:
    """One call upstream. `payer` is the reader on whose row the call stands; its heir follows when it leaves.

    So the call is paid once, whoever leaves: of all who shared it one row has its attempts and is no COALESCED.
    """

    def __init__(self, flights: Flights, name: object, upstream: Answer, facts: Facts, max_log: int) -> None:
        self._flights = flights
        self._name = name
        self._upstream = upstream
        self._call_facts = facts
        self._max_log = max_log
        self._log: deque[tuple[Batch, int]] = deque()
        self._first = 0
        self._logged = 0
        self._total = 0
        self._ended = False
        self._error: Exception | None = None
        self._trace: TracebackType | None = None
        self._readers: dict[_Reader, None] = {}
        self._payer: _Reader | None = None
        self._room: asyncio.Future[None] | None = None
        self.pump: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """The pump: from the upstream into the log, until it ends, fails or is cancelled."""
        try:
            async with self._upstream as answer:
                async for batch in answer:
                    self._append(batch)
                    while self._ahead() > MAX_AHEAD:
                        self._room = asyncio.get_running_loop().create_future()
                        await self._room
        except asyncio.CancelledError:
            self._error = Overloaded("The call upstream was given up.")
            raise
        except Exception as error:  # noqa: BLE001 - it is the readers' error: each of them raises it in its own task
            self._error, self._trace = error, error.__traceback__
            self._flights.close(self._name, self)
        finally:
            self._ended = True
            self._wake()

    def join(self, facts: Facts, pays: Callable[[Facts], None]) -> _Reader:
        reader = _Reader(facts, pays)
        if self._payer is None:
            self._payer = reader
        else:
            facts.cache = CacheStatus.COALESCED
            count("cache", "coalesced")
        self._readers[reader] = None
        return reader

    async def next(self, reader: _Reader) -> Batch | None:
        """What has come since, as one batch; None after the last. Raises what the upstream raised."""
        while reader.position == self._first + len(self._log):
            if self._error is not None:
                raise self._error.with_traceback(self._trace)
            if self._ended:
                self._flights.close(self._name, self)
                return None
            reader.waiting = asyncio.get_running_loop().create_future()
            await reader.waiting
        if reader.position < self._first:
            count("flight_readers_left_behind")
            raise Overloaded("This request shared a call upstream and fell too far behind it.")
        return self._advance(reader)

    async def leave(self, reader: _Reader) -> None:
        """The last one out cancels the call, and is not gone before the upstream is closed."""
        del self._readers[reader]
        self._tell(reader)
        self._make_room()
        if self._readers:
            if reader is self._payer and not self._ended:
                self._hand_over(next(iter(self._readers)))
            return
        self._flights.close(self._name, self)
        if self.pump is not None and not self.pump.done():
            self.pump.cancel()
            await asyncio.wait((self.pump,))
            self._tell(reader)

    def _advance(self, reader: _Reader) -> Batch:
        start = reader.position - self._first
        news = [self._log[place] for place in range(start, len(self._log))]
        reader.position += len(news)
        reader.read = self._total
        self._trim()
        self._make_room()
        self._tell(reader)
        if len(news) == 1:
            return news[0][0]
        items: list[Item] = []
        for batch, _ in news:
            items += batch
        return items

    def _append(self, batch: Batch) -> None:
        size = sum([len(item.raw) for item in batch])
        self._log.append((batch, size))
        self._logged += size
        self._total += size
        self._trim()
        self._wake()

    def _trim(self) -> None:
        """Forget the oldest batches over the bound; what the fastest reader has yet to read stays."""
        if self._logged <= self._max_log:
            return
        self._flights.close(self._name, self)
        read_by_one = max([reader.position for reader in self._readers], default=0)
        while self._logged > self._max_log and self._first < read_by_one:
            self._logged -= self._log.popleft()[1]
            self._first += 1

    def _ahead(self) -> int:
        return self._total - max([reader.read for reader in self._readers], default=self._total)

    def _wake(self) -> None:
        for reader in self._readers:
            waiting, reader.waiting = reader.waiting, None
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def _make_room(self) -> None:
        room = self._room
        if room is not None and not room.done() and self._ahead() <= MAX_AHEAD:
            self._room = None
            room.set_result(None)

    def _tell(self, reader: _Reader) -> None:
        """Who serves them; and, to the one who pays, what was tried and what the provider counted."""
        facts, call = reader.facts, self._call_facts
        facts.provider, facts.served_model, facts.simulated = call.provider, call.served_model, call.simulated
        facts.dropped, facts.upstream_headers = call.dropped, call.upstream_headers
        if reader is self._payer:
            facts.attempts = list(call.attempts)
            facts.upstream_sent, facts.first_data = call.upstream_sent, call.first_data
            if call.usage is not None:
                facts.usage, facts.usage_source = call.usage, call.usage_source

    def _hand_over(self, heir: _Reader) -> None:
        """The one who leaves has shared what another pays for."""
        if self._payer is not None:
            leaver = self._payer.facts
            heir.facts.cache, leaver.cache, leaver.attempts = leaver.cache, CacheStatus.COALESCED, []
        self._payer = heir
        self._tell(heir)
        count("flights_inherited")
        try:
            heir.pays(heir.facts)
        except RouterError:  # the call is under way already, and who leaves has no part in this
            count("flights_unrecorded")
