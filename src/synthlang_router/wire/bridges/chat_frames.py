"""Writes OpenAI chat frames and completions for answers that came in another dialect."""

from __future__ import annotations

from typing import Any

from synthlang_router.models import ChatChunk, ChatCompletion, Usage
from synthlang_router.wire.openai.answers import parse_completion
from synthlang_router.wire.openai.frames import CHUNK, chunk_of
from synthlang_router.wire.plain import Plain, encode_plain


class ChatFrames:
    """The frames of one answer. `created` is seconds since the epoch; id and model are known once the answer begins."""

    __slots__ = ("_head", "created", "hide_usage")

    def __init__(self, created: int, *, hide_usage: bool) -> None:
        self.created = created
        self.hide_usage = hide_usage
        self._head = b""
        self.begin("", "")

    def begin(self, answer_id: str, model: str) -> None:
        """What every frame from here on says."""
        head: Plain = {
            "id": answer_id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": model,
        }
        self._head = encode_plain(head)[:-1] + b',"choices":['

    def frame(self, delta: Plain, finish: str | None = None, index: int = 0) -> ChatChunk:
        """One frame of one choice."""
        choice = encode_plain({"index": index, "delta": delta, "logprobs": None, "finish_reason": finish})
        raw = self._head + choice + (b"]}" if self.hide_usage else b'],"usage":null}')
        return chunk_of(CHUNK.decode(raw), raw)

    def usage(self, usage: Usage) -> ChatChunk:
        """The frame that comes last where usage was asked for, and is hidden where it was not."""
        raw = self._head + b'],"usage":' + encode_plain(render_usage(usage)) + b"}"
        return ChatChunk(raw=raw, usage=usage, data=False, hidden=self.hide_usage)


def completion_of(
    answer_id: str, created: int, model: str, choices: list[tuple[Plain, str | None]], usage: Usage | None
) -> ChatCompletion:
    """A whole answer of these messages, each with its finish_reason."""
    plain: dict[str, Any] = {
        "id": answer_id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
            for index, (message, finish) in enumerate(choices)
        ],
    }
    if usage is not None:
        plain["usage"] = render_usage(usage)
    return parse_completion(encode_plain(plain))


def render_usage(usage: Usage) -> Plain:
    """Usage in OpenAI's spelling."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": usage.audio_prompt_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_completion_tokens,
        },
    }
