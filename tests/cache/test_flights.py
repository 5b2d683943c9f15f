"""One call upstream for many equal requests, whoever leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.answer import Answer, Batch, Item
from synthlang_router.backends.memory.cache import MemoryCacheStore
from synthlang_router.cache import CacheEntry, CacheKey, Flights, SemanticCache
from synthlang_router.cache.flights import MAX_AHEAD
from synthlang_router.errors import Overloaded, ProviderTimeout
from synthlang_router.models import Attempt, CacheStatus, ChatChunk, Facts, Wishes
from tests.cache.requests import asked, facts, key_of
from tests.cache.stores import Clock


class Upstream:
    """Calls that send what they are given to send. `gate` None: at once."""

    def __init__(self, *frames: bytes, error: Exception | None = None, gated: bool = False) -> None:
        self.frames = frames
        self.error = error
        self.calls = 0
        self.begun = 0
        self.sent = 0
        self.open = 0
        self.gates = asyncio.Semaphore(0) if gated else None

    def answer(self, noted: Facts) -> Answer:
        self.calls += 1
        return Answer(self._send(noted), noted)

    async def _send(self, noted: Facts) -> AsyncGenerator[Batch]:
        self.open += 1
        self.begun += 1
        noted.provider, noted.served_model = "openai", "served"
        noted.attempts.append(Attempt("openai", "served", 0.0, 1.0, 200))
        try:
            for frame in self.frames:
                if self.gates is not None:
                    await self.gates.acquire()
                else:
                    await asyncio.sleep(0)
                self.sent += 1
                yield (chunk(frame, last=self.sent % len(self.frames) == 0),)
            if self.gates is not None:
                await self.gates.acquire()
            if self.error is not None:
                raise self.error
        finally:
            try:
                await asyncio.sleep(0)
            finally:
                self.open -= 1

    def send(self, count: int = 1) -> None:
        assert self.gates is not None
        for _ in range(count):
            self.gates.release()


def chunk(text: bytes, *, last: bool) -> ChatChunk:
    content, finish = text.decode("latin-1"), "stop" if last else None
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    raw = json.dumps(
        {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    ).encode()
    return ChatChunk(raw, content=content, finish_reason=finish)


class House:
    def __init__(self, upstream: Upstream, **settings: Any) -> None:
        self.upstream = upstream
        self.flights = Flights(lambda work: asyncio.create_task(work), **settings)
        self.store = MemoryCacheStore(max_entries=10, max_bytes=1_000_000)
        self.cache = SemanticCache(self.store, clock=Clock(), monotonic=Clock(), flights=self.flights)
        self.rows: list[Facts] = []
        self.payers: list[Facts] = []

    async def share(self, key: CacheKey | None = None) -> Answer:
        noted = facts(f"row-{len(self.rows)}")
        noted.cache = CacheStatus.MISS
        self.rows.append(noted)
        key = key_of() if key is None else key
        answer = await self.cache.share(key, noted, self.upstream.answer, self.payers.append)
        answer.on_complete(partial(self.cache.store, key))
        return answer

    async def read(self, key: CacheKey | None = None) -> bytes:
        async with await self.share(key) as answer:
            return await rest(answer)


async def rest(answer: Answer) -> bytes:
    return b"".join([text_of(item) async for batch in answer for item in batch])


def text_of(item: Item) -> bytes:
    return (item.content or "").encode("latin-1")


class CountingStore(MemoryCacheStore):
    """Counts what is put."""

    def __init__(self) -> None:
        super().__init__(max_entries=10, max_bytes=1_000_000)
        self.puts = 0

    def put(self, entry: CacheEntry, now: float) -> None:
        self.puts += 1
        super().put(entry, now)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_thousand_equal_requests_are_one_call_and_get_the_same_bytes() -> None:
    house = House(Upstream(b"a", b"b", b"c"))

    answers = await asyncio.gather(*(house.read() for _ in range(1000)))

    assert set(answers) == {b"abc"}
    assert house.upstream.calls == 1
    assert len(house.flights) == 0
    assert house.upstream.open == 0


async def test_the_first_pays_for_the_call_and_the_others_are_coalesced() -> None:
    house = House(Upstream(b"a", gated=True))
    answers = [await house.share() for _ in range(3)]
    reading = [asyncio.create_task(rest(answer)) for answer in answers]
    await settle()
    house.upstream.send(2)
    await asyncio.gather(*reading)

    noted = [answer.facts for answer in answers]

    assert [one.cache for one in noted] == [CacheStatus.MISS, CacheStatus.COALESCED, CacheStatus.COALESCED]
    assert [len(one.attempts) for one in noted] == [1, 0, 0]
    assert {one.served_model for one in noted} == {"served"}


async def test_who_comes_late_gets_everything_from_the_start() -> None:
    house = House(Upstream(b"a", b"b", b"c", gated=True))
    first = asyncio.create_task(house.read())
    await settle()
    house.upstream.send(2)
    await settle()

    second = asyncio.create_task(house.read())
    await settle()
    house.upstream.send(2)

    assert (await first, await second) == (b"abc", b"abc")
    assert house.upstream.calls == 1


async def test_a_leader_that_leaves_does_not_end_the_flight() -> None:
    house = House(Upstream(b"a", b"b", gated=True))
    leader_answer, follower_answer = await house.share(), await house.share()
    leader = asyncio.create_task(rest(leader_answer))
    await settle()
    follower = asyncio.create_task(rest(follower_answer))
    await settle()
    house.upstream.send()
    await settle()

    leader.cancel()
    await settle()
    await leader_answer.__aexit__(None, None, None)
    house.upstream.send(2)

    assert await follower == b"ab"
    assert leader.cancelled()
    left, heir = leader_answer.facts, follower_answer.facts
    assert (left.cache, len(left.attempts)) == (CacheStatus.COALESCED, 0)
    assert (heir.cache, len(heir.attempts)) == (CacheStatus.MISS, 1)
    assert house.payers == [left, heir]
    assert (await house.store.stats()).entries == 1


@pytest.mark.parametrize("sent", [0, 1])
async def test_the_last_one_out_cancels_the_call_and_is_not_gone_before_it_is_closed(sent: int) -> None:
    house = House(Upstream(b"a", b"b", gated=True))
    readers = [asyncio.create_task(house.read()) for _ in range(3)]
    await settle()
    house.upstream.send(sent)
    await settle()

    for reader in readers[:2]:
        reader.cancel()
    await settle()
    assert house.upstream.open == 1
    readers[2].cancel()
    await asyncio.wait(readers)

    assert house.upstream.open == 0
    assert len(house.flights) == 0
    assert (await house.store.stats()).entries == 0


async def test_who_comes_after_the_last_one_left_starts_anew() -> None:
    house = House(Upstream(b"a", gated=True))
    alone = asyncio.create_task(house.read())
    await settle()
    alone.cancel()
    again = asyncio.create_task(house.read())
    await settle()
    house.upstream.send(4)

    assert await again == b"a"
    assert house.upstream.calls == 2


async def test_leaving_early_after_data_closes_the_call() -> None:
    house = House(Upstream(b"a", b"b", gated=True))
    async with await house.share() as answer:
        house.upstream.send()
        await answer.open()

    assert house.upstream.open == 0
    assert len(house.flights) == 0


async def test_a_failure_reaches_everyone_and_the_next_one_tries_anew() -> None:
    house = House(Upstream(b"a", error=ProviderTimeout("idle", 3)))

    outcomes = await asyncio.gather(*(house.read() for _ in range(5)), return_exceptions=True)
    house.upstream.error = None

    assert {type(outcome) for outcome in outcomes} == {ProviderTimeout}
    assert house.upstream.calls == 1
    assert await house.read() == b"a"
    assert house.upstream.calls == 2


async def test_data_before_a_failure_is_delivered_first() -> None:
    house = House(Upstream(b"a", error=ProviderTimeout("idle", 3)))
    seen: list[Item] = []

    with pytest.raises(ProviderTimeout):
        async with await house.share() as answer:
            async for batch in answer:
                seen += batch

    assert [text_of(item) for item in seen] == [b"a"]


async def test_a_pump_that_is_cancelled_from_outside_makes_no_whole_answer() -> None:
    tasks: list[asyncio.Task[None]] = []
    house = House(Upstream(b"a", b"b", gated=True))

    def spawn(work: Any) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    house.cache = SemanticCache(house.store, clock=Clock(), monotonic=Clock(), flights=Flights(spawn))
    reader = asyncio.create_task(house.read())
    await settle()
    house.upstream.send()
    await settle()
    tasks[0].cancel()

    with pytest.raises(Overloaded):
        await reader
    assert (await house.store.stats()).entries == 0


async def test_an_answer_that_nobody_reads_is_no_reader() -> None:
    house = House(Upstream(b"a"))
    unread = await house.share()

    assert await house.read() == b"a"
    assert house.upstream.calls == 1
    async with unread:
        pass
    assert len(house.flights) == 0


async def test_the_call_goes_at_the_pace_of_the_fastest_reader() -> None:
    frame = b"x" * (MAX_AHEAD // 4)
    house = House(Upstream(*([frame] * 100)), max_log=10 * MAX_AHEAD)
    fast, slow = await house.share(), await house.share()
    async with fast, slow:
        await fast.open()
        await slow.open()
        await settle()
        held_back = house.upstream.sent

        size = len(await rest(fast))

        assert held_back <= 8
        assert size == 100 * len(frame)


async def test_who_falls_too_far_behind_is_told_and_nobody_joins_a_cut_log() -> None:
    frame = b"x" * 1000
    house = House(Upstream(*([frame] * 20), gated=True), max_log=5_000)
    slow, fast = await house.share(), await house.share()
    async with slow, fast:
        house.upstream.send(1)
        await slow.open()
        reading = asyncio.create_task(rest(fast))
        for _ in range(15):
            house.upstream.send()
            await settle()

        late = asyncio.create_task(house.read())
        await settle()
        assert house.upstream.calls == 2

        with pytest.raises(Overloaded):
            await rest(slow)
        house.upstream.send(100)
        assert len(await reading) == 20_000
        assert len(await late) == 20_000


async def test_one_batch_larger_than_the_log_reaches_its_reader() -> None:
    house = House(Upstream(b"a", b"x" * 50_000, b"c"), max_log=5_000)

    assert await house.read() == b"a" + b"x" * 50_000 + b"c"


async def test_what_came_together_for_a_slow_reader_comes_as_one_batch() -> None:
    house = House(Upstream(b"a", b"b", b"c"))
    fast, slow = await house.share(), await house.share()
    async with fast, slow:
        await asyncio.gather(fast.open(), slow.open())
        await rest(fast)

        batches = [batch async for batch in slow]

    assert [[text_of(item) for item in batch] for batch in batches] == [[b"a"], [b"b", b"c"]]


@pytest.mark.parametrize(
    "wishes",
    [Wishes(no_cache=True), Wishes(no_store=True), Wishes(cache="off")],
    ids=["no-cache", "no-store", "off"],
)
async def test_who_wants_no_cache_waits_for_nobody_elses_answer(wishes: Wishes) -> None:
    house = House(Upstream(b"a"))

    await asyncio.gather(*(house.read(key_of(wishes=wishes)) for _ in range(3)))

    assert house.upstream.calls == 3


async def test_requests_that_are_not_cached_share_nothing() -> None:
    house = House(Upstream(b"a"))

    await asyncio.gather(*(house.read(key_of(asked("Joke?", temperature=1))) for _ in range(3)))

    assert house.upstream.calls == 3


async def test_a_stream_and_a_whole_answer_are_different_flights() -> None:
    house = House(Upstream(b"a"))

    await asyncio.gather(house.read(key_of(asked("Hi"))), house.read(key_of(asked("Hi", stream=True))))

    assert house.upstream.calls == 2


async def test_an_answer_is_stored_once_for_all_who_shared_it() -> None:
    store = CountingStore()
    house = House(Upstream(b"a"))
    house.cache = SemanticCache(store, clock=Clock(), monotonic=Clock(), flights=house.flights)

    await asyncio.gather(*(house.read() for _ in range(20)))

    assert store.puts == 1


MOVES = st.lists(
    st.tuples(st.sampled_from(["join", "leave", "send", "pass"]), st.integers(0, 9)), max_size=40
)


@given(MOVES)
async def test_whoever_joins_and_leaves_those_who_stay_get_every_byte_once_and_one_pays(
    moves: list[tuple[str, int]],
) -> None:
    frames = [b"%02d" % number for number in range(6)]
    house = House(Upstream(*frames, gated=True))
    readers: list[asyncio.Task[bytes]] = []
    for what, which in moves:
        if what == "join":
            readers.append(asyncio.create_task(house.read()))
        elif what == "leave" and readers:
            readers[which % len(readers)].cancel()
        elif what == "send":
            house.upstream.send(which % 3)
        else:
            await settle()
    await settle()
    house.upstream.send(200)

    outcomes = await asyncio.gather(*readers, return_exceptions=True)

    assert {outcome for outcome in outcomes if isinstance(outcome, bytes)} <= {b"".join(frames)}
    assert all(isinstance(outcome, bytes | asyncio.CancelledError) for outcome in outcomes)
    assert house.upstream.open == 0
    assert len(house.flights) == 0
    paid = [noted for noted in house.rows if noted.attempts]
    assert [len(noted.attempts) for noted in paid] == [1] * house.upstream.begun
    assert CacheStatus.COALESCED not in {noted.cache for noted in paid}
