"""What every `CacheStore` promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from synthlang_router.backends.memory.cache import MemoryCacheStore
from synthlang_router.backends.sqlite.cache import SqliteCacheStore
from synthlang_router.cache import CacheEntry, CacheStore, Selection, StoreStats
from synthlang_router.models import ChatCompletion, Usage
from tests.interactions.records import vault


def memory(max_entries: int = 1000, max_bytes: int = 10_000_000) -> CacheStore:
    return MemoryCacheStore(max_entries=max_entries, max_bytes=max_bytes)


def sqlite(max_entries: int = 1000, max_bytes: int = 10_000_000) -> CacheStore:
    return _sqlite(max_entries, max_bytes, hot_bytes=64_000_000)


def sqlite_without_memory(max_entries: int = 1000, max_bytes: int = 10_000_000) -> CacheStore:
    """Every answer but the last comes from disk."""
    return _sqlite(max_entries, max_bytes, hot_bytes=1)


def _sqlite(max_entries: int, max_bytes: int, *, hot_bytes: int) -> CacheStore:
    folder = TemporaryDirectory()
    store = SqliteCacheStore(
        Path(folder.name) / "cache.db",
        vault=vault(),
        max_entries=max_entries,
        max_bytes=max_bytes,
        hot_bytes=hot_bytes,
    )
    OPENED.append((store, folder))
    return store


OPENED: list[tuple[SqliteCacheStore, TemporaryDirectory[str]]] = []
IMPLEMENTATIONS: tuple[Callable[..., CacheStore], ...] = (memory, sqlite, sqlite_without_memory)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """What a test opened is closed after it."""
    yield
    close_all()


def close_all() -> None:
    while OPENED:
        store, folder = OPENED.pop()
        asyncio.run(store.close())
        folder.cleanup()


Make = Callable[..., CacheStore]


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request: pytest.FixtureRequest) -> Make:
    chosen: Make = request.param
    return chosen


def entry(
    name: str, *, expires: float = 100.0, raw: bytes = b"{}", tokens: int = 10, **more: object
) -> CacheEntry:
    completion = ChatCompletion(raw, content="x", finish_reasons=("stop",), usage=Usage(0, tokens))
    made = CacheEntry(
        digest=name.encode(), scope=b"s", tenant="acme", completion=completion, stored=0.0, expires=expires
    )
    return structs.replace(made, **more)


async def held(store: CacheStore, names: str) -> str:
    return "".join([name for name in names if await store.get(name.encode(), 1.0) is not None])


async def test_an_entry_comes_back_as_it_was_put(make: Make) -> None:
    store, kept = make(), entry("a", question="Why?", vector=b"\x00\xff", tags=(("team", "x"),))

    store.put(kept, 1.0)

    assert await store.get(b"a", 1.0) == kept
    assert await store.get(b"b", 1.0) is None


async def test_an_expired_entry_is_gone_to_the_second(make: Make) -> None:
    store = make()
    store.put(entry("a", expires=10.0), 1.0)

    assert await store.get(b"a", 9.999) is not None
    assert await store.get(b"a", 10.0) is None
    assert await store.get(b"a", 1.0) is None


async def test_the_newer_answer_takes_the_place_of_the_older(make: Make) -> None:
    store = make()
    store.put(entry("a", raw=b"old", expires=5.0), 1.0)
    store.put(entry("a", raw=b"newer", expires=50.0), 2.0)

    found = await store.get(b"a", 10.0)

    assert found is not None
    assert found.completion.raw == b"newer"
    assert (await store.stats()).entries == 1


async def test_expired_entries_free_their_room_as_others_come(make: Make) -> None:
    store = make()
    for number in range(100):
        store.put(entry(f"{number}", expires=10.0 + number), 1.0)

    store.put(entry("new", expires=1000.0), 60.0)

    stats = await store.stats()
    assert stats.entries == 50
    assert stats.evicted == 0


async def test_entries_are_bounded_and_what_was_given_up_is_counted(make: Make) -> None:
    store = make(max_entries=10)
    for number in range(25):
        store.put(entry(f"{number}"), 1.0)

    stats = await store.stats()
    assert (stats.entries, stats.evicted) == (10, 15)
    assert await store.get(b"24", 1.0) is not None


async def test_bytes_are_bounded(make: Make) -> None:
    store = make(max_bytes=50_000)
    for number in range(30):
        store.put(entry(f"{number}", raw=b"x" * 5_000), 1.0)

    stats = await store.stats()
    assert 0 < stats.bytes <= 50_000
    assert stats.entries + stats.evicted == 30


async def test_an_entry_larger_than_all_room_is_not_kept_and_drives_nothing_out(make: Make) -> None:
    store = make(max_bytes=50_000)
    store.put(entry("a"), 1.0)

    store.put(entry("b", raw=b"x" * 60_000), 1.0)

    assert await held(store, "ab") == "a"


async def test_what_saved_most_stays_longest(make: Make) -> None:
    store = make(max_entries=5)
    for name in "abcde":
        store.put(entry(name, tokens=1000 if name == "b" else 10), 1.0)
    for _ in range(50):
        await store.get(b"c", 1.0)
    for name in "abde":
        await store.get(name.encode(), 1.0)

    for number in range(4):
        store.put(entry(f"new{number}"), 1.0)

    assert await held(store, "bc") == "bc"


async def test_a_favourite_of_old_gives_way_in_the_end(make: Make) -> None:
    store = make(max_entries=4)
    store.put(entry("a"), 1.0)
    for _ in range(1000):
        await store.get(b"a", 1.0)

    for number in range(100):
        store.put(entry(f"new{number}"), 1.0)

    assert await store.get(b"a", 1.0) is None


@pytest.mark.parametrize(
    ("which", "left"),
    [
        (Selection(digest=b"a"), "bcd"),
        (Selection(digest=b"a", tenant="other"), "abcd"),
        (Selection(entry_id=b"b".hex()), "acd"),
        (Selection(tenant="other"), "abd"),
        (Selection(scope=b"s2"), "abc"),
        (Selection(tag=("team", "x")), "acd"),
        (Selection(), ""),
    ],
    ids=str,
)
async def test_what_fits_is_deleted_and_nothing_else(make: Make, which: Selection, left: str) -> None:
    store = make()
    for kept in (
        entry("a"),
        entry("b", tags=(("team", "x"),)),
        entry("c", tenant="other"),
        entry("d", scope=b"s2"),
    ):
        store.put(kept, 1.0)

    deleted = await store.delete(which)

    assert deleted == 4 - len(left)
    assert await held(store, "abcd") == left


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "get", "delete", "wait"]), st.sampled_from("abcdef"), st.integers(0, 4000)
    ),
    max_size=60,
)


@pytest.mark.parametrize("make_store", IMPLEMENTATIONS)
@settings(deadline=None, max_examples=50)  # a file an example
@given(STEPS)
def test_whatever_happens_the_bounds_hold_and_bytes_are_those_of_what_is_held(
    make_store: Make, steps: list[tuple[str, str, int]]
) -> None:
    async def run() -> StoreStats:
        store, now = make_store(max_entries=4, max_bytes=12_000), 1.0
        for what, name, size in steps:
            if what == "put":
                store.put(entry(name, raw=b"x" * size, expires=now + 3), now)
            elif what == "get":
                await store.get(name.encode(), now)
            elif what == "delete":
                await store.delete(Selection(digest=name.encode()))
            else:
                now += 1
            stats = await store.stats()
            assert 0 <= stats.entries <= 4
            assert 0 <= stats.bytes <= 12_000
        await store.delete(Selection())
        return await store.stats()

    stats = asyncio.run(run())
    close_all()

    assert (stats.entries, stats.bytes) == (0, 0)


async def test_churn_costs_no_memory_beside_the_entries() -> None:
    store = MemoryCacheStore(max_entries=10, max_bytes=10_000_000)
    for number in range(20_000):
        store.put(entry(f"{number % 20}", expires=1e9), 1.0)

    assert store.bookkeeping < 3_000
