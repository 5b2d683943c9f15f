"""What every `RateLimiter` promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.auth import Ask, Rate, RateLimiter, next_arrival
from synthlang_router.auth.limits import IDLE, SECOND, Mark
from synthlang_router.backends.memory.limits import LEASE, MemoryRateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 10**15

    def __call__(self) -> int:
        return self.now


IMPLEMENTATIONS: tuple[Callable[[Clock], RateLimiter], ...] = (MemoryRateLimiter,)


@pytest.fixture(params=IMPLEMENTATIONS)
def clock_and_limiter(request: pytest.FixtureRequest) -> tuple[Clock, RateLimiter]:
    clock = Clock()
    return clock, request.param(clock)


Both = tuple[Clock, RateLimiter]


async def test_a_burst_of_parallel_requests_passes_exactly_the_burst(clock_and_limiter: Both) -> None:
    _, limiter = clock_and_limiter
    asks = (Ask("k", Rate.per_minute(600, 50)),)

    admissions = await asyncio.gather(*(limiter.admit(asks) for _ in range(1000)))

    assert sum(admission.allowed for admission in admissions) == 50


async def test_slots_are_counted_and_given_back_once(clock_and_limiter: Both) -> None:
    _, limiter = clock_and_limiter
    asks = (Ask("k", slots=2),)
    first = await limiter.admit(asks)
    second = await limiter.admit(asks)

    assert not (await limiter.admit(asks)).allowed
    limiter.release(asks, first.lease)
    limiter.release(asks, first.lease)
    assert (await limiter.admit(asks)).allowed
    assert not (await limiter.admit(asks)).allowed
    limiter.release(asks, second.lease)
    assert (await limiter.admit(asks)).allowed


async def test_a_refused_slot_takes_nothing_from_the_rate(clock_and_limiter: Both) -> None:
    _, limiter = clock_and_limiter
    asks = (Ask("k", Rate.per_minute(60, 5)), Ask("k", slots=1))
    await limiter.admit(asks)

    refused = [await limiter.admit(asks) for _ in range(10)]

    assert not any(admission.allowed for admission in refused)
    assert {admission.verdicts[0].remaining for admission in refused} == {4}
    assert all(admission.verdicts[0].allowed and not admission.verdicts[1].allowed for admission in refused)


async def test_a_refused_rate_takes_no_slot(clock_and_limiter: Both) -> None:
    clock, limiter = clock_and_limiter
    asks = (Ask("k", Rate.per_minute(60, 1)), Ask("k", slots=1))
    admission = await limiter.admit(asks)
    limiter.release(asks, admission.lease)

    assert not (await limiter.admit(asks)).allowed
    clock.now += SECOND
    assert (await limiter.admit(asks)).allowed


async def test_buckets_do_not_know_one_another(clock_and_limiter: Both) -> None:
    _, limiter = clock_and_limiter

    assert (await limiter.admit((Ask("a", Rate.per_minute(60, 1)), Ask("a", slots=1)))).allowed
    assert (await limiter.admit((Ask("b", Rate.per_minute(60, 1)), Ask("b", slots=1)))).allowed
    assert not (await limiter.admit((Ask("a", Rate.per_minute(60, 1)),))).allowed


async def test_no_slots_at_all_refuses(clock_and_limiter: Both) -> None:
    _, limiter = clock_and_limiter

    assert not (await limiter.admit((Ask("k", slots=0),))).allowed


async def test_a_slot_nobody_gave_back_is_free_after_its_lease(clock_and_limiter: Both) -> None:
    clock, limiter = clock_and_limiter
    asks = (Ask("k", slots=1),)
    lost = await limiter.admit(asks)
    clock.now += LEASE + 1

    taken = await limiter.admit(asks)
    limiter.release(asks, lost.lease)

    assert taken.allowed
    assert not (await limiter.admit(asks)).allowed


@given(
    st.lists(
        st.tuples(st.integers(0, 3 * SECOND), st.sampled_from("abc"), st.integers(1, 8)),
        min_size=1,
        max_size=80,
    )
)
@pytest.mark.parametrize("make", IMPLEMENTATIONS)
def test_verdicts_are_those_of_the_pure_rule(
    make: Callable[[Clock], RateLimiter], timeline: list[tuple[int, str, int]]
) -> None:
    clock = Clock()
    limiter = make(clock)
    rate = Rate.per_minute(60, 5)
    stored: dict[str, int] = {}

    async def drive() -> None:
        for gap, bucket, cost in timeline:
            clock.now += gap
            stored[bucket], expected = next_arrival(stored.get(bucket, IDLE), clock.now, rate, cost)
            assert (await limiter.admit((Ask(bucket, rate, cost),))).verdicts == (expected,)

    asyncio.run(drive())


async def test_a_bucket_that_is_full_again_costs_no_memory() -> None:
    clock = Clock()
    limiter = MemoryRateLimiter(clock)
    for number in range(20_000):
        clock.now += SECOND
        await limiter.admit((Ask(f"k{number}", Rate.per_minute(600)), Ask(f"k{number}", slots=3)))
        limiter.release((Ask(f"k{number}", slots=3),), number + 1)

    assert limiter.size <= 2048


async def test_busy_buckets_are_bounded_too() -> None:
    limiter = MemoryRateLimiter(Clock(), max_buckets=2000)
    for number in range(5000):
        await limiter.admit((Ask(f"k{number}", Rate.per_minute(1)),))

    assert limiter.size <= 2000


RESERVING = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "settle", "wait"]),
        st.integers(0, 30),
        st.integers(1, 20),
        st.one_of(st.just(0), st.integers(0, 20 * SECOND)),
    ),
    max_size=60,
)


class Held:
    """One passed reservation and what it used; unsettled ones may still use everything."""

    def __init__(self, when: int, ask: Ask, mark: Mark) -> None:
        self.when = when
        self.ask = ask
        self.mark = mark
        self.used = ask.cost


async def drive(
    limiter: RateLimiter, clock: Clock, rate: Rate, steps: list[tuple[str, int, int, int]]
) -> list[Held]:
    """All reservations that passed, with what they used in the end."""
    passed: list[Held] = []
    pending: list[Held] = []
    for what, which, cost, pause in steps:
        if what == "wait":
            clock.now += pause
        elif what == "reserve":
            ask = Ask("k", rate, cost, unit="tokens")
            admission = await limiter.admit((ask,))
            if admission.allowed:
                pending.append(Held(clock.now, ask, admission.marks[0]))
                passed.append(pending[-1])
        elif pending:
            held = pending.pop(which % len(pending))
            held.used = cost % (held.ask.cost + 1)
            limiter.settle((held.ask,), (held.mark,), held.used)
    return passed


@pytest.mark.parametrize("make", IMPLEMENTATIONS)
@given(RESERVING)
def test_whatever_is_settled_when_no_more_than_burst_plus_rate_times_t_is_used(
    make: Callable[[Clock], RateLimiter], steps: list[tuple[str, int, int, int]]
) -> None:
    clock, rate = Clock(), Rate.per_minute(60, 20)

    passed = asyncio.run(drive(make(clock), clock, rate, steps))

    for first in range(len(passed)):
        used = 0
        for last in range(first, len(passed)):
            used += passed[last].used
            assert used <= rate.burst + (passed[last].when - passed[first].when) // rate.interval


async def test_what_was_not_used_is_free_at_once_in_the_order_of_reserving(clock_and_limiter: Both) -> None:
    _, limiter = clock_and_limiter
    ask = Ask("k", Rate.per_minute(60, 100), 50, unit="tokens")
    admissions = [await limiter.admit((ask,)) for _ in range(2)]
    assert not (await limiter.admit((ask,))).allowed

    for admission in admissions:
        limiter.settle((ask,), admission.marks, 10)

    peek = (await limiter.admit((Ask("k", Rate.per_minute(60, 100), 0),))).verdicts[0]
    assert peek.remaining == 80


async def test_what_was_used_beyond_the_reservation_becomes_a_debt(clock_and_limiter: Both) -> None:
    clock, limiter = clock_and_limiter
    rate = Rate.per_minute(60, 100)
    ask = Ask("k", rate, 50, unit="tokens")
    admission = await limiter.admit((ask,))

    limiter.settle((ask,), admission.marks, 130)

    refused = (await limiter.admit((Ask("k", rate, 1),))).verdicts[0]
    assert (refused.allowed, refused.retry_after) == (False, 31 * SECOND)
    look = (await limiter.admit((Ask("k", rate, 0),))).verdicts[0]
    assert (look.allowed, look.remaining, look.reset) == (True, 0, 130 * SECOND)
    clock.now += 31 * SECOND
    assert (await limiter.admit((Ask("k", rate, 1),))).allowed


async def test_what_has_drained_meanwhile_is_not_given_back_a_second_time(clock_and_limiter: Both) -> None:
    clock, limiter = clock_and_limiter
    rate = Rate.per_minute(60, 100)
    ask = Ask("k", rate, 100, unit="tokens")
    admission = await limiter.admit((ask,))
    clock.now += 100 * SECOND
    assert (await limiter.admit((Ask("k", rate, 100),))).allowed

    limiter.settle((ask,), admission.marks, 0)

    assert not (await limiter.admit((Ask("k", rate, 1),))).allowed


async def test_refunds_of_one_bucket_cost_another_nothing(clock_and_limiter: Both) -> None:
    _, limiter = clock_and_limiter
    rate = Rate.per_minute(60, 100)
    one, other = (Ask(bucket, rate, 50, unit="tokens") for bucket in "ab")
    first, second = await limiter.admit((one,)), await limiter.admit((other,))

    limiter.settle((one,), first.marks, 0)
    limiter.settle((other,), second.marks, 0)

    looks = [(await limiter.admit((Ask(bucket, rate, 0),))).verdicts[0].remaining for bucket in "ab"]
    assert looks == [100, 100]
