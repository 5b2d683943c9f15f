"""Numbered lines and lines found by a search are told from other lines."""

from __future__ import annotations

import pytest

from synthlang_router.synthlang.listings import find_listings
from synthlang_router.synthlang.segments import find_data

NUMBERED = "\n".join(f"{n:>4}: code {n}" for n in range(95, 120))
FOUND = "\n".join(f"src/app/main.py:{n * 7}:    self.value = {n}" for n in range(12))


@pytest.mark.parametrize("listing", [NUMBERED, FOUND])
def test_a_listing_is_found_with_what_stands_around_it_left_out(listing: str) -> None:
    text = f"[File: a.py]\n{listing}\nWhat is wrong here?"

    (found,) = find_listings(text)

    assert text[found.start : found.end] == listing


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(NUMBERED.split("\n")[:7]),
        "\n".join(f"{n}. Do the thing." for n in range(20)),
        "\n".join(f"Note {n}: do the thing" for n in range(20)),
        NUMBERED.replace("\n", "\n\n"),
    ],
    ids=["few", "a list", "notes", "spread"],
)
def test_other_lines_are_no_listing(text: str) -> None:
    assert list(find_listings(text)) == []


def test_listings_are_data_where_they_were_asked_for_and_never_in_fences_or_instructions() -> None:
    assert [segment.kind for segment in find_data(NUMBERED, "user", listings=True)] == ["text"]
    assert find_data(NUMBERED, "user") == []
    assert find_data(NUMBERED, "system", listings=True) == []
    assert find_data(f"```python\n{NUMBERED}\n```", "user", listings=True) == []
