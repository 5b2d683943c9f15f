"""What an answer says of itself beside its usage: every text a model wrote in it, and the tier it was served at. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from synthlang_router.models import ChatCompletion

_TEXTS: Final = frozenset(
    "content text refusal reasoning reasoning_content thinking arguments name input partial_json output_text".split()
)
_PLACES: Final = frozenset(
    "choices message delta output content tool_calls function function_call summary parts".split()
)
_STANDARD: Final = frozenset(("auto", "standard"))


class _Usage(msgspec.Struct):
    service_tier: str | None = None


class _Tiered(msgspec.Struct):
    service_tier: str | None = None
    usage: _Usage | None = None


def written_text(completion: ChatCompletion) -> str:
    """All that the model wrote: text, refusals, thoughts that are shown, calls of tools; of every choice."""
    if (
        completion.content is not None
        and not completion.has_tool_calls
        and len(completion.finish_reasons) <= 1
    ):
        plain = b'"reason' not in completion.raw and b'"thinking"' not in completion.raw
        if plain:
            return completion.content
    try:
        found = msgspec.json.decode(completion.raw)
    except msgspec.DecodeError:
        return "" if completion.content is None else completion.content
    return "\n".join(_texts(found))


def told_tier(completion: ChatCompletion) -> str | None:
    """The service tier that the provider says it served at, None where it says nothing or the usual one."""
    if b'"service_tier"' not in completion.raw:
        return None
    try:
        told = msgspec.json.decode(completion.raw, type=_Tiered)
    except msgspec.DecodeError:
        return None
    tier = told.service_tier
    if tier is None and told.usage is not None:
        tier = told.usage.service_tier
    return None if tier in _STANDARD else tier


def _texts(found: Any) -> list[str]:
    """In no particular order; depth is no matter."""
    texts: list[str] = []
    left = [found]
    while left:
        value = left.pop()
        if type(value) is list:
            left += value
        elif type(value) is dict:
            for name, part in value.items():
                if name in _TEXTS and type(part) is str:
                    texts.append(part)
                elif name == "input" and type(part) is dict:
                    texts.append(msgspec.json.encode(part).decode())
                elif name in _PLACES:
                    left.append(part)
    return texts
