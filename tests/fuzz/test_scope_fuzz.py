"""Two requests that differ in one part that counts never share; those that differ in nothing that does always may.

`make fuzz` makes a million pairs (`SYNTHLANG_FUZZ_CASES` sets another number); the suite some thousand of the same kind.
"""

from __future__ import annotations

import os

import pytest

from tests.cache.generated_scopes import key, made


def check(seed: int) -> None:
    one, other, may_share = made(seed)
    first, second = key(one), key(other)

    assert not first.bypass, (seed, first.bypass)
    assert not second.bypass, (seed, second.bypass)
    assert (first.scope == second.scope) is may_share, seed
    assert (first.exact == second.exact) is may_share, seed


@pytest.mark.parametrize("block", range(10))
def test_generated_pairs_share_exactly_where_they_may(block: int) -> None:
    for seed in range(block * 300, block * 300 + 300):
        check(seed)


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_a_million_generated_pairs_share_exactly_where_they_may() -> None:
    for seed in range(int(os.environ.get("SYNTHLANG_FUZZ_CASES", "1000000"))):
        check(seed)
