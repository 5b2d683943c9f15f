"""OpenAI's response object and its items, made of chat answers and of the request they answer."""

from __future__ import annotations

from typing import Any, Final

from synthlang_router.models import ChatRequest, Usage
from synthlang_router.wire.plain import Plain

_ECHOED: Final[Plain] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "auto",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}
_NUMBER: Final = (int, float)
_IF_GIVEN: Final = ("user",)
"""What has no form in which it is absent."""
_REASONS: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response_object(request: ChatRequest, answer_id: str, created: int, model: str) -> Plain:
    """A response that has just begun. It is never stored, whatever was asked."""
    echoed = {}
    for name, absent in _ECHOED.items():
        value = request.value(name)
        echoed[name] = value if _may_be_echoed(name, value, absent) else absent
    for name in _IF_GIVEN:
        if request.value(name) is not None:
            echoed[name] = request.value(name)
    if "format" not in echoed["text"]:
        echoed["text"] = {"format": {"type": "text"}, **echoed["text"]}
    return {
        "id": f"resp_{answer_id.removeprefix('chatcmpl-').removeprefix('msg_')}",
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "previous_response_id": None,
        "store": False,
        **echoed,
    }


def _may_be_echoed(name: str, value: Any, absent: Any) -> bool:
    """Whether a client will read it: what nobody could read was dropped, or is the provider's to refuse."""
    if name == "tool_choice" and type(value) is dict:
        return type(value.get("type")) is str
    return value is not None and (
        absent is None or isinstance(value, _NUMBER if type(absent) is float else type(absent))
    )


def completed(response: Plain, output: list[Plain], finish: str | None, usage: Usage | None) -> Plain:
    """The response at its end: incomplete where the answer was cut by a limit or a filter."""
    reason = _REASONS.get(finish or "")
    ended = {
        **response,
        "status": "completed" if reason is None else "incomplete",
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": output,
    }
    return ended if usage is None else {**ended, "usage": render_usage(usage)}


def render_usage(usage: Usage) -> Plain:
    """Usage in the spelling of responses."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def reasoning_item(item_id: str, text: str | None, status: str) -> Plain:
    content = [] if text is None else [{"type": "reasoning_text", "text": text}]
    return {"id": item_id, "type": "reasoning", "summary": [], "content": content, "status": status}


def message_item(item_id: str, content: list[Plain], status: str) -> Plain:
    return {"id": item_id, "type": "message", "role": "assistant", "status": status, "content": content}


def text_part(text: str, logprobs: list[Any]) -> Plain:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def refusal_part(text: str) -> Plain:
    return {"type": "refusal", "refusal": text}


def call_item(item_id: str, call_id: str, name: str, arguments: str, status: str) -> Plain:
    return {
        "id": item_id,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }
