"""`UsearchIndex` behaves as the scan does, and finds nearly all the scan finds."""

import numpy as np
import pytest

from synthlang_router.cache.vectors import Floats, ScanIndex, VectorIndex, quantise

usearch = pytest.importorskip(
    "synthlang_router.cache.vectors_usearch", reason="the package usearch is optional"
)

SIZE = 32


def directions(count: int) -> Floats:
    """Some hundred groups of similar directions, as questions are."""
    random = np.random.default_rng(11)
    centres = random.normal(size=(100, SIZE))
    raw = centres[random.integers(0, 100, count)] + 0.5 * random.normal(size=(count, SIZE))
    unit: Floats = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    return unit


@pytest.fixture
def index() -> VectorIndex:
    made: VectorIndex = usearch.UsearchIndex(SIZE)
    return made


def test_an_empty_index_finds_nothing(index: VectorIndex) -> None:
    assert index.top_k(directions(1)[0], 5) == []


def test_it_finds_nearly_all_the_scan_finds_with_the_same_similarities(index: VectorIndex) -> None:
    vectors, scan = directions(3000), ScanIndex(SIZE)
    for key, vector in enumerate(vectors[100:]):
        index.add(key, quantise(vector))
        scan.add(key, quantise(vector))

    kept = 0
    for query in vectors[:100]:
        found, exact = index.top_k(query, 5), dict(scan.top_k(query, 5))
        shared = [one for one in found if one.key in exact]
        kept += len(shared)
        for one in shared:
            assert one.similarity == pytest.approx(exact[one.key], abs=0.01)

    assert kept / 500 >= 0.95


def test_removed_and_replaced_entries_are_gone_even_after_many(index: VectorIndex) -> None:
    vectors = directions(1200)
    packed = [quantise(vector) for vector in vectors]
    for key in range(1200):
        index.add(key, packed[key])
        if key >= 200:
            assert index.remove(key - 200)
    index.add(1199, packed[0])

    assert len(index) == 200
    assert not index.remove(0)
    assert index.top_k(vectors[0], 1)[0].key == 1199
    assert {one.key for query in vectors[:50] for one in index.top_k(query, 5)} <= set(range(1000, 1200))


@pytest.mark.parametrize(("key", "size"), [(1, SIZE * 2), (-1, SIZE)])
def test_what_does_not_belong_into_the_index_is_refused(index: VectorIndex, key: int, size: int) -> None:
    with pytest.raises(ValueError, match="another model"):
        index.add(key, quantise(np.full(size, 0.1, dtype=np.float32)))
