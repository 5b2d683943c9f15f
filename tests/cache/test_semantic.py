"""The semantic layer: nearness proposes, the verifier decides."""

from __future__ import annotations

from typing import Any

import pytest

from synthlang_router.backends.memory.cache import MemoryCacheStore
from synthlang_router.cache import Lifetimes, MeaningLayer, Recall, Selection, SemanticCache
from synthlang_router.cache.meaning import MAX_WAITING
from synthlang_router.cache.vectors import ScanIndex, quantise
from synthlang_router.models import CacheStatus, Wishes
from tests.cache.requests import answered, asked, facts, key_of
from tests.cache.stores import Clock, LetterEmbedder, at_once, same_letters_any_case
from tests.cache.test_exact import found

QUESTION = asked("What is the capital of France?")
VARIANT = asked("what is the CAPITAL of france?")
NEAR_MISS = asked("What is the capital of Franec?")
"""The same letters: as near as can be, and not the same."""


class House:
    """A cache with both layers over doubles."""

    def __init__(self, *, max_vectors: int = 100, **settings: Any) -> None:
        self.clock = Clock()
        self.embedder = LetterEmbedder()
        self.store = MemoryCacheStore(max_entries=100, max_bytes=1_000_000)
        self.recall = Recall(lambda: ScanIndex(26), offload=at_once, max_entries=max_vectors)
        self.meaning = MeaningLayer(
            self.store,
            self.recall,
            embedder=self.embedder,
            quantise=quantise,
            verify=same_letters_any_case,
            offload=at_once,
            seconds=settings.pop("seconds", 50.0),
        )
        self.cache = SemanticCache(
            self.store,
            clock=self.clock,
            monotonic=self.clock,
            lifetimes=Lifetimes(exact=100.0, semantic=50.0, volatile=5.0),
            meaning=self.meaning,
            **settings,
        )

    async def ask(self, body: dict[str, Any], answer: str = "Paris.", *, wishes: Wishes = Wishes()) -> str:  # noqa: B008
        """As the pipeline does: look, and on a miss ask the model and store."""
        key, noted = key_of(body, wishes=wishes), facts(f"row-{len(self.embedder.texts)}")
        hit = await self.cache.get_similar_response(key, noted)
        if hit is None:
            self.cache.store(key, answered(answer), noted)
        assert noted.cache is not None
        return noted.cache.value


async def test_a_surface_variant_is_served_and_told_with_its_similarity() -> None:
    house = House()
    await house.ask(QUESTION)
    house.clock.now += 3

    completion, noted = await found(house.cache, key_of(VARIANT))

    assert completion == answered()
    assert (noted.cache, noted.age) == (CacheStatus.SEMANTIC_HIT, 3.0)
    assert noted.similarity == pytest.approx(1.0, abs=0.01)


async def test_the_nearest_is_not_served_where_the_verifier_sees_a_difference() -> None:
    house = House()
    await house.ask(QUESTION)

    completion, noted = await found(house.cache, key_of(NEAR_MISS))

    assert completion is None
    assert (noted.cache, noted.similarity, noted.why) == (CacheStatus.MISS, None, "word")


async def test_the_one_that_fits_is_found_behind_nearer_ones() -> None:
    house = House()
    for text in ("abcd", "bacd", "Abcd E", "dcba"):
        await house.ask(asked(text), text)

    completion, _ = await found(house.cache, key_of(asked("abCd e")))

    assert completion == answered("Abcd E")


async def test_an_exact_repeat_is_answered_without_an_embedding() -> None:
    house = House()
    await house.ask(QUESTION)
    embedded = len(house.embedder.texts)

    assert await house.ask(QUESTION) == "HIT"
    assert len(house.embedder.texts) == embedded


async def test_a_question_is_embedded_once_for_look_up_and_storing_as_it_was_written() -> None:
    house = House()

    await house.ask(asked("  Où est-il ?\n"))

    assert house.embedder.texts == ["  Où est-il ?\n"]


@pytest.mark.parametrize(
    "wishes", [Wishes(cache="exact"), Wishes(no_cache=True)], ids=["exact only", "no-cache"]
)
async def test_who_does_not_want_near_answers_gets_none_and_pays_no_embedding(wishes: Wishes) -> None:
    house = House()
    await house.ask(QUESTION)
    embedded = len(house.embedder.texts)

    assert await house.ask(VARIANT, wishes=wishes) in ("MISS", "BYPASS")
    assert len(house.embedder.texts) == embedded


async def test_no_answer_crosses_scopes() -> None:
    house = House()
    await house.ask(QUESTION)

    brief = {**VARIANT, "messages": [{"role": "system", "content": "Be brief."}, *VARIANT["messages"]]}
    assert await house.ask(brief) == "MISS"
    assert await house.ask({**VARIANT, "user": "u2"}) == "MISS"
    assert await house.ask({**VARIANT, "max_tokens": 5}) == "MISS"


async def test_a_near_answer_has_its_own_time() -> None:
    house = House()
    await house.ask(QUESTION)

    house.clock.now += 50
    assert (await found(house.cache, key_of(QUESTION)))[1].cache is CacheStatus.HIT
    assert (await found(house.cache, key_of(VARIANT)))[1].cache is CacheStatus.MISS


async def test_max_age_holds_for_near_answers_too() -> None:
    house = House()
    await house.ask(QUESTION)
    house.clock.now += 10

    assert (await found(house.cache, key_of(VARIANT, wishes=Wishes(max_age=9))))[0] is None
    assert (await found(house.cache, key_of(VARIANT, wishes=Wishes(max_age=10))))[0] is not None


async def test_without_an_embedding_the_exact_layer_goes_on() -> None:
    house = House()
    house.embedder.refuses = True

    assert await house.ask(QUESTION) == "MISS"
    assert await house.ask(QUESTION) == "HIT"
    assert await house.ask(VARIANT) == "MISS"
    assert len(house.recall) == 0


async def test_a_blank_question_is_not_embedded() -> None:
    house = House()

    await house.ask(asked("  \n"))

    assert house.embedder.texts == []


async def test_an_answer_that_left_the_store_leaves_the_recall_when_it_is_met() -> None:
    house = House()
    await house.ask(QUESTION)
    await house.cache.purge(Selection(tenant="acme"))

    assert (await found(house.cache, key_of(VARIANT)))[0] is None
    assert len(house.recall) == 0


async def test_vectors_are_bounded_and_the_oldest_goes() -> None:
    house = House(max_vectors=2)
    for text in ("aaaa", "bbbb", "cccc"):
        await house.ask(asked(text), text)

    assert len(house.recall) == 2
    assert (await found(house.cache, key_of(asked("AAAA"))))[0] is None
    assert (await found(house.cache, key_of(asked("CCCC"))))[0] == answered("cccc")


async def test_vectors_of_answers_that_never_come_are_bounded() -> None:
    house = House()
    for number in range(MAX_WAITING + 10):
        await house.cache.get_similar_response(key_of(asked(f"Question {number}")), facts(f"row {number}"))

    assert house.meaning.waiting == MAX_WAITING


async def test_an_answer_that_is_not_kept_gives_its_vector_back() -> None:
    house, noted = House(), facts()
    await house.cache.get_similar_response(key_of(QUESTION), noted)

    house.cache.store(key_of(QUESTION), answered(finish_reasons=("length",)), noted)

    assert (house.meaning.waiting, len(house.recall)) == (0, 0)


async def test_the_spent_milliseconds_are_noted() -> None:
    house, noted = House(), facts()
    times = iter([10.0, 10.25])
    cache = SemanticCache(house.store, clock=house.clock, monotonic=lambda: next(times))

    await cache.get_similar_response(key_of(QUESTION), noted)

    assert noted.cache_ms == 250.0


async def test_with_the_exact_layer_off_a_repeat_is_served_as_a_near_question() -> None:
    house = House(exact=False)
    await house.ask(QUESTION)

    assert await house.ask(QUESTION) == "SEMANTIC-HIT"


async def test_a_large_scope_is_searched_beside_the_event_loop() -> None:
    calls = []

    async def offload(call: Any) -> Any:
        calls.append(call)
        return call()

    embedder = LetterEmbedder()
    recall = Recall(lambda: ScanIndex(26), offload=offload, max_entries=10_000)
    for number in range(2_001):
        packed = quantise(await embedder.embed("abcdefghijklmnopqrstuvwxyz"[: number % 26 + 1]))
        recall.remember(b"s", b"%d" % number, packed)
    vector = await embedder.embed("abc")

    found_in_large = await recall.nearest(b"s", vector, 5)
    recall.forget(b"0")
    await recall.nearest(b"s", vector, 5)

    assert len(calls) == 1
    assert len(found_in_large) == 5
    assert await recall.nearest(b"other", vector, 5) == []
