"""`GrowingIndex`: one index to its owner, whichever of its two layers an entry lies in."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.cache.vectors import Floats, ScanIndex, VectorIndex, quantise
from synthlang_router.cache.vectors_growing import GrowingIndex

SIZE = 8
RAW = np.random.default_rng(3).normal(size=(500, SIZE)).astype(np.float32)
VECTORS: Floats = RAW / np.linalg.norm(RAW, axis=1, keepdims=True)
PACKED = [quantise(vector) for vector in VECTORS]


def grown(entries: int, *, settled: int) -> GrowingIndex:
    index = GrowingIndex(SIZE, large=ScanIndex, threshold=10)
    for key in range(entries):
        index.add(key, PACKED[key])
    index.settle(settled)
    return index


def test_a_small_scope_never_makes_a_graph() -> None:
    def none_wanted(dimensions: int) -> VectorIndex:
        raise AssertionError(f"a graph of {dimensions} dimensions for ten entries")

    index = GrowingIndex(SIZE, large=none_wanted, threshold=10)
    for key in range(10):
        index.add(key, PACKED[key])

    index.settle(100)

    assert index.settled
    assert len(index) == 10


def test_without_a_graph_a_large_scope_stays_in_the_scan() -> None:
    index = GrowingIndex(SIZE, threshold=10)
    for key in range(100):
        index.add(key, PACKED[key])

    index.settle(100)

    assert index.settled
    assert index.top_k(VECTORS[42], 1)[0].key == 42


@pytest.mark.parametrize("settled", [0, 1, 50, 100, 1000])
def test_every_entry_is_found_however_far_it_is_settled(settled: int) -> None:
    index = grown(100, settled=settled)

    assert len(index) == 100
    assert index.settled == (settled >= 100)
    assert [index.top_k(VECTORS[key], 1)[0].key for key in range(100)] == list(range(100))


def test_an_entry_added_to_a_settled_scope_is_found_and_then_settled_too() -> None:
    index = grown(100, settled=100)

    index.add(100, PACKED[100])

    assert not index.settled
    assert index.top_k(VECTORS[100], 1)[0].key == 100
    index.settle(1)
    assert index.settled
    assert index.top_k(VECTORS[100], 1)[0].key == 100


def test_a_new_vector_replaces_a_settled_one() -> None:
    index = grown(100, settled=100)

    index.add(7, PACKED[200])

    assert len(index) == 100
    assert index.top_k(VECTORS[200], 1)[0].key == 7
    assert index.top_k(VECTORS[7], 1)[0].key != 7


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "settle"]), st.integers(0, 40)), max_size=80))
def test_after_any_changes_it_agrees_with_one_scan(changes: list[tuple[str, int]]) -> None:
    index, plain = GrowingIndex(SIZE, large=ScanIndex, threshold=10), ScanIndex(SIZE)

    for change, key in changes:
        if change == "add":
            index.add(key, PACKED[key])
            plain.add(key, PACKED[key])
        elif change == "remove":
            assert index.remove(key) == plain.remove(key)
        else:
            index.settle(key)

    assert len(index) == len(plain)
    assert index.top_k(VECTORS[499], 5) == plain.top_k(VECTORS[499], 5)


def test_an_entry_that_is_removed_while_others_settle_stays_removed() -> None:
    index = grown(400, settled=0)
    settling = threading.Thread(target=index.settle, args=(1000,))

    settling.start()
    for key in range(0, 400, 2):
        assert index.remove(key)
    settling.join()

    assert len(index) == 200
    assert {one.key % 2 for one in index.top_k(VECTORS[0], 400)} == {1}
