"""The page that defines the notation is enough to read every frame: a decoder written from it alone agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from synthlang_router.synthlang.codec import encode
from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.grammar import LEGEND, NAMES, PREFIX, SIGNS
from synthlang_router.synthlang.references import Earlier
from tests.synthlang.generated import case
from tests.synthlang.second_decoder import decode

PAGE = Path(__file__).parents[2] / "docs" / "synthlang.md"


@pytest.mark.parametrize("block", range(20))
def test_a_decoder_written_from_the_page_reads_every_frame(block: int) -> None:
    for seed in range(10_000 + block * 100, 10_000 + block * 100 + 100):
        text, role, level, before = case(seed)
        earlier = Earlier()
        earlier.add(1, before[0])

        coded = encode(text, role, level, earlier)

        if coded is not None:
            assert decode(coded.stored, list(before)) == text, seed


def test_both_decoders_read_the_examples_of_the_page() -> None:
    blocks = re.findall(
        r"(?:^    .*\n(?:^\n(?=    ))?)+", PAGE.read_text().split("## Examples")[1], re.MULTILINE
    )
    parts = [re.sub(r"^    ", "", part, flags=re.MULTILINE) for part in "".join(blocks).split("\n\n")]
    examples = [part.strip("\n") for part in parts]

    assert len(examples) == 4
    for original, frame in zip(examples[::2], examples[1::2], strict=True):
        assert decode(frame, []) == read_text(frame) == original


def test_the_page_names_every_sign() -> None:
    page = PAGE.read_text()

    assert all(f"`{sign}`" in page for sign in SIGNS + PREFIX)
    assert f"`{NAMES}`" in page
    assert f"`{LEGEND}`" in page
