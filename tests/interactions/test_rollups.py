"""Rows add up: by hour, by who and by what, whole and exactly."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.interactions.rollups import (
    DIMENSIONS,
    Place,
    Sums,
    coarser,
    place_of,
    roll_up,
)
from synthlang_router.interactions.sketch import bucket
from tests.interactions.records import row

HOUR = 3600.0
ROWS = st.builds(
    row,
    st.uuids().map(str),
    arrived=st.integers(0, 100).map(lambda n: 1_700_000_000.0 + n * 1234.5),
    tenant=st.sampled_from(["a", "b"]),
    project=st.sampled_from(["", "p"]),
    key_id=st.sampled_from(["k1", "k2"]),
    model=st.sampled_from(["m1", "m2"]),
    provider=st.sampled_from(["", "openai"]),
    status=st.sampled_from([200, 429]),
    cost=st.none() | st.floats(0, 10),
    usage_source=st.sampled_from(["provider", "cache"]),
    cache=st.sampled_from([None, "HIT", "SEMANTIC-HIT", "COALESCED", "MISS", "BYPASS"]),
    saved=st.sampled_from([[], [["cache", 0.25]], [["routing", -0.5], ["compression", 0.125]]]),
    tokens=st.sampled_from([{}, {"prompt": 10, "completion": 5, "cached": 3}]),
    timings=st.sampled_from([{"total": 5.0}, {"total": 900.0, "first_token": 12.0}]),
)


def test_a_row_adds_what_it_used_and_cost() -> None:
    one = row(
        provider="openai",
        model="m",
        project="p",
        tokens={"prompt": 100, "completion": 50, "cached": 20},
        usage_source="provider",
        cost=0.000_000_123,
        saved=[["routing", 0.5]],
        tokens_saved=7,
        cache="MISS",
        timings={"total": 120.0, "first_token": 40.0},
    )

    ((place, sums),) = roll_up([one]).items()

    assert place == Place(1_700_000_000 // 3600, "acme", "p", "key-1", "m", "openai", 200)
    assert sums == Sums(
        requests=1,
        prompt_tokens=100,
        completion_tokens=50,
        cached_tokens=20,
        saved_tokens=7,
        cost_nano=123,
        saved_nano=500_000_000,
        misses=1,
        latency={bucket(120.0): 1},
        first_token={bucket(40.0): 1},
    )


def test_tokens_out_of_the_cache_are_not_those_of_the_provider() -> None:
    ((_, sums),) = roll_up(
        [row(usage_source="cache", cache="HIT", tokens={"prompt": 9, "completion": 1})]
    ).items()

    assert (sums.prompt_tokens, sums.completion_tokens, sums.reused_tokens, sums.hits) == (0, 0, 10, 1)


def test_an_unknown_cost_is_counted_and_not_taken_for_zero() -> None:
    (sums,) = roll_up([row("a", cost=None), row("b", cost=0.0), row("c", cost=1.0)]).values()

    assert (sums.requests, sums.unpriced, sums.cost_nano) == (3, 1, 10**9)


def test_names_that_clients_made_up_do_not_become_cells() -> None:
    made_up = [row(str(n), model=f"no-such-model-{n}", status=404, outcome="failed") for n in range(50)]

    assert len(roll_up(made_up)) == 1


@given(st.lists(ROWS, max_size=30), st.integers(0, 30))
def test_sums_do_not_depend_on_how_rows_were_batched(rows: list, cut: int) -> None:  # type: ignore[type-arg]
    first, second = roll_up(rows[:cut]), roll_up(rows[cut:])
    for place, sums in second.items():
        first.setdefault(place, Sums()).merge(sums)

    assert first == roll_up(rows)


@given(st.lists(ROWS, max_size=30))
def test_coarser_cells_hold_the_same_in_all(rows: list) -> None:  # type: ignore[type-arg]
    fine = roll_up(rows)

    for keep, hours in ((DIMENSIONS, 24), (("tenant",), 1), ((), 24)):
        coarse = coarser(fine, keep, hours)
        whole, again = Sums(), Sums()
        for sums in fine.values():
            whole.merge(sums)
        for sums in coarse.values():
            again.merge(sums)
        assert whole == again
        assert len(coarse) <= len(fine)
        assert all(place.hour % hours == 0 for place in coarse)


def test_a_place_keeps_what_is_kept_and_no_more() -> None:
    fine = roll_up([row("a", tenant="a"), row("b", tenant="b", arrived=1_700_003_600.0)])

    assert {place.tenant for place in coarser(fine, ("tenant",), 1)} == {"a", "b"}
    assert len(coarser(fine, (), 24)) == 1
    assert place_of(row(arrived=-5.0)).hour == 0
    assert msgspec.structs.asdict(next(iter(coarser(fine, (), 24))))["key_id"] == ""
