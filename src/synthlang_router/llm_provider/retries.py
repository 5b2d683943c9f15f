"""When a failed call is tried again, where, and after how long: a table, a budget and a rule, all values.

At most `MAX_TRIES` calls for one request. Another target is tried at once; the same one only after a pause of full
jitter, and only as long as its budget lasts, so that a target in trouble gets at most a tenth more than it would
without us. To one that is well a few retries are lent, for the few requests of a quiet hour earn none; they are paid
back. Clients' own retries (`x-stainless-retry-count`) draw on the same budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from synthlang_router.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRejected,
    ProviderTimeout,
    RouterError,
    UpstreamAuth,
)
from synthlang_router.llm_provider.failures import INSUFFICIENT_QUOTA
from synthlang_router.llm_provider.transport import NoConnection, Useless

MAX_TRIES: Final = 3
FIRST_PAUSE: Final = 0.25
LAST_PAUSE: Final = 8.0
LONGEST_WAIT: Final = 5.0
"""Seconds we wait on a provider's `Retry-After`; a longer one is handed to the client at once."""

Failure = Literal["request", "over", "key", "quota", "busy", "passing", "down", "broken", "slow", "useless"]


class Rule(msgspec.Struct, frozen=True, gc=False):
    """`elsewhere`: another target may do. `again`: the same may. `trips`: it speaks against the target's health."""

    elsewhere: bool
    again: bool
    trips: bool


RULES: Final[Mapping[Failure, Rule]] = {
    "request": Rule(elsewhere=False, again=False, trips=False),  # 4xx: the caller's, 402 and 403 among them
    "over": Rule(elsewhere=False, again=False, trips=False),  # no time is left
    "key": Rule(elsewhere=True, again=False, trips=False),  # our key is refused
    "quota": Rule(elsewhere=True, again=False, trips=False),  # our account is empty
    "busy": Rule(elsewhere=True, again=True, trips=False),  # 429
    "passing": Rule(
        elsewhere=True, again=True, trips=False
    ),  # 408, 409, or the provider asks for another try
    "down": Rule(elsewhere=True, again=True, trips=True),  # no connection
    "broken": Rule(elsewhere=True, again=True, trips=True),  # 5xx, reset, cut, garbage
    "slow": Rule(elsewhere=True, again=False, trips=True),  # as long once more helps nobody
    "useless": Rule(
        elsewhere=True, again=False, trips=False
    ),  # would come back the same: redirect, too large
}


def classify(error: RouterError, status: int) -> Failure:
    """What kind of failure an error is; `status` is the response's, 0 where there was none."""
    if isinstance(error, UpstreamAuth):
        return "key"
    if INSUFFICIENT_QUOTA in (error.error_code, error.error_type):
        return "request" if "max_tokens" in error.message else "quota"
    if isinstance(error, ProviderTimeout):
        return {"connect": "down", "total": "over"}.get(error.phase, "slow")  # type: ignore[return-value]  # literals
    if isinstance(error, NoConnection):
        return "down"
    if isinstance(error, Useless):
        return "useless"
    if status == 429 or error.http_status == 429:
        return "busy"
    if isinstance(error, ProviderRejected):
        return "passing" if error.http_status in (408, 409) or error.should_retry else "request"
    return "broken" if isinstance(error, ProviderError | ProviderProtocolError) else "request"


class Budget(msgspec.Struct, frozen=True, gc=False):
    """Tokens for second tries: each request adds a tenth, each retry, ours or the client's, takes one."""

    tokens: float = 0.0


SHARE: Final = 0.1
MOST: Final = 10.0
LEAST: Final = -10.0
"""As many are lent."""
_ROUNDING: Final = 1e-9


def counted(budget: Budget, client_retry: int) -> Budget:
    """After a request came: a first one pays in, a client's retry draws, whether there is something or not."""
    if client_retry > 0:
        return Budget(max(LEAST, budget.tokens - 1.0))
    return budget if budget.tokens >= MOST else Budget(min(MOST, budget.tokens + SHARE))


def drawn(budget: Budget, *, lent: bool) -> Budget | None:
    """After a retry of ours; None where the budget forbids it. `lent`: it need not have been earned yet."""
    left = budget.tokens - 1.0
    return Budget(left) if left >= (LEAST if lent else 0.0) - _ROUNDING else None


def pause(tries: int, at: float, told: float | None) -> float | None:
    """Seconds before the same target is tried again after `tries` calls; None where it told to stay away longer.

    Full jitter: `at` is a random point of [0, 1).
    """
    own = at * min(LAST_PAUSE, FIRST_PAUSE * 2.0 ** (tries - 1))
    if told is None:
        return own
    return None if told > LONGEST_WAIT else told + own
