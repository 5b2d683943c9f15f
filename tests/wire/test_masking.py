"""What of a provider's message reaches the caller."""

from __future__ import annotations

import pytest

from synthlang_router.wire.masking import MAX_MESSAGE, clean


@pytest.mark.parametrize(
    "message",
    [
        "Incorrect API key provided: sk-proj-abcd1234efgh5678.",
        "Incorrect API key provided: sk-ab12****************wxyz.",
        "Bad key gsk_abcdefghijklmnop in use",
        "invalid x-api-key sk-ant-api03-AbCdEfGh_IjKl-MnOp",
        "API key AIzaSyD-abcdefghijklmnop not valid",
        "header was Bearer abcdef.123456",
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc expired",
        "Rate limit reached in organization org-Ab12Cd34Ef56Gh78",
        "Project proj_Ab12Cd34Ef56 is archived",
        "upstream 10.0.3.17:8000 refused",
        "connect to [fd00::12:3]:8000 failed",
        "no route to vllm-7.models.svc.cluster.local:8000",
        "http://llm.example.test:9000/v1/chat failed",
        "see https://openai.com.evil.example/keys",
        "localhost:11434 is not up",
    ],
)
def test_keys_hosts_and_accounts_are_masked(message: str) -> None:
    cleaned = clean(message)

    assert "[hidden]" in cleaned
    for told in (
        "abcd",
        "ab12",
        "AbCd",
        "Ab12",
        "AIza",
        "eyJ",
        "10.0",
        "fd00",
        "cluster",
        "example",
        "localhost",
    ):
        assert told not in cleaned


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130004 tokens.",
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
        "Invalid schema for function 'get_weather': In context=('properties', 'city'), 'type' is not permitted.",
        "You exceeded your current quota. See https://platform.openai.com/docs/guides/error-codes/api-errors.",
        "Invalid 'messages[0].content[1].image_url.url': expected a valid URL.",
        "model gpt-4o-2024-08-06 v1.2.3 is overloaded; user-facing help is at hand",
        "Unknown parameter: 'key-value'.",
    ],
)
def test_what_developers_read_stays_as_it_was(message: str) -> None:
    assert clean(message) == message


def test_given_secrets_are_masked_wherever_they_stand_the_longest_first() -> None:
    assert clean("a plainsecret-and-more b plainsecret", ["plainsecret", "plainsecret-and-more"]) == (
        "a [hidden] b [hidden]"
    )


def test_a_secret_too_short_to_be_one_masks_nothing() -> None:
    assert clean("the cat sat", ["", "cat"]) == "the cat sat"


def test_a_long_message_is_capped_and_a_secret_at_the_cap_does_not_show_its_head() -> None:
    long = "x" * (MAX_MESSAGE - 5) + " sk-proj-abcdefghijklmnop " + "y" * MAX_MESSAGE

    cleaned = clean(long)

    assert len(cleaned) <= MAX_MESSAGE
    assert "sk-" not in cleaned
    assert clean("x" * 20_000 + "topsecret", ["topsecret"]).count("s") == 0
