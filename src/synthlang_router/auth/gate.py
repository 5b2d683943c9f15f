"""`Gate`: who asks, and may they ask now? The specification's verbs over the keyring and the limiter. [hot]"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Literal

from synthlang_router.auth.keyring import Keyring
from synthlang_router.auth.limits import SECOND, Admission, Ask, Rate, RateLimiter, Verdict
from synthlang_router.auth.permit import Permit, Reservation
from synthlang_router.errors import BackendError, PermissionDenied, RateLimitExceeded
from synthlang_router.models import Caller, ChatRequest, Facts, Limits, RateState, Route
from synthlang_router.telemetry import count

MAY_CALL: Final = frozenset({"user", "operator"})
"""Roles that may call models; an admin key that leaks must not spend money."""
_HOLD_WEIGHT: Final = 0.05
_MAX_PREPARED: Final = 10_000
"""Callers whose asks are kept ready; making them anew costs microseconds."""
_UNRESERVED: Final = Reservation()


class Gate:
    """`defaults` hold where a key has no limit of its own; `clock` is monotonic seconds.

    `on_outage` says what happens while the limiter's store is not to be had: `open` lets requests pass, counted.
    """

    def __init__(
        self,
        keyring: Keyring,
        limiter: RateLimiter,
        *,
        defaults: Limits,
        clock: Callable[[], float],
        on_outage: Literal["open", "closed"] = "closed",
    ) -> None:
        self._keyring = keyring
        self._limiter = limiter
        self._defaults = defaults
        self._clock = clock
        self._on_outage = on_outage
        self._asks: dict[str, tuple[Caller, tuple[Ask, ...]]] = {}
        self._mean_hold = 1.0

    def verify_api_key(self, headers: list[tuple[bytes, bytes]]) -> Caller:
        """The caller whose key the ASGI headers carry, in any of the four places. Raises AuthenticationError.

        The key that is one of ours counts, wherever it stands; two different valid ones are refused.
        """
        return self._keyring.verify(headers)

    def get_user_id(self, caller: Caller) -> str:
        """The key's `user`, else its name: whose request this is, as records and limits know it."""
        return caller.user_id

    def set_defaults(self, defaults: Limits) -> None:
        """New defaults after a reload; what is used up stays used up."""
        self._defaults = defaults
        self._asks.clear()

    async def allow_request(self, caller: Caller, facts: Facts) -> Permit:
        """Count one request and take a slot, or refuse and take nothing; either way `facts.rate` says what is left.

        Raises PermissionDenied for a role that may not call models, RateLimitExceeded with the wait.
        """
        if caller.role not in MAY_CALL:
            raise PermissionDenied(f"Keys with role {caller.role} cannot call models.")
        asks = self._asks_of(caller)
        try:
            admission = await self._limiter.admit(asks)
        except BackendError:
            if self._on_outage == "closed":
                raise
            count("limiter_unavailable")
            return Permit(self._limiter, (), 0, self._observe_hold)
        self._tell(asks, admission, facts)
        if not admission.allowed:
            raise self._refusal(asks, admission)
        return Permit(self._limiter, asks, admission.lease, self._observe_hold)

    async def reserve(self, caller: Caller, route: Route, request: ChatRequest, facts: Facts) -> Reservation:
        """Set tokens and money aside for a call upstream."""
        return _UNRESERVED

    def _asks_of(self, caller: Caller) -> tuple[Ask, ...]:
        known = self._asks.get(caller.key_id)
        if known is not None and known[0] is caller:
            return known[1]
        if len(self._asks) >= _MAX_PREPARED:
            self._asks.clear()
        asks = make_asks(caller, self._defaults)
        self._asks[caller.key_id] = (caller, asks)
        return asks

    def _tell(self, asks: tuple[Ask, ...], admission: Admission, facts: Facts) -> None:
        for ask, verdict in zip(asks, admission.verdicts, strict=True):
            if ask.rate is not None:
                facts.rate = RateState(ask.rate.burst, verdict.remaining, verdict.reset / SECOND)

    def _refusal(self, asks: tuple[Ask, ...], admission: Admission) -> RateLimitExceeded:
        for ask, verdict in zip(asks, admission.verdicts, strict=True):
            if not verdict.allowed and ask.rate is not None:
                count("rate_limited", "requests")
                return _rate_refusal(ask.rate, verdict)
        count("rate_limited", "concurrency")
        slots = next(ask.slots for ask in asks if ask.rate is None)
        return RateLimitExceeded(
            f"Too many requests at once for this key: at most {slots} may be under way.",
            retry_after=min(60.0, max(0.05, self._mean_hold / max(1, slots))),
        )

    def _observe_hold(self, facts: Facts) -> None:
        """Keep the mean seconds a slot is held, from which the wait for one is estimated."""
        self._mean_hold += _HOLD_WEIGHT * (self._clock() - facts.started - self._mean_hold)


def make_asks(caller: Caller, defaults: Limits) -> tuple[Ask, ...]:
    """What every request of this caller has to pass; a limit of `math.inf` is none."""
    own = caller.limits
    asks = []
    per_minute = defaults.requests_per_minute if own.requests_per_minute is None else own.requests_per_minute
    if per_minute is not None and per_minute != math.inf:
        burst = own.burst if own.burst is not None or own.requests_per_minute is not None else defaults.burst
        asks.append(Ask(caller.key_id, Rate.per_minute(per_minute, burst)))
    slots = defaults.concurrency if own.concurrency is None else own.concurrency
    if slots is not None and slots != math.inf:
        asks.append(Ask(caller.key_id, slots=slots))
    return tuple(asks)


def _rate_refusal(rate: Rate, verdict: Verdict) -> RateLimitExceeded:
    wait = verdict.retry_after / SECOND
    return RateLimitExceeded(
        f"Rate limit reached for requests: {rate.burst} at once, then one every {rate.interval / SECOND:g} s. "
        f"Try again in {wait:.3f} s.",
        retry_after=wait,
    )
