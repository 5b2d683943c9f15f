"""What a request will probably cost, and what it can cost at most: tokens, before they are known. Pure. [hot]

Counting exactly takes 0.2 ms per 1,000 tokens; this takes microseconds, errs upwards, and is settled with the truth.
"""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from synthlang_router.models import ChatRequest

UNKNOWN_CAP: Final = 32_768
"""Completion tokens at most, where neither request nor catalogue says."""
UNKNOWN_LIKELY: Final = 1_000
"""Completion tokens probably, before a model has answered once."""
BYTES_PER_TOKEN: Final = 3.0
"""English has 4.2 under o200k, JSON 3, Chinese 3.2: a token for three bytes is rarely too few."""
PER_MESSAGE: Final = 4
PER_PART: Final = 2_000
"""A picture: 85 to 1,445 tokens at OpenAI, up to 1,600 at Anthropic."""
_MAXIMA: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_BESIDE: Final = ("tools", "functions", "response_format", "system", "input", "prompt", "instructions")


class Demand(msgspec.Struct, frozen=True, gc=False):
    """Tokens: of the prompt, and of the completion probably and at most."""

    prompt: int
    likely: int
    most: int


def demand_of(request: ChatRequest, *, prompt: int, expected: int | None, cap: int | None) -> Demand:
    """`expected` is what such completions take in 19 of 20 cases, `cap` what the model can write; None is unknown."""
    if request.kind == "embeddings":
        return Demand(prompt, 0, 0)
    choices = max(1, _whole(request, "n") or 1, _whole(request, "best_of") or 1)
    asked = min(
        [value for value in [_whole(request, name) for name in _MAXIMA] if value is not None], default=None
    )
    ceiling = UNKNOWN_CAP if cap is None else cap
    most = ceiling if asked is None else asked if cap is None else min(asked, cap)
    likely = min(most, UNKNOWN_LIKELY if expected is None else expected)
    return Demand(prompt, likely * choices, most * choices)


def prompt_tokens(request: ChatRequest) -> int:
    """Tokens of the prompt, rather too many than too few."""
    size = sum([len(memoryview(request.fields[name])) for name in _BESIDE if name in request.fields])
    tokens = 0
    for message in request.messages:
        tokens += PER_MESSAGE
        content = message.get("content")
        if type(content) is str:
            size += _bytes(content)
        elif type(content) is list:
            for part in content:
                text = _text(part)
                size += _bytes(text)
                tokens += 0 if text else PER_PART
        if "tool_calls" in message:
            size += len(msgspec.json.encode(message["tool_calls"]))
    return tokens + math.ceil(size / BYTES_PER_TOKEN)


def _text(part: Any) -> str:
    if type(part) is not dict:
        return ""
    for name in ("text", "content"):
        text = part.get(name)
        if type(text) is str:
            return text
    return ""


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _whole(request: ChatRequest, name: str) -> int | None:
    if name not in request.fields:
        return None
    value = request.value(name)
    return value if type(value) is int and value > 0 else None
