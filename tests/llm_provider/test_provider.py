"""A provider's addresses, headers and secrets."""

from __future__ import annotations

import pytest

from synthlang_router.errors import InvalidRequest
from synthlang_router.llm_provider import Provider, Secret, StreamTransport
from synthlang_router.llm_provider.provider import prepare
from synthlang_router.models import Wishes

PROVIDER = Provider(
    name="main",
    base_url="https://api.example.com/v1/",
    transport=StreamTransport(),
    api_key=Secret("sk-very-secret"),
    headers=(("X-Team", "blue"), ("User-Agent", "theirs")),
)


def test_a_kind_of_request_has_its_address() -> None:
    assert (
        prepare(PROVIDER).address("chat", Wishes(), stream=False)[0]
        == "https://api.example.com/v1/chat/completions"
    )


def test_configured_headers_win_over_ours() -> None:
    headers = dict(prepare(PROVIDER).address("chat", Wishes(), stream=True)[1])

    assert headers == {
        "authorization": "Bearer sk-very-secret",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "theirs",
        "x-team": "blue",
    }


def test_a_provider_without_a_key_is_sent_none() -> None:
    endpoint = prepare(Provider("local", "http://127.0.0.1:11434/v1", StreamTransport()))

    assert "authorization" not in dict(endpoint.plain)


def test_what_the_caller_may_send_through_goes_through() -> None:
    wishes = Wishes(relay=(("?query", "a=1&b=%20"), ("openai-beta", "x")))

    url, headers = prepare(PROVIDER).address("chat", wishes, stream=False)

    assert url.endswith("/chat/completions?a=1&b=%20")
    assert headers[-1] == ("openai-beta", "x")


@pytest.mark.parametrize("query", ["a b", "a\r\nx: y", "a#b", "ü", 'a"b', "a\x00"])
def test_a_query_that_could_change_the_request_is_refused(query: str) -> None:
    with pytest.raises(InvalidRequest):
        prepare(PROVIDER).address("chat", Wishes(relay=(("?query", query),)), stream=False)


def test_a_kind_the_dialect_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        prepare(PROVIDER).address("paintings", Wishes(), stream=False)


def test_nothing_that_is_printed_shows_a_key() -> None:
    assert "sk-very-secret" not in repr(PROVIDER) + repr(prepare(PROVIDER)) + repr(Secret("sk-very-secret"))
    assert "sk-very-secret" in prepare(PROVIDER).secrets


def test_azures_addresses_carry_the_deployment_and_the_configured_version() -> None:
    provider = Provider(
        "east",
        "https://east.openai.azure.com",
        StreamTransport(),
        api_key=Secret("k"),
        api_version="2025-04-01-preview",
    )

    url, headers = prepare(provider).address("chat", Wishes(), stream=False, model="my gpt/4")

    assert url == (
        "https://east.openai.azure.com/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2025-04-01-preview"
    )
    assert dict(headers)["api-key"] == "k"
    assert "authorization" not in dict(headers)


def test_a_provider_may_be_named_as_the_copy_it_is_wherever_it_lives() -> None:
    provider = Provider("corp", "https://llm.corp.example/v1", StreamTransport(), vendor="mistral")

    endpoint = prepare(provider)

    assert (endpoint.adapts, endpoint.serves_responses, endpoint.provider.stream_usage) == (
        True,
        False,
        "never",
    )
