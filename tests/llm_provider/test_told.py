"""What a provider tells in its headers."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.llm_provider.told import passed_on, resets_in, retry_after, should_retry

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "7", "retry-after-ms": "6100"}, 6.1),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_a_wait_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_no_value_of_a_header_is_too_strange(text: str) -> None:
    seconds = retry_after({"retry-after": text, "retry-after-ms": text}, NOW)

    assert seconds is None or seconds >= 0
    resets_in({"x-ratelimit-reset-requests": text, "x-ratelimit-reset-tokens": text})
    should_retry({"x-should-retry": text})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "1.5s"}, 1.5),
        ({"x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-requests": "5"}, None),
        ({"x-ratelimit-reset-tokens": "12"}, 12.0),
        ({"x-ratelimit-reset-tokens": "2026-01-01T00:00:00Z"}, None),
    ],
)
def test_the_reset_of_the_limit_that_is_used_up_is_read(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert resets_in(headers) == seconds


def test_only_harmless_headers_are_passed_on_and_under_names_of_their_own() -> None:
    headers = {
        "openai-version": "v",
        "openai-processing-ms": "5",
        "x-ratelimit-limit-tokens": "9",
        "anthropic-ratelimit-requests-limit": "8",
        "retry-after": "1",
        "x-should-retry": "true",
        "set-cookie": "a=b",
        "openai-organization": "acme",
        "openai-project": "proj",
        "x-request-id": "req",
        "cf-ray": "x",
        "server": "x",
    }

    assert dict(passed_on(headers)) == {
        "openai-version": "v",
        "x-upstream-processing-ms": "5",
        "x-upstream-ratelimit-limit-tokens": "9",
        "anthropic-ratelimit-requests-limit": "8",
        "retry-after": "1",
        "x-should-retry": "true",
    }


@pytest.mark.parametrize("value", ["a\r\nx: y", "ümlaut", "x" * 2_000, "\x00"])
def test_values_that_are_no_header_are_not_passed_on(value: str) -> None:
    assert passed_on({"openai-version": value}) == ()


@pytest.mark.parametrize(
    ("value", "verdict"), [("true", True), (" False ", False), ("maybe", None), ("", None)]
)
def test_the_word_on_retrying_is_read(value: str, verdict: bool | None) -> None:
    assert should_retry({"x-should-retry": value}) is verdict
