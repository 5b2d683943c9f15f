"""What makes two requests turns of one conversation, and whether it has begun.

Moving a running conversation to another target destroys the provider's prompt cache for it, so its turns must find
the same target again: by `prompt_cache_key`, by the session header, else by what stays the same at the beginning of
every turn: system text, tools and the first user text.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import msgspec

from synthlang_router.models import ChatRequest, Wishes

MOST: Final = 65_536
"""Bytes of each part that are looked at."""

_SIGNATURES: Final = (b'"signature"', b'"thought_signature"', b'"encrypted_content"')


def conversation_key(request: ChatRequest, wishes: Wishes) -> int:
    """64 bits that are the same for all turns of a conversation."""
    named = request.value("prompt_cache_key")
    digest = blake2b(digest_size=8)
    if isinstance(named, str):
        digest.update(b"key" + named.encode()[:MOST])
    elif wishes.session is not None:
        digest.update(b"session" + wishes.session.encode("utf-8", "surrogateescape"))
    else:
        for part in _beginning(request):
            digest.update(b"%d:" % len(part) + part[:MOST])
    return int.from_bytes(digest.digest(), "big")


def has_begun(request: ChatRequest) -> bool:
    """Whether a model has answered in it before."""
    return any(message.get("role") in ("assistant", "tool", "function") for message in request.messages)


def is_signed(request: ChatRequest) -> bool:
    """Whether it holds thoughts that only the provider which signed them accepts."""
    raw = request.fields.get("messages") or request.fields.get("input")
    if raw is None:
        return False
    body = bytes(raw)
    return any(mark in body for mark in _SIGNATURES)


def _beginning(request: ChatRequest) -> list[bytes]:
    parts: list[bytes] = []
    tools = request.fields.get("tools")
    if tools is not None:
        parts.append(bytes(tools))
    for message in request.messages:
        parts.append(_encoded(message.get("content")))
        if message.get("role") == "user":
            break
    return parts


def _encoded(content: Any) -> bytes:
    return (
        content.encode("utf-8", "surrogatepass") if isinstance(content, str) else msgspec.json.encode(content)
    )
