"""The table of differences."""

from __future__ import annotations

import json

import pytest

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import Dialect
from synthlang_router.wire.dialects import DIFFERENCES, difference_of
from synthlang_router.wire.openai import read_request

BODY = b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":5,"stream_options":{"include_usage":true}}'


@pytest.mark.parametrize(
    ("dialect", "host", "path", "name"),
    [
        ("openai", "api.openai.com", "/v1", "openai"),
        ("openai", "acme.openai.azure.com", "", "azure"),
        ("openai", "acme.openai.azure.com", "/openai/v1/", "azure-v1"),
        ("openai", "api.groq.com", "/openai/v1", "groq"),
        ("openai", "127.0.0.1", "/v1", "openai-compatible"),
        ("openai", "evil-api.openai.com.example", "", "openai-compatible"),
        ("openai", "notapi.groq.com", "", "openai-compatible"),
        ("anthropic", "proxy.example", "", "anthropic"),
        ("gemini", "", "", "gemini"),
        ("anthropic", "api.openai.com", "", "anthropic"),
    ],
)
def test_a_row_is_found_by_the_host_itself_and_never_by_one_that_only_looks_like_it(
    dialect: Dialect, host: str, path: str, name: str
) -> None:
    assert difference_of(dialect, host, path=path).name == name


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row.name)
def test_every_row_can_be_named_and_its_own_base_url_leads_back_to_it(row: object) -> None:
    assert difference_of("openai", name=row.name) is row  # type: ignore[attr-defined]


def test_a_name_in_no_row_is_an_error() -> None:
    with pytest.raises(KeyError):
        difference_of("openai", name="nobody")


@pytest.mark.parametrize(
    ("name", "base", "kind", "stream", "url"),
    [
        ("openai", "https://api.openai.com/v1/", "chat", True, "https://api.openai.com/v1/chat/completions"),
        ("openai", "https://api.openai.com/v1", "responses", False, "https://api.openai.com/v1/responses"),
        ("azure", "https://a.openai.azure.com", "chat", False, "https://a.openai.azure.com/openai/deployments/gpt%204/chat/completions?api-version=2024-10-21"),
        ("azure-v1", "https://a.openai.azure.com/openai/v1", "embeddings", False, "https://a.openai.azure.com/openai/v1/embeddings"),
        ("anthropic", "https://api.anthropic.com", "count_tokens", False, "https://api.anthropic.com/v1/messages/count_tokens"),
        ("gemini", "https://g/v1beta", "chat", False, "https://g/v1beta/models/gpt%204:generateContent"),
        ("gemini", "https://g/v1beta", "chat", True, "https://g/v1beta/models/gpt%204:streamGenerateContent?alt=sse"),
        ("gemini", "https://g/v1beta", "embeddings", False, "https://g/v1beta/models/gpt%204:batchEmbedContents"),
    ],
)  # fmt: skip
def test_an_address_is_built_of_base_path_and_query(
    name: str, base: str, kind: str, stream: bool, url: str
) -> None:
    assert difference_of("openai", name=name).address(base, kind, "gpt 4", stream=stream) == url


def test_the_operators_api_version_wins() -> None:
    url = difference_of("openai", name="azure").address(
        "https://a", "chat", "m", version="2025-01-01-preview"
    )

    assert url.endswith("?api-version=2025-01-01-preview")


@pytest.mark.parametrize(
    "model", ["../../admin", "a/b", "a?b=c", "a#b", "a%2fb", "a:b", "a\\b", "{model}", "ü"]
)
@pytest.mark.parametrize("name", ["azure", "gemini"])
def test_a_models_name_can_not_leave_its_place_in_the_path(name: str, model: str) -> None:
    row = difference_of("openai", name=name)
    here, there = (
        row.address("https://host/base", "chat", "m"),
        row.address("https://host/base", "chat", model),
    )

    assert there.count("/") == here.count("/")
    assert there.count("?") == here.count("?")
    assert "#" not in there
    assert there.isascii()


@pytest.mark.parametrize("model", [".", "..", "models/.."])
def test_a_name_of_dots_is_refused(model: str) -> None:
    with pytest.raises(InvalidRequest):
        difference_of("openai", name="azure").address("https://host", "chat", model)


@pytest.mark.parametrize(
    ("name", "kind"), [("groq", "responses"), ("anthropic", "chat"), ("gemini", "responses")]
)
def test_a_kind_that_a_provider_does_not_have_is_refused(name: str, kind: str) -> None:
    with pytest.raises(InvalidRequest):
        difference_of("openai", name=name).address("https://host", kind, "m")


def test_fields_take_the_providers_spelling_and_what_it_refuses_is_left_out() -> None:
    adapted = difference_of("openai", name="mistral").adapted(read_request(BODY, "chat"))

    plain = json.loads(adapted.body)
    assert plain["max_tokens"] == 5
    assert plain.keys() == {"model", "messages", "max_tokens"}


def test_the_newer_spelling_wins_where_both_are_given() -> None:
    both = read_request(
        BODY.replace(b'"max_completion_tokens":5', b'"max_tokens":4,"max_completion_tokens":5'), "chat"
    )

    assert json.loads(difference_of("openai", name="ollama").adapted(both).body)["max_tokens"] == 5


def test_a_request_that_needs_no_change_is_the_same_one() -> None:
    request = read_request(BODY, "chat")

    assert difference_of("openai", name="openai").adapted(request) is request
