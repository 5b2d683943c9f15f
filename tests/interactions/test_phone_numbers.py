"""Telephone numbers as people of a region write them, and nothing that only looks like one."""

from __future__ import annotations

import pytest

from synthlang_router.errors import ConfigurationError
from synthlang_router.interactions import phone_numbers
from synthlang_router.interactions.masking import Placeholders, mask_text
from synthlang_router.interactions.phone_numbers import MAX_CHECKED, detectors_for

GERMAN = detectors_for(("DE",))


def masked(text: str) -> str:
    return mask_text(text, Placeholders(detectors=GERMAN))


@pytest.mark.parametrize(
    "number", ["030 901820", "0171 1234567", "0171/1234567", "(030) 901820", "+49 30 901820"]
)
def test_a_number_is_known_however_it_is_set(number: str) -> None:
    assert masked(f"Call {number}, please.") == "Call [PHONE_1], please."


@pytest.mark.parametrize(
    "text",
    [
        "on 2024-01-15",
        "version 1.20.300",
        "order 12345678",
        "ISBN 978-3-16-148410-0",
        "0.0012345",
        "10 000 000",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert masked(text) == text


def test_another_regions_numbers_are_not_this_ones() -> None:
    assert mask_text("020 7946 0958", Placeholders(detectors=detectors_for(("GB",)))) == "[PHONE_1]"


def test_an_unknown_region_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        detectors_for(("XX",))


def test_over_the_bound_looks_are_taken_for_numbers_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def is_number(text: str, region: str) -> bool:
        checked.append(text)
        return False

    monkeypatch.setattr(phone_numbers, "_is_number", is_number)

    found = list(GERMAN["PHONE"]("012 3456, " * 2_000))

    assert len(checked) == MAX_CHECKED
    assert len(found) == 2_000 - MAX_CHECKED
