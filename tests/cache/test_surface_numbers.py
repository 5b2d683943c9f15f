"""Numbers, dates, times and amounts come into one notation where they have one meaning."""

import pytest

from synthlang_router.cache.surface import normal_form, tokenise
from synthlang_router.cache.surface_numbers import in_one_notation


def canons(text: str) -> list[str]:
    return [token.canon for token in in_one_notation(tokenise(normal_form(text)))[:-1]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("thirty-five", ["35"]),
        ("two hundred and thirty", ["230"]),
        ("three thousand two hundred", ["3200"]),
        ("5 million", ["5000000"]),
        ("1,234,567", ["1234567"]),
        ("1.234", ["1.234"]),
        ("twenty, five", ["20", "5"]),
        ("twenty eleven", ["20", "11"]),
        ("five three", ["5", "3"]),
        ("15th", ["#15"]),
        ("fifteenth", ["#15"]),
        ("9:30 pm", ["21:30"]),
        ("12 am", ["00:00"]),
        ("12 pm", ["12:00"]),
        ("31/12/2025", ["month12", "31", "2025"]),
        ("3/4/2025", ["3/4/2025"]),
        ("July 1", ["month7", "1"]),
        ("1st July", ["month7", "1"]),
        ("$100", ["100", "dollar"]),
        ("100€", ["100", "euro"]),
        ("八千五百", ["8500"]),
        ("两万", ["20000"]),
        ('"ten"', ["ten"]),
    ],
)
def test_a_number_reads_the_same_in_every_notation(text: str, expected: list[str]) -> None:
    assert canons(text) == expected
