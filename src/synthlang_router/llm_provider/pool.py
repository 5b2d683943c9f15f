"""`Pool`: idle connections by target, the one used last on top; bounded over all targets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, Generic, Protocol, TypeVar

KEEP: Final = 60.0
"""Seconds an idle connection is kept."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class Loop(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer: ...

    def create_future(self) -> asyncio.Future[None]: ...


class Pooled(Hashable, Protocol):
    """A connection. `abort` calls `Pool.gone` at once."""

    idle_since: float

    @property
    def closed(self) -> bool: ...

    def unfit(self) -> bool: ...

    def abort(self) -> None: ...


Key = TypeVar("Key", bound=Hashable)
PooledT = TypeVar("PooledT", bound=Pooled)


class Pool(Generic[Key, PooledT]):
    """The last one used is the first one used again, so that those too many grow old and are closed."""

    def __init__(self, loop: Loop, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._idle: dict[Key, list[PooledT]] = {}
        self._keys: dict[PooledT, Key] = {}
        self._dialling = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sweep: Timer | None = None

    def take(self, key: Key) -> PooledT | None:
        """An idle connection that is fit for use, None where there is none."""
        stack = self._idle.get(key)
        while stack:
            connection = stack.pop()
            if not connection.unfit():
                return connection
            connection.abort()
        return None

    async def room(self, key: Key) -> PooledT | None:
        """Wait until a new connection may be made, for which the place is reserved; or one that was given back."""
        while len(self._keys) + self._dialling >= self._limit:
            connection = self.take(key)
            if connection is not None:
                return connection
            if not self._evict():
                waiter = self._loop.create_future()
                self._waiting.append(waiter)
                try:
                    await waiter
                except asyncio.CancelledError:
                    self._pass_on(waiter)
                    raise
        self._dialling += 1
        return None

    def made(self, key: Key, connection: PooledT | None) -> None:
        """What became of a place that was reserved; None: nothing."""
        self._dialling -= 1
        if connection is None or connection.closed:
            self._wake()
        else:
            self._keys[connection] = key

    def freed(self, connection: PooledT) -> None:
        """It is idle again."""
        connection.idle_since = self._loop.time()
        key = self._keys[connection]
        stack = self._idle.get(key)
        if stack is None:
            stack = self._idle[key] = []
        stack.append(connection)
        if self._sweep is None:
            self._sweep = self._loop.call_later(KEEP / 2, self._sweep_old)
        if self._waiting:
            self._wake()

    def gone(self, connection: PooledT) -> None:
        """It is closed."""
        key = self._keys.pop(connection, None)
        if key is None:
            return
        stack = self._idle.get(key)
        if stack is not None and connection in stack:
            stack.remove(connection)
        self._wake()

    def close(self) -> None:
        """Abort them all."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in list(self._keys):
            connection.abort()

    def _evict(self) -> bool:
        """Close the idle connection that was used longest ago, of whatever target."""
        oldest = min((stack[0] for stack in self._idle.values() if stack), key=_idle_since, default=None)
        if oldest is not None:
            oldest.abort()
        return oldest is not None

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _pass_on(self, waiter: asyncio.Future[None]) -> None:
        """Somebody who was woken, and gave up in the same moment, wakes the next."""
        if waiter.done() and not waiter.cancelled():
            self._wake()

    def _sweep_old(self) -> None:
        self._sweep = None
        old = self._loop.time() - KEEP
        for key, stack in list(self._idle.items()):
            for connection in [one for one in stack if one.idle_since <= old]:
                connection.abort()
            if not stack:
                self._idle.pop(key, None)
        if self._idle:
            self._sweep = self._loop.call_later(KEEP / 2, self._sweep_old)


def _idle_since(connection: PooledT) -> float:
    return connection.idle_since
