"""Which way a request goes between two dialects."""

from __future__ import annotations

import pytest

from synthlang_router.models import Dialect
from synthlang_router.wire.bridges import interpret
from tests.wire.put import ask, put, refused


def test_embeddings_reach_gemini_as_a_batch() -> None:
    sent, dropped = put(
        "embeddings", "gemini", input=["a", "b"], dimensions=8, user="u", encoding_format="base64"
    )

    one = {"model": "models/m", "outputDimensionality": 8}
    assert sent == {"requests": [{**one, "content": {"parts": [{"text": text}]}} for text in "ab"]}
    assert dropped == ("user",)
    assert refused("embeddings", "gemini", input=[1, 2]).param == "input"


@pytest.mark.parametrize(
    ("kind", "provider"),
    [("completions", "anthropic"), ("completions", "gemini"), ("embeddings", "anthropic")],
)
def test_a_kind_that_the_provider_does_not_have_is_refused(kind: str, provider: Dialect) -> None:
    refused(kind, provider, input="x", prompt="x")


def test_translating_leaves_the_callers_request_as_it_was() -> None:
    request = ask(
        "chat", {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
    )

    interpret(request, "anthropic", created=1)
    interpret(request, "gemini", created=1)

    assert request.messages == [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]


def test_the_same_dialect_is_not_touched() -> None:
    request = ask("responses", {"model": "m", "input": "Hi", "previous_response_id": "resp_1"})

    voice = interpret(request, "openai", created=1)

    assert voice.request is request
    assert voice.dropped == ()
