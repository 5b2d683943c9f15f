"""Who gets which connection, how many there may be, and how long an idle one is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from synthlang_router.llm_provider.pool import KEEP, Pool


class Handle:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clockwork:
    """Time passes by `go`; futures are real."""

    def __init__(self) -> None:
        self.now = 0.0
        self.set: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Handle:
        self.set.append(Handle(self.now + delay, callback))
        return self.set[-1]

    def create_future(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    def go(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [handle for handle in self.set if handle.when <= end and not handle.cancelled]:
            first = min(due, key=lambda handle: handle.when)
            first.cancel()
            self.now = first.when
            first.callback()
        self.now = end


class Wire:
    """A connection that does nothing."""

    def __init__(self, pool: Pool[str, Wire]) -> None:
        self.pool = pool
        self.idle_since = 0.0
        self.closed = False
        self.stale = False

    def unfit(self) -> bool:
        return self.stale or self.closed

    def abort(self) -> None:
        if not self.closed:
            self.closed = True
            self.pool.gone(self)


class House:
    def __init__(self, limit: int = 10) -> None:
        self.loop = Clockwork()
        self.pool: Pool[str, Wire] = Pool(self.loop, limit)

    async def new(self, key: str = "a") -> Wire:
        assert await self.pool.room(key) is None
        wire = Wire(self.pool)
        self.pool.made(key, wire)
        return wire


async def test_the_one_used_last_is_used_first() -> None:
    house = House()
    first, second = await house.new(), await house.new()
    house.pool.freed(first)
    house.pool.freed(second)

    assert house.pool.take("a") is second
    assert house.pool.take("a") is first
    assert house.pool.take("a") is None


async def test_nobody_gets_a_connection_to_elsewhere() -> None:
    house = House()
    house.pool.freed(await house.new("a"))

    assert house.pool.take("b") is None


async def test_an_unfit_one_is_closed_instead_of_handed_out() -> None:
    house = House()
    good, bad = await house.new(), await house.new()
    house.pool.freed(good)
    house.pool.freed(bad)
    bad.stale = True

    assert house.pool.take("a") is good
    assert bad.closed


async def test_an_idle_one_is_closed_after_a_while_and_one_in_use_never() -> None:
    house = House()
    idle, busy = await house.new(), await house.new()
    house.pool.freed(idle)

    house.loop.go(KEEP / 2)
    assert not idle.closed
    house.loop.go(KEEP * 2)
    assert idle.closed
    assert not busy.closed


async def test_nothing_ticks_where_nothing_is_idle() -> None:
    house = House()
    house.pool.freed(await house.new())
    house.loop.go(KEEP * 3)

    assert all(handle.cancelled for handle in house.loop.set)


async def test_at_the_bound_one_waits_until_a_place_is_free() -> None:
    house = House(limit=1)
    only = await house.new()

    waiting = asyncio.ensure_future(house.pool.room("a"))
    await asyncio.sleep(0)
    assert not waiting.done()
    house.pool.freed(only)

    assert await waiting is only


async def test_one_that_closes_leaves_its_place() -> None:
    house = House(limit=1)
    only = await house.new()

    waiting = asyncio.ensure_future(house.pool.room("a"))
    await asyncio.sleep(0)
    only.abort()

    assert await waiting is None


async def test_at_the_bound_the_one_idle_for_longest_makes_room_for_another_target() -> None:
    house = House(limit=2)
    old, young = await house.new("a"), await house.new("b")
    house.pool.freed(old)
    house.loop.go(1)
    house.pool.freed(young)

    assert await house.pool.room("c") is None
    assert (old.closed, young.closed) == (True, False)


async def test_a_connection_that_was_not_made_leaves_its_place() -> None:
    house = House(limit=1)
    await house.pool.room("a")
    waiting = asyncio.ensure_future(house.pool.room("a"))
    await asyncio.sleep(0)

    house.pool.made("a", None)

    assert await waiting is None


async def test_one_that_closed_while_it_was_made_holds_no_place() -> None:
    house = House(limit=1)
    await house.pool.room("a")
    wire = Wire(house.pool)
    wire.abort()
    house.pool.made("a", wire)

    assert await asyncio.wait_for(house.pool.room("a"), 1) is None


async def test_who_is_woken_and_gives_up_in_the_same_moment_wakes_the_next() -> None:
    house = House(limit=1)
    only = await house.new()
    first = asyncio.ensure_future(house.pool.room("a"))
    second = asyncio.ensure_future(house.pool.room("a"))
    await asyncio.sleep(0)

    house.pool.freed(only)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    assert await asyncio.wait_for(second, 1) is only


async def test_closing_closes_them_all() -> None:
    house = House()
    wires = [await house.new(), await house.new("b")]
    house.pool.freed(wires[0])

    house.pool.close()

    assert [wire.closed for wire in wires] == [True, True]
