"""Puts requests to providers of another dialect; the SDKs' own types judge what is sent."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

import pytest
from pydantic import ConfigDict, TypeAdapter, with_config

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest, Dialect
from synthlang_router.wire import DIALECTS
from synthlang_router.wire.bridges import interpret

Plain = dict[str, Any]
USER: list[Plain] = [{"role": "user", "content": "Hi"}]


def ask(kind: str, fields: Plain) -> ChatRequest:
    dialect = "anthropic" if kind == "messages" else "openai"
    return DIALECTS[dialect].read_request(json.dumps(fields).encode(), kind)


def put(kind: str, provider: Dialect, **fields: Any) -> tuple[Plain, tuple[str, ...]]:
    """What the provider gets, and what was dropped."""
    required = (
        {"messages": USER}
        if kind == "chat"
        else {"messages": USER, "max_tokens": 9}
        if kind == "messages"
        else {}
    )
    voice = interpret(
        ask(kind, {"model": "m", **required, **fields}), provider, created=1, serves_responses=False
    )
    return json.loads(voice.request.body), voice.dropped


def refused(kind: str, provider: Dialect, **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as raised:
        put(kind, provider, **fields)
    return raised.value


def check_by_sdk(params: Any, sent: Plain) -> None:
    """Every field known, every value of its type."""
    assert sent.keys() <= get_type_hints(params).keys()
    TypeAdapter(with_config(ConfigDict(extra="forbid"))(params)).validate_python(sent)
