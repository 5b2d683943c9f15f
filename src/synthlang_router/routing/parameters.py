"""What a model cannot take, as a table: families of model names and the request fields they refuse.

Used where the router itself chose another model than the one asked for: then the caller could not know, and the field
is left out and named instead of failing the request. Asked for by name, a model gets what was sent and says itself what
it does not like. Source: OpenAI's reasoning and web search guides, and the 400 bodies of these models
(`Unsupported parameter`, `Model incompatible request arguments supplied`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SAMPLING: Final = ("temperature", "top_p", "n", "presence_penalty", "frequency_penalty")
_TOKEN_LEVEL: Final = ("logprobs", "top_logprobs", "logit_bias", "prediction")
_REASONING: Final = ("reasoning_effort",)
_SEARCH: Final = ("web_search_options",)

_DATED: Final = r"(-\d{4}-\d{2}-\d{2})?"
IMPOSSIBLE: Final[tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]] = (
    (
        re.compile(r"o\d+(-mini|-pro|-preview)?" + _DATED),
        (*_SAMPLING, *_TOKEN_LEVEL, *_SEARCH, "parallel_tool_calls"),
    ),
    (re.compile(r"(o3|o3-pro|o4-mini)" + _DATED), ("stop",)),
    (re.compile(r"gpt-5(-mini|-nano|-pro)?" + _DATED), (*_SAMPLING, *_TOKEN_LEVEL, *_SEARCH, "stop")),
    (
        re.compile(r"gpt-.*-search-(preview|api)" + _DATED),
        (
            *_SAMPLING,
            *_TOKEN_LEVEL,
            *_REASONING,
            "seed",
            "stop",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
        ),
    ),
    (re.compile(r"(chatgpt-4o|gpt-(3\.5|4))(?!.*search-(preview|api)).*"), (*_REASONING, *_SEARCH)),
)
RENAMED: Final = (re.compile(r"(o\d+|gpt-5)(-.*)?"), ("max_tokens", "max_completion_tokens"))


@lru_cache(maxsize=4096)
def impossible(model: str) -> frozenset[str]:
    """The fields that `model` refuses; empty for a model that is in no family. A vendor's prefix is left out of account."""
    name = model.rpartition("/")[2]
    return frozenset(field for family, fields in IMPOSSIBLE if family.fullmatch(name) for field in fields)


@lru_cache(maxsize=4096)
def renamed(model: str) -> tuple[tuple[str, str], ...]:
    """The fields that `model` takes under another name only: (asked, taken)."""
    family, names = RENAMED
    return (names,) if family.fullmatch(model.rpartition("/")[2]) else ()
