"""`upper_estimate`: the tokens of a prompt in Anthropic's words, for providers that do not count: never too low."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from synthlang_router.models import ChatRequest
from synthlang_router.synthlang import count_prompt
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


def _parts(content: Any) -> list[dict[str, Any]]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
