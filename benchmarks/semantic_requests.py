"""Requests, callers and cache keys for the measurements, read and made by the gateway's own code."""

from __future__ import annotations

import json
from typing import Any

from synthlang_router.cache import CacheKey, make_cache_key
from synthlang_router.models import Caller, ChatCompletion, Facts, Route, Usage, Wishes
from synthlang_router.wire import DIALECTS


def key_of(body: dict[str, Any], tenant: str = "t", wishes: Wishes = Wishes()) -> CacheKey:  # noqa: B008 - frozen
    request = DIALECTS["openai"].read_request(json.dumps(body).encode(), "chat")
    caller = Caller(tenant, "u", "k", "n")
    return make_cache_key(caller, Route("p", body["model"], "asked", ""), request, wishes)


def asked(question: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": question}]}


def answered(text: str) -> ChatCompletion:
    return ChatCompletion(
        raw=json.dumps({"content": text}).encode(),
        model="m",
        content=text,
        finish_reasons=("stop",),
        usage=Usage(10, 5),
    )


def facts(row: str, now: float) -> Facts:
    return Facts(request_id=row, row_id=row, arrived=now, started=now)
