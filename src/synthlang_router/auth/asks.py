"""Limits -> asks: which buckets a request has to pass, at the door and before a call upstream."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import structs

from synthlang_router.auth.limits import MINUTE, SECOND, Ask, Rate, Verdict
from synthlang_router.errors import RateLimitExceeded
from synthlang_router.models import Caller, Limits, RateState
from synthlang_router.telemetry import count

_NO_RATES: Final = RateState()


class LimitScopes(msgspec.Struct, frozen=True):
    """Limits beside those of keys: `key` holds where a key has none of its own, the others by name.

    A project's name is `tenant/project`; a model's the one that was asked, or `provider/model` of the one that serves.
    """

    key: Limits = Limits()
    tenants: Mapping[str, Limits] = {}
    projects: Mapping[str, Limits] = {}
    models: Mapping[str, Limits] = {}


def key_limits(own: Limits, defaults: Limits) -> Limits:
    """What holds for a key. A default burst belongs to the default rate and goes with it."""
    burst = own.burst if own.burst is not None or own.requests_per_minute is not None else defaults.burst
    return Limits(
        requests_per_minute=_first(own.requests_per_minute, defaults.requests_per_minute),
        burst=burst,
        concurrency=defaults.concurrency if own.concurrency is None else own.concurrency,
        tokens_per_minute=_first(own.tokens_per_minute, defaults.tokens_per_minute),
    )


def door_asks(caller: Caller, scopes: LimitScopes) -> tuple[Ask, ...]:
    """Every request passes these: its count, its slot, and a look at the tokens, which it does not take."""
    asks: list[Ask] = []
    for name, limits in _holders(caller, scopes):
        asks += _request_asks(name, limits)
        asks += _token_asks(name, limits, 0)
    return tuple(asks)


def call_asks(caller: Caller, models: tuple[str, ...], scopes: LimitScopes) -> tuple[Ask, ...]:
    """A call upstream passes these, at a cost of one token each; `with_cost` sets the true one."""
    asks: list[Ask] = []
    for name, limits in _holders(caller, scopes):
        asks += _token_asks(name, limits, 1)
    for model in dict.fromkeys(models):
        if model in scopes.models:
            asks += _request_asks(f"model:{model}", scopes.models[model])
            asks += _token_asks(f"model:{model}", scopes.models[model], 1)
    return tuple(asks)


def looks(bucket: str, limits: Limits) -> tuple[Ask, ...]:
    """Asks that take nothing, to see what is left of a bucket's rates."""
    asks = [*_request_asks(bucket, limits), *_token_asks(bucket, limits, 0)]
    return tuple([structs.replace(ask, cost=0) for ask in asks if ask.rate is not None])


def with_cost(asks: tuple[Ask, ...], tokens: int) -> tuple[Ask, ...]:
    """The same asks with so many tokens asked for."""
    cost = max(1, tokens)
    return tuple(
        [Ask(ask.bucket, ask.rate, cost, 0, "tokens") if ask.unit == "tokens" else ask for ask in asks]
    )


def rate_state(
    asks: tuple[Ask, ...], verdicts: tuple[Verdict, ...], before: RateState | None
) -> RateState | None:
    """What the headers say: of requests and of tokens the bucket that is nearest to refusing."""
    state = _NO_RATES if before is None else before
    for ask, verdict in zip(asks, verdicts, strict=True):
        if ask.rate is None:
            continue
        limit, left, reset = ask.rate.burst, verdict.remaining, verdict.reset / SECOND
        if ask.unit == "tokens":
            if state.remaining_tokens is None or left <= state.remaining_tokens:
                state = RateState(
                    state.limit_requests, state.remaining_requests, state.reset_requests, limit, left, reset
                )
        elif state.remaining_requests is None or left < state.remaining_requests:
            state = RateState(
                limit, left, reset, state.limit_tokens, state.remaining_tokens, state.reset_tokens
            )
    return before if state is _NO_RATES else state


def refusal(asks: tuple[Ask, ...], verdicts: tuple[Verdict, ...], slot_wait: float) -> RateLimitExceeded:
    """Why they did not pass, with the longest wait; `slot_wait` is the estimate for a slot, in seconds."""
    refused = [(ask, verdict) for ask, verdict in zip(asks, verdicts, strict=True) if not verdict.allowed]
    ask, verdict = max(refused, key=lambda pair: pair[1].retry_after)
    count("rate_limited", ask.unit if ask.rate is not None else "concurrency")
    holder = ask.bucket.partition(":")[0]
    if ask.rate is None:
        return RateLimitExceeded(
            f"Too many requests at once for this {holder}: at most {ask.slots} may be under way.",
            retry_after=slot_wait,
        )
    wait = verdict.retry_after / SECOND
    error = RateLimitExceeded(
        f"Rate limit reached for {ask.unit} of this {holder}: {ask.rate.burst} at once, "
        f"{MINUTE / ask.rate.interval:g} a minute. Try again in {wait:.3f} s.",
        retry_after=wait,
    )
    error.error_type = ask.unit
    return error


def _holders(caller: Caller, scopes: LimitScopes) -> Iterator[tuple[str, Limits]]:
    yield f"key:{caller.account or caller.key_id}", key_limits(caller.limits, scopes.key)
    if caller.tenant_id in scopes.tenants:
        yield f"tenant:{caller.tenant_id}", scopes.tenants[caller.tenant_id]
    project = project_name(caller)
    if project in scopes.projects:
        yield f"project:{project}", scopes.projects[project]


def project_name(caller: Caller) -> str:
    """`tenant/project`; empty without a project."""
    return f"{caller.tenant_id}/{caller.project_id}" if caller.project_id else ""


def has_rate(limit: float | None) -> bool:
    """Whether it limits anything."""
    return limit is not None and limit != math.inf


def _request_asks(bucket: str, limits: Limits) -> Iterator[Ask]:
    rate, slots = limits.requests_per_minute, limits.concurrency
    if rate is not None and has_rate(rate):
        yield Ask(bucket, Rate.per_minute(rate, limits.burst))
    if slots is not None and slots != math.inf:
        yield Ask(bucket, slots=int(slots))


def _token_asks(bucket: str, limits: Limits, cost: int) -> Iterator[Ask]:
    rate = limits.tokens_per_minute
    if rate is not None and has_rate(rate):
        yield Ask(f"{bucket}:tokens", Rate.per_minute(rate), cost, unit="tokens")


def _first(own: float | None, default: float | None) -> float | None:
    return default if own is None else own
