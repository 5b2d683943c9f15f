"""What a provider is not to see becomes placeholders before the call: in what people wrote, not in schemas or code.

Placeholders are numbered in the order of the conversation, which only grows at its end: a value keeps its name from
turn to turn, and a provider's prompt cache still fits. A name that the conversation itself uses is not given.
"""

from __future__ import annotations

import re
from typing import Final

from synthlang_router.interactions.detectors import DETECTORS, Detectors, may_hold_secret
from synthlang_router.interactions.json_strings import changed, read, written
from synthlang_router.interactions.masking import ALWAYS, EVERYTHING, Placeholders, mask_json, mask_text
from synthlang_router.models import ChatRequest

FIELDS: Final[tuple[str, ...]] = (
    "system",
    "instructions",
    "messages",
    "input",
    "prompt",
    "user",
    "safety_identifier",
    "metadata",
)
"""Where people's words are, in every dialect. Tools, formats and the rest of a request are never looked at."""
_STRUCTURE: Final = frozenset(
    {
        *(
            "role",
            "type",
            "id",
            "name",
            "model",
            "status",
            "format",
            "detail",
            "index",
            "tool_call_id",
            "call_id",
        ),
        *(
            "tool_use_id",
            "url",
            "file_id",
            "image_url",
            "data",
            "media_type",
            "signature",
            "encrypted_content",
        ),
        *("thinking", "cache_control", "ttl"),
    }
)
"""Keys whose strings a provider reads as they are: names, addresses of media, base64, what it has signed."""
_INNER: Final = frozenset(("arguments", "partial_json"))
"""Strings that hold JSON themselves."""
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`", re.DOTALL)
_ANY_NAME: Final = re.compile(r"\[[A-Z]{2,6}_[0-9]{1,6}\]")
_SHORTEST: Final = 6


def mask_prompt(request: ChatRequest, detectors: Detectors = DETECTORS) -> tuple[ChatRequest, Placeholders]:
    """The request as the provider may see it, and what its placeholders stand for."""
    texts = {
        name: bytes(request.fields[name]).decode("utf-8", "surrogateescape")
        for name in FIELDS
        if name in request.fields
    }
    names = Placeholders(frozenset(_ANY_NAME.findall("".join(texts.values()))), detectors)
    masked = {name: _masked(text, names) for name, text in texts.items()}
    fields = {
        name: text.encode("utf-8", "surrogateescape")
        for name, text in masked.items()
        if text is not texts[name]
    }
    return (request.with_fields(fields) if fields else request), names


def mask_one(text: str, detectors: Detectors = DETECTORS) -> str:
    """A text on its own, such as one that is embedded."""
    return _mask_prose(text, Placeholders(detectors=detectors))


def _masked(text: str, names: Placeholders) -> str:
    def change(inner: str, key: str) -> str:
        if len(inner) < _SHORTEST or key in _STRUCTURE:
            return inner
        plain = read(inner)
        if plain is None or plain.startswith("data:"):
            return inner
        if key in _INNER:
            new = mask_json(plain.encode(), names).decode()
        else:
            new = _mask_prose(plain, names)
        return inner if new == plain else written(new)

    return changed(text, change)


def _mask_prose(text: str, names: Placeholders) -> str:
    """Everything in prose, in code only secrets."""
    if "`" not in text:
        return mask_text(text, names, EVERYTHING)
    parts: list[str] = []
    position = 0
    for code in _CODE.finditer(text):
        parts.append(mask_text(text[position : code.start()], names, EVERYTHING))
        block = code.group()
        parts.append(mask_text(block, names, ALWAYS) if may_hold_secret(block.encode()) else block)
        position = code.end()
    parts.append(mask_text(text[position:], names, EVERYTHING))
    return "".join(parts)
