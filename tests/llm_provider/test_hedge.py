"""How many second calls there may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.llm_provider.hedge import MOST, SHARE, HedgeBudget, paid_in, paid_out


@given(st.lists(st.booleans(), max_size=500))
def test_second_calls_are_at_most_a_twentieth_of_the_first_ones(slow: list[bool]) -> None:
    budget, seconds = HedgeBudget(), 0
    for is_slow in slow:
        budget = paid_in(budget)
        left = paid_out(budget) if is_slow else None
        if left is not None:
            budget, seconds = left, seconds + 1
        assert budget.tokens <= MOST

    assert seconds <= SHARE * len(slow) + 1e-9
