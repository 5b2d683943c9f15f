"""`Drive` runs a request's coroutine at once and without a task; `Signal` lets it go on without a turn of the loop. [hot]

    start() --> running --> it ends: `ended(drive)` is called, once
                 |   ^
      it awaits  |   |  a `Signal` is set: at once, inside `set`
                 v   |  a future is done: at the loop's next turn, as a task would
                waiting --> cancel(): it is woken by CancelledError, at the loop's next turn

A task costs its creation, two turns of the loop and two entries in weak sets, which is more than many a request needs
in all. To everything that asks for the current task (`asyncio.timeout`) a drive looks like one, by the functions that
asyncio documents for task implementations of others. A `Signal` may be awaited from a task as well.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any


class Signal:
    """Set by one side, awaited by one reader on the other; a set signal is used up by the next wait."""

    __slots__ = ("_asyncio_future_blocking", "_cancelled", "_loop", "_set", "_wake")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = False
        self._loop = loop
        self._set = False
        self._cancelled: asyncio.CancelledError | None = None
        self._wake: Callable[[], object] | None = None

    def set(self) -> None:
        """Who waits goes on; who comes later need not wait."""
        wake, self._wake = self._wake, None
        self._set = True
        if wake is not None:
            wake()

    def __await__(self) -> Generator[Signal, None, None]:
        if not self._set:
            self._asyncio_future_blocking = True
            yield self
        self._set = False

    # What a driver asks

    def drive(self, wake: Callable[[], object]) -> None:
        """`wake()` is called by `set`."""
        self._asyncio_future_blocking = False
        self._wake = wake

    def forget(self) -> None:
        """Nobody waits any more."""
        self._wake = None

    # What a task asks of a future

    def add_done_callback(
        self, callback: Callable[[Signal], object], *, context: Context | None = None
    ) -> None:
        self._wake = lambda: self._loop.call_soon(callback, self, context=context)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def result(self) -> None:
        cancelled, self._cancelled = self._cancelled, None
        if cancelled is not None:
            raise cancelled

    def cancel(self, msg: object = None) -> bool:
        wake, self._wake = self._wake, None
        if wake is None:
            return False
        self._cancelled = asyncio.CancelledError(*(() if msg is None else (msg,)))
        wake()
        return True


class Drive:
    """One coroutine of the event loop's thread. `ended` is told when it is over; nobody waits for its result."""

    __slots__ = ("_cancels", "_coroutine", "_ended", "_loop", "_stop", "_waits_for", "over")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, None],
        loop: asyncio.AbstractEventLoop,
        ended: Callable[[Drive], None],
    ) -> None:
        self.over = False
        self._coroutine = coroutine
        self._loop = loop
        self._ended = ended
        self._cancels = 0
        self._stop: asyncio.CancelledError | None = None
        self._waits_for: Any = None

    def start(self) -> None:
        """Run until it has to wait, or to its end."""
        self._go_on()

    def cancel(self, msg: object = None) -> bool:
        """As `Task.cancel`."""
        if self.over:
            return False
        self._cancels += 1
        stop = asyncio.CancelledError(*(() if msg is None else (msg,)))
        waits_for = self._waits_for
        if type(waits_for) is Signal:
            waits_for.forget()
            self._waits_for = None
            self._stop = stop
            self._loop.call_soon(self._go_on)
        elif waits_for is None or not waits_for.cancel(msg=msg):
            self._stop = stop
        return True

    def cancelling(self) -> int:
        return self._cancels

    def uncancel(self) -> int:
        self._cancels = max(0, self._cancels - 1)
        return self._cancels

    def done(self) -> bool:
        return self.over

    def _go_on(self, _: object = None) -> None:
        if self.over:
            return
        loop = self._loop
        try:
            _enter_task(loop, self)  # type: ignore[arg-type]  # it is one in all that is asked of it
        except RuntimeError:  # called from within another one: when that has come to its next wait
            loop.call_soon(self._go_on)
            return
        stop, self._stop, self._waits_for = self._stop, None, None
        try:
            waits_for = self._coroutine.send(None) if stop is None else self._coroutine.throw(stop)
        except (StopIteration, asyncio.CancelledError):
            self.over = True
        except Exception as error:  # noqa: BLE001 - protects whoever set the signal from the one who waited for it
            self.over = True
            loop.call_exception_handler({"message": "a request's coroutine failed", "exception": error})
        except BaseException:
            self.over = True
            raise
        finally:
            _leave_task(loop, self)  # type: ignore[arg-type]
            if self.over:
                self._ended(self)
        if not self.over:
            self._wait(waits_for)

    def _wait(self, waits_for: Any) -> None:
        if type(waits_for) is Signal and self._stop is None:
            self._waits_for = waits_for
            waits_for.drive(self._go_on)
        elif waits_for is None or type(waits_for) is Signal:
            self._loop.call_soon(self._go_on)
        else:
            self._waits_for = waits_for
            waits_for._asyncio_future_blocking = False
            waits_for.add_done_callback(self._go_on)
            if self._stop is not None and waits_for.cancel(
                msg=self._stop.args[0] if self._stop.args else None
            ):
                self._stop = None
