"""`read_completion`: a whole Anthropic message, however it came."""

from __future__ import annotations

from collections.abc import Sequence

from synthlang_router.models import ChatCompletion
from synthlang_router.wire.anthropic.answers import parse_message
from synthlang_router.wire.anthropic.chunks import AnthropicStream
from synthlang_router.wire.anthropic.fold import fold


def read_completion(raw: bytes, *, secrets: Sequence[str] = ()) -> ChatCompletion:
    """A whole message; one that came as a stream though none was asked for is folded, if it is whole."""
    if not raw.lstrip().startswith((b"data:", b"event:", b":")):
        return parse_message(raw, secrets)
    stream = AnthropicStream(secrets=secrets)
    chunks = stream.feed(raw)
    return fold(chunks + stream.end())
