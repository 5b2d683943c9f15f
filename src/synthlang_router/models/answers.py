"""Answers: chunks, completions and their usage."""

from __future__ import annotations

import msgspec

from synthlang_router.models.words import Dialect


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of a tool call; `arguments` is a fragment of JSON text."""

    index: int = 0
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


class Usage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Tokens as the provider counted them. Cached and reasoning tokens are part of the totals, not beside them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_prompt_tokens: int = 0
    audio_completion_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class ChatChunk(msgspec.Struct, frozen=True, gc=False):
    """One frame of a stream. `raw` is its JSON payload in the answer's dialect, sent on as it came.

    `data` says whether it carries something a user could see or a caller could act on (a role-only frame or a
    ping does not): before the first such chunk retry and fallback are legal. `hidden` marks what only our own
    asking for usage added: it is recorded and not shown. `event` is the SSE event name where the dialect has one.
    """

    raw: bytes
    index: int = 0
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    data: bool = True
    hidden: bool = False
    event: str | None = None


class ChatCompletion(msgspec.Struct, frozen=True, gc=False):
    """A whole answer. `raw` is its JSON body in `dialect`; the rest is read from it once."""

    raw: bytes
    dialect: Dialect = "openai"
    model: str = ""
    content: str | None = None
    finish_reasons: tuple[str | None, ...] = ()
    usage: Usage | None = None
    has_tool_calls: bool = False
    refusal: str | None = None
