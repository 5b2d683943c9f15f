"""The scan finds what a plain comparison of all vectors finds, whatever was added and removed before."""

import itertools
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synthlang_router.cache.minilm import MiniLM
from synthlang_router.cache.vectors import BLOCK, Floats, Neighbour, ScanIndex, quantise, unpack

SIZE = 8


def directions(count: int, *, seed: int = 7, size: int = SIZE) -> Floats:
    raw = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    unit: Floats = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return unit


def plainly(entries: dict[int, bytes], query: Floats, k: int) -> list[Neighbour]:
    """The oracle: one dot product after another."""
    found = []
    for key, packed in entries.items():
        scale, codes = unpack(packed)
        vector: NDArray[np.float64] = codes.astype(np.float64) * scale
        found.append(Neighbour(key, float(vector @ query)))
    return sorted(found, key=lambda one: (-one.similarity, one.key))[:k]


def assert_same(found: list[Neighbour], expected: list[Neighbour]) -> None:
    # Equally near ones may change places where the last bit of a float differs.
    assert len(found) == len(expected)
    assert [one.similarity for one in found] == pytest.approx(
        [min(1.0, one.similarity) for one in expected], abs=1e-5
    )


def test_a_packed_vector_comes_back_within_half_a_step() -> None:
    for vector in directions(50, size=384):
        scale, codes = unpack(quantise(vector))

        assert np.abs(codes * np.float32(scale) - vector).max() <= scale * 0.5001
        assert len(quantise(vector)) == 4 + 384


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_vector_without_direction_is_not_packed(value: float) -> None:
    with pytest.raises(ValueError, match="direction"):
        quantise(np.full(SIZE, value, dtype=np.float32))


def test_an_empty_index_finds_nothing() -> None:
    assert ScanIndex(SIZE).top_k(directions(1)[0], 5) == []


def test_the_nearest_come_first_and_no_more_than_asked_for() -> None:
    vectors = directions(1000)
    entries = {key: quantise(vector) for key, vector in enumerate(vectors)}
    index = ScanIndex(SIZE)
    for key, packed in entries.items():
        index.add(key, packed)

    found = index.top_k(vectors[123], 5)

    assert found[0].key == 123
    assert found[0].similarity == pytest.approx(1.0, abs=0.01)
    assert_same(found, plainly(entries, vectors[123], 5))


def test_equal_vectors_are_ordered_by_key_and_never_nearer_than_one() -> None:
    vector, index = directions(1)[0], ScanIndex(SIZE)
    for key in (9, 3, 6):
        index.add(key, quantise(vector))

    found = index.top_k(vector, 3)

    assert [one.key for one in found] == [3, 6, 9]
    assert all(one.similarity <= 1.0 for one in found)


def test_a_key_that_is_added_again_has_only_its_new_vector() -> None:
    old, new = directions(2)
    index = ScanIndex(SIZE)
    index.add(1, quantise(old))

    index.add(1, quantise(new))

    assert len(index) == 1
    (found,) = index.top_k(new, 5)
    assert found.key == 1
    assert found.similarity == pytest.approx(1.0, abs=0.01)


def test_a_removed_key_is_not_found_and_cannot_be_removed_twice() -> None:
    one, two = directions(2)
    index = ScanIndex(SIZE)
    index.add(1, quantise(one))
    index.add(2, quantise(two))

    assert index.remove(1)
    assert not index.remove(1)

    assert [neighbour.key for neighbour in index.top_k(one, 5)] == [2]


@pytest.mark.parametrize(("key", "size"), [(1, SIZE + 1), (-1, SIZE)])
def test_what_does_not_belong_into_the_index_is_refused(key: int, size: int) -> None:
    with pytest.raises(ValueError, match="another model"):
        ScanIndex(SIZE).add(key, quantise(directions(1, size=size)[0]))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=60), st.integers(1, 8))
def test_after_any_changes_the_scan_agrees_with_a_plain_comparison(
    changes: list[tuple[bool, int]], k: int
) -> None:
    vectors = directions(402)
    index, entries = ScanIndex(SIZE), dict[int, bytes]()
    for key in range(0, 400, 1 + len(changes) % 7):
        entries[key] = quantise(vectors[key])
        index.add(key, entries[key])

    for adds, key in changes:
        if adds:
            entries[key] = quantise(vectors[key + 1])
            index.add(key, entries[key])
        else:
            assert index.remove(key) == (entries.pop(key, None) is not None)

    assert len(index) == len(entries)
    assert_same(index.top_k(vectors[401], k), plainly(entries, vectors[401], k))


def test_removing_gives_the_room_back() -> None:
    vectors = [quantise(vector) for vector in directions(40 * BLOCK)]
    index = ScanIndex(SIZE)
    for key, packed in enumerate(vectors):
        index.add(key, packed)

    for key in range(len(vectors)):
        if key % 40:
            index.remove(key)

    assert len(index) == BLOCK
    assert index.rows_held <= 2 * BLOCK + BLOCK


def test_a_window_that_moves_over_many_entries_stays_small() -> None:
    vectors, index = directions(64), ScanIndex(SIZE)
    for key in range(20 * BLOCK):
        index.add(key, quantise(vectors[key % 64]))
        if key >= 300:
            index.remove(key - 300)

    assert len(index) == 300
    assert index.rows_held <= 2 * 300 + BLOCK


def test_a_scope_of_three_entries_holds_four_rows() -> None:
    index = ScanIndex(SIZE)
    for key, vector in enumerate(directions(3)):
        index.add(key, quantise(vector))

    assert index.rows_held == 4


def test_the_oldest_row_is_given_as_it_was_packed() -> None:
    packed, index = [quantise(vector) for vector in directions(3)], ScanIndex(SIZE)
    assert index.oldest() is None
    for key in range(3):
        index.add(key, packed[key])
    index.remove(0)

    assert index.oldest() == (1, packed[1])


def test_a_search_in_another_thread_always_finds_the_entry_that_nobody_touches() -> None:
    vectors, index = directions(2000), ScanIndex(SIZE)
    packed = [quantise(vector) for vector in vectors]
    index.add(0, packed[0])
    stop, found = threading.Event(), list[int]()

    def search() -> None:
        while not stop.is_set():
            found.append(index.top_k(vectors[0], 1)[0].key)

    thread = threading.Thread(target=search)
    thread.start()
    for key in itertools.chain(range(1, 2000), range(1, 2000)):
        if not index.remove(key):
            index.add(key, packed[key])
    stop.set()
    thread.join()

    assert set(found) == {0}


def questions() -> list[str]:
    verbs = ["reset", "change", "find", "delete", "share", "export", "print"]
    things = ["my password", "the invoice", "a photo album", "our calendar", "the tax form", "this recipe"]
    places = ["on my phone", "from Lisbon", "at work", "in the old account", "for my daughter", "by Friday"]
    return [
        f"How do I {verb} {thing} {place}?" for verb, thing, place in itertools.product(verbs, things, places)
    ]


def test_int8_keeps_the_ranking_of_real_embeddings() -> None:
    model = MiniLM()
    embedded = [model.embed(question) for question in questions()]
    vectors = np.stack([vector for vector in embedded if vector is not None])
    index = ScanIndex(vectors.shape[1])
    for key, vector in enumerate(vectors[50:]):
        index.add(key, quantise(vector))

    kept = 0
    for query in vectors[:50]:
        exact = vectors[50:] @ query
        found = index.top_k(query, 5)
        kept += len({one.key for one in found} & set(np.argsort(-exact)[:5].tolist()))
        for one in found:
            assert one.similarity == pytest.approx(float(exact[one.key]), abs=0.005)

    assert kept / (50 * 5) >= 0.95
