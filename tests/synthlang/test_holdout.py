"""A share of the conversations is held out whole."""

from __future__ import annotations

import pytest

from synthlang_router.synthlang.holdout import held_out


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
