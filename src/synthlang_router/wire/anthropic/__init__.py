"""Anthropic's dialect: the Messages API."""

from synthlang_router.wire.anthropic.answers import count_body, read_count, read_embedding
from synthlang_router.wire.anthropic.chunks import AnthropicStream as ChatStream
from synthlang_router.wire.anthropic.chunks import read_stream
from synthlang_router.wire.anthropic.completion import read_completion
from synthlang_router.wire.anthropic.errors import error_body, error_event, read_error
from synthlang_router.wire.anthropic.fold import fold
from synthlang_router.wire.anthropic.replay import refresh, unfold
from synthlang_router.wire.anthropic.requests import ask_for_usage, read_request

__all__ = [
    "ChatStream",
    "ask_for_usage",
    "count_body",
    "error_body",
    "error_event",
    "fold",
    "read_completion",
    "read_count",
    "read_embedding",
    "read_error",
    "read_request",
    "read_stream",
    "refresh",
    "unfold",
]
