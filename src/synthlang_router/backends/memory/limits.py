"""Rate limits and slots in this process. [hot]

Methods run without a suspension, so each is atomic under asyncio. A bucket that is full again and has no slot taken
equals one that was never used, and is dropped when the table has doubled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from synthlang_router.auth.limits import (
    IDLE,
    SECOND,
    Admission,
    Ask,
    Mark,
    Verdict,
    next_arrival,
    settle_arrival,
)
from synthlang_router.telemetry import count

LEASE: Final = 2 * 3600 * SECOND
"""Nanoseconds after which a slot nobody gave back is free again: no request lasts that long."""
_PASSED: Final = Verdict(True)
_REFUSED: Final = Verdict(False)
_NO_MARK: Final = Mark(IDLE, 0)


class MemoryRateLimiter:
    """`clock` gives monotonic nanoseconds. At `max_buckets` busy buckets the oldest is forgotten, and counted."""

    def __init__(self, clock: Callable[[], int], *, max_buckets: int = 200_000) -> None:
        self._clock = clock
        self._max_buckets = max_buckets
        self._arrivals: dict[str, int] = {}
        self._slots: dict[str, dict[int, int]] = {}
        self._leases = 0
        self._refunded: dict[str, int] = {}
        self._refunds = (
            0  # of all buckets ever: where the count of a bucket begins that was dropped and comes again
        )
        self._sweep_at = min(1024, max_buckets)

    @property
    def size(self) -> int:
        """Buckets held."""
        return len(self._arrivals) + len(self._slots)

    async def admit(self, asks: Sequence[Ask]) -> Admission:
        now = self._clock()
        arrivals = self._arrivals
        verdicts: list[Verdict] = []
        after: list[int] = []
        allowed = True
        for ask in asks:
            if ask.rate is None:
                arrival, verdict = IDLE, _PASSED if self._has_slot(ask, now) else _REFUSED
            else:
                arrival, verdict = next_arrival(arrivals.get(ask.bucket, IDLE), now, ask.rate, ask.cost)
            allowed = allowed and verdict.allowed
            verdicts.append(verdict)
            after.append(arrival)
        if not allowed:
            pairs = zip(asks, verdicts, strict=True)
            return Admission(False, tuple([self._untaken(ask, verdict, now) for ask, verdict in pairs]))
        return self._take(asks, tuple(verdicts), after, now)

    def release(self, asks: Sequence[Ask], lease: int) -> None:
        for ask in asks:
            if ask.rate is None:
                held = self._slots.get(ask.bucket)
                if held is not None and held.pop(lease, None) is not None and not held:
                    del self._slots[ask.bucket]

    def settle(self, asks: Sequence[Ask], marks: Sequence[Mark], used: int) -> None:
        now = self._clock()
        for ask, mark in zip(asks, marks, strict=True):
            if ask.rate is None or ask.unit != "tokens":
                continue
            bucket = ask.bucket
            before = self._refunded_of(bucket)
            self._arrivals[bucket], self._refunded[bucket] = settle_arrival(
                self._arrivals.get(bucket, IDLE), before, now, ask.rate, mark, reserved=ask.cost, used=used
            )
            self._refunds += self._refunded[bucket] - before

    def _refunded_of(self, bucket: str) -> int:
        return self._refunded.setdefault(bucket, self._refunds)

    def _take(
        self, asks: Sequence[Ask], verdicts: tuple[Verdict, ...], after: list[int], now: int
    ) -> Admission:
        lease = self._leases = self._leases + 1
        marks: list[Mark] = []
        for ask, arrival in zip(asks, after, strict=True):
            if ask.rate is None:
                self._slots.setdefault(ask.bucket, {})[lease] = now
                marks.append(_NO_MARK)
            else:
                if ask.cost:
                    self._arrivals[ask.bucket] = arrival
                settles = ask.unit == "tokens"
                marks.append(Mark(arrival, self._refunded_of(ask.bucket)) if settles else _NO_MARK)
        if len(self._arrivals) >= self._sweep_at:
            self._sweep(now)
        return Admission(True, verdicts, lease, tuple(marks))

    def _has_slot(self, ask: Ask, now: int) -> bool:
        held = self._slots.get(ask.bucket)
        if held is None or len(held) < ask.slots:
            return ask.slots > 0
        oldest = next(iter(held))
        if now - held[oldest] <= LEASE:
            return False
        del held[oldest]
        count("slot_leases_expired")
        return len(held) < ask.slots

    def _untaken(self, ask: Ask, verdict: Verdict, now: int) -> Verdict:
        if ask.rate is None or not verdict.allowed:
            return verdict
        return next_arrival(self._arrivals.get(ask.bucket, IDLE), now, ask.rate, 0)[1]

    def _sweep(self, now: int) -> None:
        self._arrivals = {bucket: arrival for bucket, arrival in self._arrivals.items() if arrival > now}
        while len(self._arrivals) >= self._max_buckets:
            del self._arrivals[next(iter(self._arrivals))]
            count("rate_buckets_evicted")
        self._refunded = {
            bucket: total for bucket, total in self._refunded.items() if bucket in self._arrivals
        }
        self._sweep_at = min(self._max_buckets, max(1024, 2 * len(self._arrivals)))
