"""`Permit` and `Reservation`: what a request holds while it is under way; each is given back exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


class Reservation:
    """What was set aside for a call upstream, settled with the truth; nothing where no such limit is configured."""

    __slots__ = ()

    def settle(self, facts: Facts, outcome: Outcome) -> None:
        """Replace what was reserved by what was used."""
