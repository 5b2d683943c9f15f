"""Wire formats: bytes <-> values, pure, one file a dialect."""

from collections.abc import Mapping
from typing import Final

from synthlang_router.wire import anthropic, openai
from synthlang_router.wire.body import inflate, read_object
from synthlang_router.wire.format import ChatStream, WireFormat
from synthlang_router.wire.sse import Event, EventDecoder

DIALECTS: Final[Mapping[str, WireFormat]] = {"openai": openai, "anthropic": anthropic}

__all__ = ["DIALECTS", "ChatStream", "Event", "EventDecoder", "WireFormat", "inflate", "read_object"]
