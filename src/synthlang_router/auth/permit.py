"""`Permit` and `Reservation`: what a request holds while it is under way; each is given back exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from synthlang_router.auth.limits import Ask, RateLimiter
from synthlang_router.models import Facts, Outcome


class Permit:
    """A request that may go on. `release` is a debt of the request's `Ending`."""

    __slots__ = ("_asks", "_lease", "_limiter", "_on_release")

    def __init__(
        self, limiter: RateLimiter, asks: Sequence[Ask], lease: int, on_release: Callable[[Facts], None]
    ) -> None:
        self._limiter = limiter
        self._asks = asks
        self._lease = lease
        self._on_release = on_release

    def release(self, facts: Facts, outcome: Outcome) -> None:
        """Give the slots back."""
        if self._asks:
            self._limiter.release(self._asks, self._lease)
            self._asks = ()
            self._on_release(facts)


class Reservation(Protocol):
    """What was set aside for a call upstream. `settle` is a debt of the request's `Ending`."""

    def settle(self, facts: Facts, outcome: Outcome) -> None:
        """Replace what was reserved by what was used."""
        ...


class NothingReserved:
    """The reservation of a request that no token limit and no budget concerns."""

    __slots__ = ()

    def settle(self, facts: Facts, outcome: Outcome) -> None:
        """There is nothing to give back."""
