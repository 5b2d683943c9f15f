"""OpenAI's dialect, and that of everything which copies it."""

from synthlang_router.wire.openai.answers import read_embedding
from synthlang_router.wire.openai.chunks import OpenAIStream as ChatStream
from synthlang_router.wire.openai.chunks import read_stream
from synthlang_router.wire.openai.completion import read_completion
from synthlang_router.wire.openai.errors import error_body, error_event, read_error
from synthlang_router.wire.openai.fold import fold
from synthlang_router.wire.openai.replay import refresh, unfold
from synthlang_router.wire.openai.requests import ask_for_usage, read_request

__all__ = [
    "ChatStream",
    "ask_for_usage",
    "error_body",
    "error_event",
    "fold",
    "read_completion",
    "read_embedding",
    "read_error",
    "read_request",
    "read_stream",
    "refresh",
    "unfold",
]
