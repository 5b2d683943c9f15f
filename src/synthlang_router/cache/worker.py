"""`Worker`: one thread beside the event loop, for work that would block it.

One thread and not a pool: inference in two threads at once only doubles the memory, and what runs here (the
session, the loading of it) need not be safe against itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from synthlang_router.errors import Overloaded
from synthlang_router.telemetry import count

T = TypeVar("T")

MAX_PENDING: Final = 32
"""Calls that may wait: some 60 ms of short texts. Who would wait longer is better off without the answer."""


class Worker:
    """Runs calls one after another in a thread of its own, which starts with the first call."""

    def __init__(self, name: str, *, max_pending: int = MAX_PENDING) -> None:
        self._name = name
        self._jobs: queue.Queue[_Pending | None] = queue.Queue(max_pending)
        self._thread: threading.Thread | None = None
        self._closed = False

    async def run(self, call: Callable[[], T]) -> T:
        """Raises what `call` raises, and Overloaded when all places are taken or the worker is closed.

        A cancelled caller leaves its call behind: skipped if it has not begun, its result dropped if it has.
        """
        if self._closed:
            raise Overloaded(f"The {self._name} worker is closed.")
        job = _Job(call)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            count("worker_full", self._name)
            raise Overloaded(f"The {self._name} worker is busy.") from None
        self._start()
        return await job.future

    async def close(self) -> None:
        """Refuses what waits and what comes; returns once the call under way, if any, has ended."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job.refuse(Overloaded(f"The {self._name} worker is closed."))
        if self._thread is not None:
            self._jobs.put_nowait(None)
            await asyncio.to_thread(self._thread.join)

    def _start(self) -> None:
        if self._thread is None:
            # A daemon, so that a process that dies without close() does not hang on it.
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while self._work_once():
            pass

    def _work_once(self) -> bool:
        # A function of its own: a job must not live on in a local while the thread waits for the next one.
        job = self._jobs.get()
        if job is None:
            return False
        job.do()
        return True


class _Pending(Protocol):
    """A job of whatever result."""

    def do(self) -> None: ...

    def refuse(self, error: Exception) -> None: ...


class _Job(Generic[T]):
    """A call on its way to the thread, and the future its caller waits for."""

    __slots__ = ("_call", "_loop", "future")

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()

    def do(self) -> None:
        """In the thread."""
        if self.future.cancelled():
            return
        error: Exception | None = None
        result: T | None = None
        try:
            result = self._call()
        except Exception as raised:  # noqa: BLE001 - it is the caller's; the thread must outlive it
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, error, result)

    def refuse(self, error: Exception) -> None:
        """On the loop."""
        self._settle(error, None)

    def _settle(self, error: Exception | None, result: T | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)  # type: ignore[arg-type]  # no error, so there is a result
