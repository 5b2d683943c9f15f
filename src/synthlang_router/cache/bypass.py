"""Which requests are not cached at all, and why: those that sample, remember, search or act outside of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from synthlang_router.models import ChatRequest, Route, Wishes

CACHED_KINDS: Final = frozenset({"chat", "completions", "messages"})
_OWN_TOOLS: Final = frozenset({"function", "custom"})
"""Tools the client runs itself; every other type is run by the provider, and its result changes with the world."""
_SEARCHING_MODELS: Final = ("search", "deep-research", "sonar", ":online", "compound")
_NOTHING: Final = frozenset({b"null", b"false", b"[]"})


def bypass_reason(route: Route, request: ChatRequest, wishes: Wishes) -> str:
    """Why this request is neither answered from the cache nor kept, in a word; empty where it may be."""
    if wishes.cache == "off":
        return "off"
    if request.kind not in CACHED_KINDS:
        return request.kind
    if _names_a_search(request.model) or _names_a_search(route.model):
        return "search model"
    reason = _field_reason(request)
    return reason or _sampling_reason(request, wishes)


def has_choices(request: ChatRequest) -> bool:
    """Whether more than one answer was asked for."""
    return "n" in request.fields and request.value("n") not in (None, 1)


def has_audio(messages: list[dict[str, Any]]) -> bool:
    """Whether a message holds sound."""
    for message in messages:
        content = message.get("content")
        if type(content) is list and any([type(part) is dict and _is_audio(part) for part in content]):
            return True
    return False


def _is_audio(part: dict[str, Any]) -> bool:
    kind = part.get("type")
    return type(kind) is str and "audio" in kind


def is_sampled(request: ChatRequest) -> bool:
    """Whether the answer is one of many possible ones, and asked for as such."""
    if has_choices(request):
        return True
    fields = request.fields
    temperature = request.value("temperature") if "temperature" in fields else None
    if temperature is not None:
        return bool(temperature != 0)
    if "seed" in fields and request.value("seed") is not None:
        return True
    return "top_p" in fields and request.value("top_p") not in (None, 1)


def _sampling_reason(request: ChatRequest, wishes: Wishes) -> str:
    if wishes.reuse == "any":
        return ""
    if is_sampled(request):
        return "sampled"
    if wishes.reuse == "deterministic" and request.value("temperature") is None:
        return "not deterministic"
    return ""


def _field_reason(request: ChatRequest) -> str:
    for name, raw in request.fields.items():
        rule = _FIELDS.get(name)
        if rule is None and "search" in name:
            rule = _WEB_SEARCH
        if rule is not None and rule[0](bytes(raw)):
            return rule[1]
    return ""


def _says_something(raw: bytes) -> bool:
    return raw not in _NOTHING


def _asks_for_audio(raw: bytes) -> bool:
    return b"audio" in raw


def _has_hosted(raw: bytes) -> bool:
    tools = msgspec.json.decode(raw)
    if type(tools) is not list:
        return tools is not None
    kinds = [tool.get("type", "function") if type(tool) is dict else None for tool in tools]
    return any([type(kind) is not str or kind not in _OWN_TOOLS for kind in kinds])


def _names_a_search(model: str) -> bool:
    name = model.lower()
    return any([word in name for word in _SEARCHING_MODELS])


_WEB_SEARCH: Final = (_says_something, "web search")
_FIELDS: Final[Mapping[str, tuple[Callable[[bytes], bool], str]]] = {
    # what the provider remembers, or does, beyond this answer
    "store": (_says_something, "store"),
    "previous_response_id": (_says_something, "previous response"),
    "conversation": (_says_something, "conversation"),
    "background": (_says_something, "background"),
    "container": (_says_something, "container"),
    "mcp_servers": (_says_something, "hosted tool"),
    "plugins": (_says_something, "hosted tool"),
    "tools": (_has_hosted, "hosted tool"),
    "audio": (_says_something, "audio"),
    "modalities": (_asks_for_audio, "audio"),
}
