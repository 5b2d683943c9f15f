"""Many durations in little room: quantiles within 5 %, merging exact."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.interactions.sketch import bucket, merge, pack, quantile, unpack

DURATIONS = st.floats(0.11, 1e8)


def sketched(durations: list[float]) -> dict[int, int]:
    sketch: dict[int, int] = {}
    for duration in durations:
        merge(sketch, {bucket(duration): 1})
    return sketch


@given(st.lists(DURATIONS, min_size=1, max_size=50), st.sampled_from([0.01, 0.5, 0.95, 1.0]))
def test_a_quantile_is_within_five_percent_of_a_true_one(durations: list[float], share: float) -> None:
    found = quantile(sketched(durations), share)

    exact = sorted(durations)[max(0, math.ceil(share * len(durations)) - 1)]
    assert found is not None
    assert abs(found - exact) <= 0.0501 * exact


@given(st.lists(DURATIONS, max_size=30), st.lists(DURATIONS, max_size=30))
def test_sketches_of_parts_merge_into_the_sketch_of_the_whole(
    first: list[float], second: list[float]
) -> None:
    merged = sketched(second)
    merge(merged, sketched(first))

    assert merged == sketched(first + second)
    assert pack(merged) == pack(sketched(first + second))


@given(st.dictionaries(st.integers(0, 255), st.integers(1, 2**60)))
def test_sketches_are_read_back_as_they_were_packed(sketch: dict[int, int]) -> None:
    assert unpack(pack(sketch)) == sketch


@given(st.floats(allow_nan=False))
def test_any_duration_has_a_bucket(duration: float) -> None:
    assert 0 <= bucket(duration) <= 255


def test_nothing_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None
