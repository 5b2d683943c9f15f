"""Anthropic request bodies: messages, count_tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest
from synthlang_router.wire.body import read_members

_OPTIONAL: Final[Mapping[str, tuple[type, ...]]] = {
    "stream": (bool,),
    "max_tokens": (int,),
    "system": (str, list),
    "temperature": (int, float),
    "top_p": (int, float),
    "top_k": (int,),
    "metadata": (dict,),
    "tools": (list,),
    "tool_choice": (dict,),
    "thinking": (dict,),
    "stop_sequences": (list,),
}
_ROLES: Final = frozenset({"user", "assistant", "system"})


def read_request(body: bytes, kind: str) -> ChatRequest:
    """A request of `kind` (messages, count_tokens); raises InvalidRequest in Anthropic's words."""
    fields, plain = read_members(body)
    model = plain.get("model")
    if type(model) is not str:
        raise _wrong("model", "Field required" if model is None else "Input should be a valid string")
    if not model or not model.isprintable() or len(model) > 256:
        raise _wrong("model", "String should be a printable name of 1 to 256 characters")
    for name in plain.keys() & _OPTIONAL.keys():
        value = plain[name]
        if value is not None and type(value) not in _OPTIONAL[name]:
            raise _wrong(name, "Input should be of another type")
    if kind == "messages" and plain.get("max_tokens") is None:
        raise _wrong("max_tokens", "Field required")
    _check_messages(plain.get("messages"))
    request = ChatRequest(
        fields, model=model, stream=plain.get("stream") is True, body=body, dialect="anthropic", kind=kind
    )
    request.__dict__["messages"] = plain["messages"]  # what `messages` would decode a second time
    return request


def _check_messages(messages: Any) -> None:
    if type(messages) is not list:
        raise _wrong("messages", "Field required" if messages is None else "Input should be a valid list")
    if not messages:
        raise _wrong("messages", "at least one message is required")
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise _wrong(f"messages.{index}", "Input should be an object")
        role = message.get("role")
        if type(role) is not str or role not in _ROLES:
            raise _wrong(f"messages.{index}.role", "Input should be 'user' or 'assistant'")
        content = message.get("content")
        if type(content) is not str:
            _check_blocks(f"messages.{index}.content", content)


def _check_blocks(where: str, content: Any) -> None:
    if type(content) is not list:
        raise _wrong(where, "Field required" if content is None else "Input should be a string or a list")
    for index, block in enumerate(content):
        if type(block) is not dict or type(block.get("type")) is not str:
            raise _wrong(f"{where}.{index}", "Input should be an object with a type")


def _wrong(where: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"{where}: {what}", param=where)


def ask_for_usage(request: ChatRequest) -> ChatRequest | None:
    """Usage always comes: there is nothing to ask."""
    return None
