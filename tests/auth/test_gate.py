"""May they ask now?"""

from __future__ import annotations

import math

import pytest
from msgspec import structs

from synthlang_router.auth import Admission, Gate, Keyring, RateLimiter
from synthlang_router.backends.memory.limits import MemoryRateLimiter
from synthlang_router.errors import BackendError, PermissionDenied, RateLimitExceeded
from synthlang_router.models import Caller, Facts, Limits, Outcome, Role
from tests.auth.stores import DictKeyStore

CALLER = Caller("acme", "ann", "k1", "dev")
DONE = Outcome("complete")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def nanoseconds(self) -> int:
        return round(self.now * 1e9)


class DownLimiter:
    async def admit(self, asks: object) -> Admission:
        raise BackendError("down")

    def release(self, asks: object, lease: int) -> None:
        raise AssertionError("nothing was taken")

    def settle(self, asks: object, marks: object, used: int) -> None:
        raise AssertionError("nothing was taken")


def facts(started: float = 1_000.0) -> Facts:
    return Facts(request_id="r", row_id="r", arrived=0.0, started=started)


def gate(clock: Clock, defaults: Limits = Limits(), limiter: RateLimiter | None = None) -> Gate:  # noqa: B008 - frozen
    ring = Keyring(DictKeyStore(), pepper=b"p", clock=clock)
    return Gate(ring, limiter or MemoryRateLimiter(clock.nanoseconds), defaults=defaults, clock=clock)


def with_limits(limits: Limits) -> Caller:
    return structs.replace(CALLER, limits=limits)


async def test_the_limit_refuses_with_the_exact_wait_and_says_what_is_left() -> None:
    clock = Clock()
    caller, door = with_limits(Limits(requests_per_minute=60, burst=2)), gate(clock)
    first, second, third = facts(), facts(), facts()

    await door.allow_request(caller, first)
    await door.allow_request(caller, second)
    with pytest.raises(RateLimitExceeded) as refusal:
        await door.allow_request(caller, third)

    assert refusal.value.retry_after == pytest.approx(1.0, abs=1e-6)
    assert first.rate is not None
    assert (first.rate.limit_requests, first.rate.remaining_requests) == (2, 1)
    assert third.rate is not None
    assert third.rate.remaining_requests == 0
    assert third.rate.reset_requests == pytest.approx(2.0, abs=1e-6)
    clock.now += refusal.value.retry_after or 0.0
    await door.allow_request(caller, facts())


async def test_slots_are_given_back_when_the_request_is_over() -> None:
    caller, door = with_limits(Limits(concurrency=1)), gate(Clock())
    permit = await door.allow_request(caller, facts())

    with pytest.raises(RateLimitExceeded) as refusal:
        await door.allow_request(caller, facts())
    permit.release(facts(), DONE)
    permit.release(facts(), DONE)
    await door.allow_request(caller, facts())

    assert refusal.value.retry_after is not None
    with pytest.raises(RateLimitExceeded):
        await door.allow_request(caller, facts())


async def test_the_wait_for_a_slot_follows_how_long_slots_are_held() -> None:
    clock = Clock()
    caller, door = with_limits(Limits(concurrency=1)), gate(clock)

    async def wait_told() -> float:
        held = await door.allow_request(caller, facts())
        with pytest.raises(RateLimitExceeded) as refusal:
            await door.allow_request(caller, facts())
        held.release(facts(clock.now - 30), DONE)
        assert refusal.value.retry_after is not None
        return refusal.value.retry_after

    waits = [await wait_told() for _ in range(100)]

    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(30, rel=0.05)


async def test_the_defaults_hold_where_the_key_says_nothing() -> None:
    door = gate(Clock(), Limits(requests_per_minute=60, burst=1, concurrency=1))

    await door.allow_request(CALLER, facts())

    with pytest.raises(RateLimitExceeded):
        await door.allow_request(CALLER, facts())


async def test_a_key_may_be_without_limits() -> None:
    door = gate(Clock(), Limits(requests_per_minute=1))
    caller, noted = with_limits(Limits(requests_per_minute=math.inf)), facts()

    for _ in range(100):
        await door.allow_request(caller, noted)

    assert noted.rate is None


async def test_a_default_burst_is_not_the_burst_of_a_key_with_its_own_rate() -> None:
    door, noted = gate(Clock(), Limits(requests_per_minute=60, burst=1)), facts()

    await door.allow_request(with_limits(Limits(requests_per_minute=600)), noted)

    assert noted.rate is not None
    assert noted.rate.limit_requests == 600


async def test_new_defaults_hold_at_once_and_what_was_used_stays_used() -> None:
    door = gate(Clock(), Limits(requests_per_minute=60))
    for _ in range(50):
        await door.allow_request(CALLER, facts())
    noted = facts()

    door.set_defaults(Limits(requests_per_minute=60, burst=52))
    await door.allow_request(CALLER, noted)

    assert noted.rate is not None
    assert noted.rate.remaining_requests == 1


@pytest.mark.parametrize("role", ["admin", "read-only"])
async def test_roles_that_may_not_call_models_are_refused(role: Role) -> None:
    with pytest.raises(PermissionDenied):
        await gate(Clock()).allow_request(structs.replace(CALLER, role=role), facts())


async def test_a_limiter_that_is_down_refuses_or_lets_pass_as_configured() -> None:
    clock = Clock()
    ring = Keyring(DictKeyStore(), pepper=b"p", clock=clock)
    limited = with_limits(Limits(requests_per_minute=1))
    closed = Gate(ring, DownLimiter(), defaults=Limits(), clock=clock)
    opened = Gate(ring, DownLimiter(), defaults=Limits(), clock=clock, on_outage="open")

    with pytest.raises(BackendError):
        await closed.allow_request(limited, facts())
    (await opened.allow_request(limited, facts())).release(facts(), DONE)


def test_the_user_is_the_keys() -> None:
    assert gate(Clock()).get_user_id(CALLER) == "ann"
