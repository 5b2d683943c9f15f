"""Tokens, where no provider counts them: `upper_estimate` of a prompt, never too low, and what a call used, exactly."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any, Final

import msgspec

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest
from synthlang_router.synthlang import count_prompt, count_tokens
from synthlang_router.synthlang.tokens import encoding_for
from synthlang_router.wire.bridges import as_chat

MARGIN: Final = 1.5
"""Over o200k's count: tokenizers that are not public take up to a third more for the same text."""
PER_PICTURE: Final = 1_600
"""The most that Anthropic and OpenAI document for one picture that was scaled down as they do it."""
BYTES_PER_TOKEN: Final = 3
"""Of a document, which is sent as text or as pages of it."""


def upper_estimate(request: ChatRequest, model: str) -> int:
    """Raises InvalidRequest where the prompt itself could not be sent to such a provider."""
    chat = as_chat(request)
    parts = [part for message in chat.messages for part in _parts(message.get("content"))]
    beside = sum(
        PER_PICTURE if part.get("type") == "image_url" else len(msgspec.json.encode(part)) // BYTES_PER_TOKEN
        for part in parts
        if part.get("type") != "text"
    )
    return math.ceil(count_prompt(chat, model).tokens * MARGIN) + beside


def used_prompt(request: ChatRequest, model: str) -> int:
    """Tokens of the prompt of a call, as its provider would have counted them."""
    if request.kind == "chat":
        return count_prompt(request, model).tokens
    if request.kind in ("messages", "responses"):
        with suppress(InvalidRequest):  # what has no form in chat is counted as the JSON it is
            return count_prompt(as_chat(request), model).tokens
    raw = request.fields.get("prompt") or request.fields.get("input")
    return 0 if raw is None else used_text(_plain(bytes(raw)), model)


def used_text(text: str, model: str) -> int:
    """Tokens of a completion."""
    return count_tokens(text, encoding_for(model)[0])


def _plain(raw: bytes) -> str:
    value = msgspec.json.decode(raw)
    return value if isinstance(value, str) else raw.decode()


def _parts(content: Any) -> list[dict[str, Any]]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
