"""Prices equal the library they were compiled from, and the invoices that one can work out by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.errors import ConfigurationError
from synthlang_router.interactions.prices import FEMTO, Match, Price, PriceTable, Rates, Units, units_of
from synthlang_router.models import Usage

NANO = FEMTO // 10**9
COUNTS = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "cache_read_tokens": "cached_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
    "input_audio_tokens": "audio_prompt_tokens",
    "output_audio_tokens": "audio_completion_tokens",
}
REFERENCES: list[tuple[str, str, dict[str, int], str | None, float, str]] = json.loads(
    (Path(__file__).parent / "price_references.json").read_text()
)


@cache
def table() -> PriceTable:
    return PriceTable.built_in()


def femto(provider: str, model: str, now: float, tier: str | None = None, **usage: int) -> int:
    found = table().find(provider, model)
    assert found is not None
    rates = table().rates(found, now, tier)
    assert rates is not None
    return rates.cost(Usage(**usage))


def test_every_reference_of_the_library_is_met_to_the_nano_dollar() -> None:
    wrong = [
        (provider, model, shape, tier)
        for provider, model, shape, tier, now, expected in REFERENCES
        if abs(
            femto(provider, model, now, tier, **{COUNTS[name]: count for name, count in shape.items()})
            - Decimal(expected)
        )
        > NANO
    ]

    assert wrong == []
    assert len({(provider, model) for provider, model, *_ in REFERENCES}) > 200
    assert len({tier for _, _, _, tier, _, _ in REFERENCES}) > 2


# Rates in USD per million tokens as on the providers' price pages; each line is an invoice worked out by hand.
GPT_4O = Units(input=2_500_000_000, output=10_000_000_000, cached=1_250_000_000)
AUDIO = Units(
    input=2_500_000_000, output=10_000_000_000, audio_input=40_000_000_000, audio_output=80_000_000_000
)
CLAUDE = Units(input=3_000_000_000, output=15_000_000_000, cached=300_000_000, cache_write=3_750_000_000)
TIERED = Units(
    input=[(-1, 1_250_000_000), (200_000, 2_500_000_000)],
    output=[(-1, 10_000_000_000), (200_000, 15_000_000_000)],
)


@pytest.mark.parametrize(
    ("units", "usage", "usd"),
    [
        (GPT_4O, Usage(1_000_000, 0), "2.5"),
        (GPT_4O, Usage(1000, 500), "0.0075"),
        (GPT_4O, Usage(2006, 300, cached_tokens=1920), "0.005615"),  # 86 fresh, 1,920 at half the rate
        (GPT_4O, Usage(100, 50, reasoning_tokens=40), "0.00075"),  # reasoning is output, and paid once
        (AUDIO, Usage(1100, 1200, audio_prompt_tokens=1000, audio_completion_tokens=1000), "0.12225"),
        (CLAUDE, Usage(100_000, 100, cached_tokens=80_000, cache_write_tokens=15_000), "0.09675"),
        (TIERED, Usage(200_000, 10), "0.2501"),
        (TIERED, Usage(200_001, 10), "0.5001525"),  # over the threshold all tokens pay the higher rate
        (Units(request=5 * 10**12), Usage(10, 10), "0.005"),
        (Units(input=1), Usage(0, 0), "0"),
    ],
)
def test_invoices_worked_out_by_hand_are_met_exactly(units: Units, usage: Usage, usd: str) -> None:
    assert Decimal(Rates(units).cost(usage)) / FEMTO == Decimal(usd)


@given(st.lists(st.integers(0, 10**6), min_size=7, max_size=7))
def test_a_cost_is_never_negative_whatever_a_provider_reports(counts: list[int]) -> None:
    for units in (GPT_4O, AUDIO, CLAUDE, TIERED):
        assert Rates(units).cost(Usage(*counts)) >= 0


def test_a_dated_name_finds_its_model_in_either_spelling() -> None:
    dashed, compact = (table().find("openai", name) for name in ("gpt-4o-2024-08-06", "GPT-4o-20240806"))

    assert dashed is not None
    assert dashed is compact


def test_a_provider_that_serves_anothers_models_has_their_prices() -> None:
    assert table().find("azure", "claude-3-haiku") is table().find("anthropic", "claude-3-haiku")


def test_what_nobody_knows_has_no_price() -> None:
    assert table().find("openai", "my-own-model") is None
    assert table().find("nobody", "gpt-4o") is None


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://api.anthropic.com", "anthropic"),
        ("http://127.0.0.1:11434/v1", None),
        ("https://evil.example/api.openai.com", None),
    ],
)
def test_a_price_provider_is_found_by_where_its_api_is(url: str, provider: str | None) -> None:
    assert table().provider_at(url) == provider


def test_what_was_looked_up_is_remembered_within_a_bound() -> None:
    small = PriceTable.built_in()

    for number in range(5000):
        small.find("groq", f"unknown-{number}")

    assert len(small._models) == 4096


@pytest.mark.parametrize(
    ("match", "name", "fits"),
    [
        (Match(equals="GPT"), "gpt", True),
        (Match(starts_with="g"), "gpt", True),
        (Match(ends_with="g"), "gpt", False),
        (Match(contains="P"), "gpt", True),
        (Match(regex="^g.t$"), "gpt", True),
        (Match(any_of=(Match(equals="a"), Match(equals="gpt"))), "gpt", True),
        (Match(all_of=(Match(contains="a"), Match(contains="g"))), "gpt", False),
        (Match(), "gpt", False),
    ],
)
def test_names_are_matched_by_any_clause(match: Match, name: str, fits: bool) -> None:
    assert match.fits(name) is fits


def test_prices_hold_from_their_day_and_in_their_hours() -> None:
    day = 86_400.0

    assert not Price(Units(), since=int(day)).active(day - 1)
    assert Price(Units(), since=int(day)).active(day)
    night = Price(Units(), begins=16 * 3600, ends=3600)
    assert [night.active(hour * 3600.0) for hour in (0, 1, 15, 16, 24)] == [True, False, False, True, True]
    noon = Price(Units(), begins=11 * 3600, ends=13 * 3600)
    assert [noon.active(day + hour * 3600.0) for hour in (10, 11, 13)] == [False, True, False]


def test_an_operators_rates_are_dollars_a_million_tokens() -> None:
    units = units_of({"input": 0.15, "output": 3, "request": 0.01}, "prices.local/llama")

    assert units == Units(input=150_000_000, output=3_000_000_000, request=10**13)


@pytest.mark.parametrize(
    "rates", [{"inptu": 1}, {"input": -1}, {"input": "1"}, {"input": True}, {"input": float("nan")}]
)
def test_rates_that_are_none_are_named(rates: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"prices\.x"):
        units_of(rates, "prices.x")
