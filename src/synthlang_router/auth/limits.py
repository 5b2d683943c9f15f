"""The rate rule: GCRA (ITU-T I.371, the virtual scheduling algorithm) as a pure function. [hot]

Its promise: in every interval t at most burst + rate x t units pass. All arithmetic is in whole nanoseconds, so the
promise holds exactly; the interval between two units is rounded up. A backend only makes the rule atomic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal, Protocol

import msgspec

MINUTE: Final = 60_000_000_000
SECOND: Final = 1_000_000_000
IDLE: Final = 0
"""The stored arrival of a bucket nobody has used."""


class Rate(msgspec.Struct, frozen=True, gc=False):
    """`interval` nanoseconds between two units in the long run; `tolerance` nanoseconds of them at once."""

    interval: int
    tolerance: int

    @classmethod
    def per_minute(cls, units: float, burst: float | None = None) -> Rate:
        """`units` a minute; `burst` None is a minute's worth. A burst under one unit would never pass anything."""
        interval = max(1, math.ceil(MINUTE / units))
        at_once = units if burst is None else burst
        return cls(interval, interval * max(1, math.floor(at_once)))

    @property
    def burst(self) -> int:
        """Units that pass at once from a full bucket."""
        return self.tolerance // self.interval


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """`remaining` units could pass now; nanoseconds until the bucket is full (`reset`), until the ask may pass.

    `retry_after` is 0 on passing, and for a refused slot, which nobody can foretell.
    """

    allowed: bool
    remaining: int = 0
    reset: int = 0
    retry_after: int = 0


def next_arrival(stored: int, now: int, rate: Rate, cost: int) -> tuple[int, Verdict]:
    """What is stored after an ask of `cost` units at `now`, and the verdict; a refusal stores what was there.

    An ask larger than the whole burst passes when the bucket is full and leaves a debt: refused for ever would be a
    limit on size, which this is not. An ask of nothing always passes: it only looks.
    """
    start = stored if stored > now else now
    after = start + cost * rate.interval
    wait = after - now - rate.tolerance
    if wait > 0 and cost and (start > now or cost <= rate.burst):
        if cost > rate.burst:
            wait = start - now
        return stored, Verdict(False, _free(start, now, rate), start - now, wait)
    return after, Verdict(True, _free(after, now, rate), after - now)


def _free(arrival: int, now: int, rate: Rate) -> int:
    left = rate.tolerance - (arrival - now)
    return left // rate.interval if left > 0 else 0


class Mark(msgspec.Struct, frozen=True, gc=False):
    """Where a reservation stands in its bucket: the arrival after it, and all refunds of the bucket until then."""

    arrival: int
    refunded: int


def settle_arrival(
    stored: int, refunded: int, now: int, rate: Rate, mark: Mark, *, reserved: int, used: int
) -> tuple[int, int]:
    """What is stored, and refunded in all, once a reservation of `reserved` units turns out to have used `used`.

    More than reserved becomes a debt. Less is given back only as far as the reservation's own place in the queue is
    still ahead of now: what has drained meanwhile was free for others already, and handing it out again would let
    more than burst + rate x t units pass in some interval. Refunds since then may have moved that place forward;
    counting all of them, also those behind it, is the safe side.
    """
    if used >= reserved:
        return max(stored, now) + (used - reserved) * rate.interval, refunded
    ahead = mark.arrival - (refunded - mark.refunded) - now
    back = min((reserved - used) * rate.interval, max(0, ahead))
    return stored - back, refunded + back


class Ask(msgspec.Struct, frozen=True, gc=False):
    """One thing a request has to pass: `cost` units of a rate, or, where `rate` is None, one of `slots` places.

    Rates and slots of one name are different buckets. Tokens are settled later, when the true cost is known.
    """

    bucket: str
    rate: Rate | None = None
    cost: int = 1
    slots: int = 0
    unit: Literal["requests", "tokens"] = "requests"


class Admission(msgspec.Struct, frozen=True, gc=False):
    """The outcome of one `admit`: a verdict an ask, in order, the lease that gives its slots back, and, where all
    passed, a mark an ask by which it can be settled."""

    allowed: bool
    verdicts: tuple[Verdict, ...]
    lease: int = 0
    marks: tuple[Mark, ...] = ()


class RateLimiter(Protocol):
    """Where arrivals and slots are kept, by the backend's own clock."""

    async def admit(self, asks: Sequence[Ask]) -> Admission:
        """Pass all asks or none. Where one is refused the others' verdicts say what is there, nothing taken.

        Raises BackendError when the store is not to be had.
        """
        ...

    def release(self, asks: Sequence[Ask], lease: int) -> None:
        """Give back the slots of one admission; a second time does nothing. Never raises and never waits."""
        ...

    def settle(self, asks: Sequence[Ask], marks: Sequence[Mark], used: int) -> None:
        """Replace what these asks took of their rates by what was used, once. Never raises and never waits."""
        ...
