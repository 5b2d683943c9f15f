"""A share of the conversations is held out whole, and the saving is what the two arms differ in."""

from __future__ import annotations

import pytest

from synthlang_router.synthlang.holdout import Observed, held_out, measured_saving


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_the_share_held_out_is_the_share_asked_for(share: float) -> None:
    count = sum(held_out(f"conversation {n}".encode(), share) for n in range(20_000))

    assert abs(count / 20_000 - share) < 0.015


def test_nobody_or_everybody_can_be_held_out() -> None:
    assert not any(held_out(bytes([n]), 0.0) for n in range(256))
    assert all(held_out(bytes([n]), 1.0) for n in range(256))


def test_a_larger_share_holds_out_all_that_a_smaller_one_does() -> None:
    keys = [str(n).encode() for n in range(2000)]

    assert {key for key in keys if held_out(key, 0.1)} <= {key for key in keys if held_out(key, 0.3)}


def row(*, held: bool, prompt: int, cost: float, failed: bool = False) -> Observed:
    return Observed(held, 1000, prompt, prompt // 2, 100, cost, failed, retried=False)


def test_the_saving_is_measured_against_the_uncompressed_arm() -> None:
    rows = [
        row(held=False, prompt=400, cost=0.5),
        row(held=False, prompt=600, cost=0.7),
        row(held=True, prompt=1000, cost=1.0, failed=True),
    ]

    measured = measured_saving(rows)

    assert measured.tokens_saved == pytest.approx(0.5)
    assert measured.cost_saved == pytest.approx(0.4)
    assert measured.original.error_rate == 1 and measured.compressed.error_rate == 0
    assert measured.compressed.cached_share == pytest.approx(0.5)
    assert measured.compressed.completion_tokens == 100


def test_without_an_arm_nothing_is_claimed() -> None:
    measured = measured_saving([row(held=False, prompt=400, cost=0.5)])

    assert measured.tokens_saved is None and measured.cost_saved is None
    assert measured_saving([]).compressed.requests == 0
