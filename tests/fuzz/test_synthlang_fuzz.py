"""Whatever the text, it comes back byte for byte, and no encoding gets longer.

`make fuzz` runs a million generated cases (`SYNTHLANG_FUZZ_CASES` sets another number); the suite runs a few hundred
of the same kind.
"""

from __future__ import annotations

import os

import pytest

from synthlang_router.synthlang import ENCODINGS, count_tokens
from synthlang_router.synthlang.codec import LosslessLevel, encode
from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.references import Earlier
from tests.synthlang.generated import case, large

LEVELS: tuple[LosslessLevel, ...] = ("exact", "readable", "session")


def check(seed: int) -> None:
    text, role, level, before = case(seed)
    earlier = Earlier()
    for number, other in enumerate(before, 1):
        earlier.add(number, other)

    coded = encode(text, role, level, earlier)

    if coded is not None:
        assert read_text(coded.stored, earlier) == text, seed
        assert all(count_tokens(coded.sent, name) <= count_tokens(text, name) for name in ENCODINGS), seed


@pytest.mark.parametrize("block", range(20))
def test_generated_texts_come_back_and_get_no_longer(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        check(seed)


@pytest.mark.parametrize("block", range(5))
def test_large_tables_of_any_kind_get_no_longer_in_any_encoding(block: int) -> None:
    for seed in range(block * 10, block * 10 + 10):
        text = large(seed)
        for level in LEVELS:
            coded = encode(text, "tool", level)

            if coded is not None:
                assert read_text(coded.stored) == text, seed
                assert all(
                    count_tokens(coded.sent, name) <= count_tokens(text, name) for name in ENCODINGS
                ), seed


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_a_million_generated_texts_come_back_and_get_no_longer() -> None:
    for seed in range(int(os.environ.get("SYNTHLANG_FUZZ_CASES", "1000000"))):
        check(seed)
