"""`Gate`: who asks, and may they ask now? The specification's verbs over keyring, limiter and reserver. [hot]"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Final, Literal

from msgspec import structs

from synthlang_router.auth.asks import LimitScopes, door_asks, rate_state, refusal
from synthlang_router.auth.keyring import Keyring
from synthlang_router.auth.limits import Ask, RateLimiter
from synthlang_router.auth.permit import NothingReserved, Permit, Reservation
from synthlang_router.auth.reserving import BudgetScopes, Reserver
from synthlang_router.errors import BackendError, PermissionDenied
from synthlang_router.models import Caller, ChatRequest, Facts, Limits, Route
from synthlang_router.telemetry import count

MAY_CALL: Final = frozenset({"user", "operator"})
"""Roles that may call models; an admin key that leaks must not spend money."""
_HOLD_WEIGHT: Final = 0.05
_MAX_PREPARED: Final = 10_000
"""Callers whose asks are kept ready; making them anew costs microseconds."""
_NOTHING: Final = NothingReserved()
_EVERY_ROUTE: Final = ("*",)


def may_use_route(caller: Caller, path: str) -> None:
    """Raises PermissionDenied for a path that none of the key's globs matches, with or without `/v1`."""
    if caller.routes == _EVERY_ROUTE:
        return
    name = path.removeprefix("/v1")
    if not any(fnmatchcase(name, glob.removeprefix("/v1")) for glob in caller.routes):
        count("auth_refused", "route")
        raise PermissionDenied("This path is not among those that the key may use.")


class Gate:
    """`defaults` hold where a key has no limit of its own; `clock` is monotonic seconds.

    `on_outage` says what happens while the limiter's store is not to be had: `open` lets requests pass, counted.
    Without a `reserver` there are no token limits and no budgets.
    """

    def __init__(
        self,
        keyring: Keyring,
        limiter: RateLimiter,
        *,
        defaults: Limits,
        clock: Callable[[], float],
        on_outage: Literal["open", "closed"] = "closed",
        reserver: Reserver | None = None,
    ) -> None:
        self._keyring = keyring
        self._limiter = limiter
        self._clock = clock
        self._on_outage = on_outage
        self._reserver = reserver
        self._asks: dict[str, tuple[Caller, tuple[Ask, ...]]] = {}
        self._mean_hold = 1.0
        self._scopes = LimitScopes()
        self._budgets = BudgetScopes()
        self.set_defaults(defaults)

    def verify_api_key(self, headers: list[tuple[bytes, bytes]]) -> Caller:
        """The caller whose key the ASGI headers carry, in any of the four places. Raises AuthenticationError.

        The key that is one of ours counts, wherever it stands; two different valid ones are refused.
        """
        return self._keyring.verify(headers)

    def still_holds(self, caller: Caller) -> bool:
        """Whether a caller that `verify_api_key` gave still has that key."""
        return self._keyring.still_holds(caller)

    def get_user_id(self, caller: Caller) -> str:
        """The key's `user`, else its name: whose request this is, as records and limits know it."""
        return caller.user_id

    @property
    def limit_scopes(self) -> LimitScopes:
        """The limits in force."""
        return self._scopes

    @property
    def budget_scopes(self) -> BudgetScopes:
        """The budgets in force."""
        return self._budgets

    def set_defaults(self, defaults: Limits) -> None:
        """New limits for keys without their own, after a reload; what is used up stays used up."""
        self.use(structs.replace(self._scopes, key=defaults), self._budgets)

    def use(self, limits: LimitScopes, budgets: BudgetScopes) -> None:
        """New limits and budgets, after a reload; what is used up stays used up."""
        self._scopes = limits
        self._budgets = budgets
        self._asks.clear()
        if self._reserver is not None:
            self._reserver.use(limits, budgets)

    async def allow_request(self, caller: Caller, facts: Facts) -> Permit:
        """Count one request and take a slot, or refuse and take nothing; either way `facts.rate` says what is left.

        Raises PermissionDenied for a role or a route that is not for this key, RateLimitExceeded with the wait.
        """
        if caller.role not in MAY_CALL:
            raise PermissionDenied(f"Keys with role {caller.role} cannot call models.")
        may_use_route(caller, facts.path)
        asks = self._asks_of(caller)
        try:
            admission = await self._limiter.admit(asks)
        except BackendError:
            if self._on_outage == "closed":
                raise
            count("limiter_unavailable")
            return Permit(self._limiter, (), 0, self._observe_hold)
        facts.rate = rate_state(asks, admission.verdicts, None)
        if not admission.allowed:
            raise refusal(asks, admission.verdicts, self._slot_wait(asks))
        return Permit(self._limiter, asks, admission.lease, self._observe_hold)

    async def reserve(self, caller: Caller, route: Route, request: ChatRequest, facts: Facts) -> Reservation:
        """Set tokens and money aside for a call upstream.

        Raises RateLimitExceeded or BudgetExceeded with nothing taken.
        """
        if self._reserver is None:
            return _NOTHING
        return await self._reserver.reserve(caller, route, request, facts)

    def _asks_of(self, caller: Caller) -> tuple[Ask, ...]:
        known = self._asks.get(caller.key_id)
        if known is not None and known[0] is caller:
            return known[1]
        if len(self._asks) >= _MAX_PREPARED:
            self._asks.clear()
        asks = door_asks(caller, self._scopes)
        self._asks[caller.key_id] = (caller, asks)
        return asks

    def _slot_wait(self, asks: tuple[Ask, ...]) -> float:
        """Seconds until a slot is free, estimated from how long slots are held."""
        slots = min([ask.slots for ask in asks if ask.rate is None], default=1)
        return min(60.0, max(0.05, self._mean_hold / max(1, slots)))

    def _observe_hold(self, facts: Facts) -> None:
        """Keep the mean seconds a slot is held."""
        self._mean_hold += _HOLD_WEIGHT * (self._clock() - facts.started - self._mean_hold)
