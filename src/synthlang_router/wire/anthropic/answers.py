"""Whole Anthropic messages and their usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from synthlang_router.errors import ProviderProtocolError
from synthlang_router.models import ChatCompletion, Usage
from synthlang_router.wire.anthropic.errors import refused
from synthlang_router.wire.stream import what_it_is

FINISH: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Stop reasons in the words that every value here uses; one that is not listed (pause_turn) stands for itself."""


class _Block(msgspec.Struct, frozen=True, gc=False):
    type: str
    text: Any = None


class _Message(msgspec.Struct, frozen=True, gc=False):
    type: Any = None
    content: list[_Block] | None = None
    model: Any = None
    stop_reason: str | None = None
    usage: Any = None
    error: Any = None


_MESSAGE: Final = msgspec.json.Decoder(_Message)


def read_usage(usage: Any) -> Usage | None:
    """Tokens as counted; Anthropic's input count leaves out what the cache gave or took, ours does not."""
    if type(usage) is not dict or not ("input_tokens" in usage or "output_tokens" in usage):
        return None
    read = _count(usage.get("cache_read_input_tokens"))
    written = _count(usage.get("cache_creation_input_tokens"))
    details = usage.get("output_tokens_details")
    return Usage(
        prompt_tokens=_count(usage.get("input_tokens")) + read + written,
        completion_tokens=_count(usage.get("output_tokens")),
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=_count(details.get("thinking_tokens")) if type(details) is dict else 0,
    )


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def finish_of(stop_reason: str | None) -> str | None:
    return None if stop_reason is None else FINISH.get(stop_reason, stop_reason)


def parse_message(raw: bytes, secrets: Sequence[str] = ()) -> ChatCompletion:
    """A whole message. Raises ProviderRejected for an error inside a 200, ProviderProtocolError for anything else."""
    try:
        if not raw.isascii():
            raw.decode()
        message = _MESSAGE.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProviderProtocolError(what_it_is(raw)) from None
    if message.error:
        raise refused(message.error, secrets)
    if message.content is None:
        raise ProviderProtocolError("The provider sent an answer without content.")
    texts = [block.text for block in message.content if block.type == "text" and type(block.text) is str]
    return ChatCompletion(
        raw=raw,
        dialect="anthropic",
        model=message.model if type(message.model) is str else "",
        content="".join(texts) if texts else None,
        finish_reasons=(finish_of(message.stop_reason),),
        usage=read_usage(message.usage),
        has_tool_calls=any([block.type.endswith("tool_use") for block in message.content]),
    )


def read_embedding(raw: bytes, *, secrets: Sequence[str] = ()) -> ChatCompletion:
    """Anthropic has none."""
    raise ProviderProtocolError("The provider has no embeddings.")


def read_count(raw: bytes) -> int:
    """The `input_tokens` of a count_tokens answer."""
    try:
        plain = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        plain = None
    if type(plain) is not dict or type(plain.get("input_tokens")) is not int:
        raise ProviderProtocolError("The provider sent something that is not a count of tokens.")
    return int(plain["input_tokens"])


def count_body(tokens: int) -> bytes:
    """The answer to count_tokens."""
    return msgspec.json.encode({"input_tokens": tokens})
