"""Requests, callers and keys for the tests of the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from synthlang_router.cache import CacheKey, make_cache_key
from synthlang_router.models import Caller, ChatCompletion, ChatRequest, Facts, Route, Usage, Wishes
from synthlang_router.wire import DIALECTS

ANN = Caller("acme", "ann", "k1", "ann")
ROUTE = Route("openai", "gpt-4o-mini", "asked", "p1")
PLAIN = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is the capital of France?"}]}


def request_of(body: Mapping[str, Any] | str) -> ChatRequest:
    raw = body if isinstance(body, str) else json.dumps(body)
    return DIALECTS["openai"].read_request(raw.encode(), "chat")


def key_of(
    body: Mapping[str, Any] | str = PLAIN,
    *,
    caller: Caller = ANN,
    route: Route = ROUTE,
    wishes: Wishes = Wishes(),  # noqa: B008 - frozen
    **settings: Any,
) -> CacheKey:
    return make_cache_key(caller, route, request_of(body), wishes, **settings)


def asked(question: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}], **more}


def facts(row: str = "row-1") -> Facts:
    return Facts(request_id="r", row_id=row, arrived=0.0, started=0.0)


def answered(text: str | None = "Paris.", **more: Any) -> ChatCompletion:
    values: dict[str, Any] = {
        "raw": json.dumps({"content": text}).encode(),
        "model": "gpt-4o-mini",
        "content": text,
        "finish_reasons": ("stop",),
        "usage": Usage(10, 5),
    }
    return ChatCompletion(**(values | more))
