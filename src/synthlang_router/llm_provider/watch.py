"""`Watch`: the time limits of one exchange, kept by one timer that is re-armed late instead of once a chunk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, Protocol

from synthlang_router.errors import ProviderTimeout
from synthlang_router.llm_provider.transport import Timeouts

Phase = Literal["first_token", "idle"]


_NONE: Final = Timeouts(0.0, 0.0, 0.0, 0.0)


class Timer(Protocol):
    def cancel(self) -> None: ...


class Timers(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer: ...


class Watch:
    """Calls `expired(error)` once, when a wait lasts longer than its phase or the whole deadline allows.

    Only waiting counts: while the reader is busy elsewhere (a slow client) the provider is not on trial. Moving the
    due time costs a clock reading and an assignment; the timer looks at it when it fires. It may serve one exchange
    after the other: a timer left from an earlier one finds a later due time, or none.
    """

    __slots__ = (
        "_armed_for",
        "_deadline",
        "_due",
        "_expired",
        "_first",
        "_handle",
        "_loop",
        "_phase",
        "_timeouts",
    )

    def __init__(self, loop: Timers, expired: Callable[[ProviderTimeout], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._timeouts = _NONE
        self._deadline = 0.0
        self._first = 0.0
        self._phase: Phase = "first_token"
        self._due: float | None = None
        self._armed_for = 0.0
        self._handle: Timer | None = None

    def begin(self, timeouts: Timeouts, deadline: float) -> None:
        """A new exchange, whose first token is due from now on, and waited for."""
        self._timeouts = timeouts
        self._deadline = deadline
        self._first = self._loop.time() + timeouts.first_token
        self.wait("first_token")

    def wait(self, phase: Phase) -> None:
        """From now on the provider is waited for."""
        due = self._first if phase == "first_token" else self._loop.time() + self._timeouts.idle
        if due > self._deadline:
            due = self._deadline
        self._phase = phase
        self._due = due
        if self._handle is None:
            self._arm(due)
        elif due < self._armed_for:
            self._handle.cancel()
            self._arm(due)

    def rest(self) -> None:
        """Nobody is waiting."""
        self._due = None

    def stop(self) -> None:
        """The exchange is over."""
        self._due = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, due: float) -> None:
        self._armed_for = due
        self._handle = self._loop.call_at(due, self._fire)

    def _fire(self) -> None:
        self._handle = None
        due = self._due
        if due is None:
            return
        if due > self._armed_for:
            self._arm(due)
            return
        self._due = None
        self._expired(self._error(due))

    def _error(self, due: float) -> ProviderTimeout:
        if due >= self._deadline:
            return ProviderTimeout("total", self._timeouts.total)
        return ProviderTimeout(self._phase, getattr(self._timeouts, self._phase))
