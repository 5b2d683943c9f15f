"""The exact layer: the very same question, young enough."""

from __future__ import annotations

from typing import Any

import pytest

from synthlang_router.backends.memory.cache import MemoryCacheStore
from synthlang_router.cache import CacheKey, Lifetimes, SemanticCache
from synthlang_router.errors import BackendError, NotCached
from synthlang_router.models import CacheStatus, ChatCompletion, Facts, Wishes
from tests.cache.requests import ANN, ROUTE, answered, asked, facts, key_of, request_of
from tests.cache.stores import BrokenStore, Clock


def cache_of(clock: Clock, **settings: Any) -> SemanticCache:
    store = settings.pop("store", None) or MemoryCacheStore(max_entries=100, max_bytes=1_000_000)
    settings.setdefault("lifetimes", Lifetimes(exact=100.0, semantic=100.0, volatile=5.0))
    return SemanticCache(store, clock=clock, monotonic=clock, **settings)


async def found(cache: SemanticCache, key: CacheKey) -> tuple[ChatCompletion | None, Facts]:
    noted = facts("asker")
    answer = await cache.get_similar_response(key, noted)
    if answer is None:
        return None, noted
    async with answer:
        [batch] = [batch async for batch in answer]
    [completion] = batch
    assert isinstance(completion, ChatCompletion)
    assert answer.replayed
    return completion, noted


async def test_what_was_stored_is_found_and_told_with_its_age_and_origin() -> None:
    clock = Clock()
    cache, origin = cache_of(clock), facts("origin")
    origin.provider, origin.served_model, origin.simulated = "openai", "gpt-4o-mini-2024", True
    cache.store(key_of(), answered(), origin)
    clock.now += 7.5

    completion, noted = await found(cache, key_of())

    assert completion == answered()
    assert (noted.cache, noted.age, noted.cost) == (CacheStatus.HIT, 7.5, 0.0)
    assert (noted.provider, noted.served_model, noted.simulated) == ("openai", "gpt-4o-mini-2024", True)
    assert noted.cache_entry is not None


async def test_what_was_not_stored_is_a_miss() -> None:
    cache = cache_of(Clock())
    cache.store(key_of(), answered(), facts())

    completion, noted = await found(cache, key_of(asked("And Spain?")))

    assert completion is None
    assert noted.cache is CacheStatus.MISS


async def test_an_answer_is_served_up_to_its_time_and_not_longer() -> None:
    clock = Clock()
    cache = cache_of(clock)
    cache.store(key_of(), answered(), facts())

    clock.now += 99.9
    assert (await found(cache, key_of()))[0] is not None
    clock.now += 0.1
    assert (await found(cache, key_of()))[0] is None


async def test_max_age_asks_for_a_younger_one() -> None:
    clock = Clock()
    cache = cache_of(clock)
    cache.store(key_of(), answered(), facts())
    clock.now += 10

    assert (await found(cache, key_of(wishes=Wishes(max_age=10))))[0] is not None
    assert (await found(cache, key_of(wishes=Wishes(max_age=9))))[0] is None
    assert (await found(cache, key_of(wishes=Wishes(max_age=0))))[0] is None


async def test_no_cache_does_not_look_and_replaces_what_is_there() -> None:
    cache = cache_of(Clock())
    cache.store(key_of(), answered("old"), facts())
    fresh = key_of(wishes=Wishes(no_cache=True))

    completion, noted = await found(cache, fresh)
    cache.store(fresh, answered("new"), facts())

    assert completion is None
    assert (noted.cache, noted.why) == (CacheStatus.BYPASS, "no-cache")
    assert (await found(cache, key_of()))[0] == answered("new")


async def test_no_store_leaves_nothing_behind() -> None:
    cache = cache_of(Clock())

    cache.store(key_of(wishes=Wishes(no_store=True)), answered(), facts())

    assert (await found(cache, key_of()))[0] is None


async def test_only_if_cached_gets_the_answer_or_an_error_and_never_a_call() -> None:
    cache = cache_of(Clock())
    wishes = Wishes(only_if_cached=True)

    with pytest.raises(NotCached):
        await cache.get_similar_response(key_of(wishes=wishes), facts())
    with pytest.raises(NotCached):
        await cache.get_similar_response(key_of(asked("?", temperature=1), wishes=wishes), facts())
    with pytest.raises(NotCached):
        await cache.get_similar_response(key_of(wishes=Wishes(only_if_cached=True, cache="off")), facts())
    cache.store(key_of(), answered(), facts())
    assert (await found(cache, key_of(wishes=wishes)))[0] == answered()


async def test_a_bypass_is_told_with_its_reason_and_leaves_nothing_behind() -> None:
    cache, noted = cache_of(Clock()), facts()
    sampled = key_of(asked("Joke?", temperature=1))

    assert await cache.get_similar_response(sampled, noted) is None
    cache.store(sampled, answered(), noted)

    assert (noted.cache, noted.why) == (CacheStatus.BYPASS, "sampled")
    assert (await cache.stats()).entries == 0


@pytest.mark.parametrize("error", [BackendError("down"), RuntimeError("broken"), KeyError("x")])
async def test_a_cache_that_fails_is_a_miss_and_storing_never_raises(error: Exception) -> None:
    cache = cache_of(Clock(), store=BrokenStore(error))

    completion, noted = await found(cache, key_of())
    cache.store(key_of(), answered(), facts())

    assert completion is None
    assert noted.cache is CacheStatus.MISS


async def test_a_disabled_cache_makes_no_keys_and_bypasses() -> None:
    cache, noted = cache_of(Clock(), enabled=False), facts()
    key = cache.make_cache_key(ANN, ROUTE, request_of(asked("Hi")), Wishes())

    assert await cache.get_similar_response(key, noted) is None
    assert (noted.cache, key.scope) == (CacheStatus.BYPASS, b"")
    only = cache.make_cache_key(ANN, ROUTE, request_of(asked("Hi")), Wishes(only_if_cached=True))
    with pytest.raises(NotCached):
        await cache.get_similar_response(only, noted)


async def test_a_body_nobody_can_read_is_not_cached() -> None:
    cache = cache_of(Clock())
    request = request_of(asked("Hi"))
    request.__dict__["messages"] = [object()]

    key = cache.make_cache_key(ANN, ROUTE, request, Wishes())

    assert key.bypass == "unreadable"


async def test_with_the_exact_layer_off_repeats_are_not_found_without_the_semantic_one() -> None:
    cache = cache_of(Clock(), exact=False)
    cache.store(key_of(), answered(), facts())

    assert (await found(cache, key_of()))[0] is None
