"""OpenAI chat request -> Anthropic messages request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from synthlang_router.models import ChatRequest
from synthlang_router.wire.bridges.chat_turns import anthropic_turns
from synthlang_router.wire.bridges.translated import Translated, asked, objects, part, translated

DEFAULT_MAX_TOKENS: Final = 8_192
"""What a caller gets who sets no limit: Anthropic wants one, and every current model allows this much."""

_AS_IT_IS: Final = ("model", "stream", "top_p", "top_k", "thinking")
_CHOICES: Final[Mapping[str, str]] = {"auto": "auto", "required": "any", "none": "none"}
Plain = dict[str, Any]


def to_anthropic(request: ChatRequest) -> Translated:
    """Raises InvalidRequest for content Anthropic cannot take; parameters it cannot take are dropped and named."""
    given = asked(request)
    system, turns, dropped = anthropic_turns(given.pop("messages"))
    limits = [given.pop(name, None) for name in ("max_completion_tokens", "max_tokens")]
    made: Plain = {
        "messages": turns,
        "system": system or None,
        "max_tokens": next((limit for limit in limits if limit is not None), DEFAULT_MAX_TOKENS),
        **{name: given.pop(name) for name in _AS_IT_IS if name in given},
    }
    given.pop("stream_options", None)  # usage always comes
    for name, value in given.items():
        translator = _PARAMETERS.get(name)
        dropped += [name] if translator is None else translator(value, made)
    if made.pop("_one_at_a_time", False) and "tools" in made:
        made.setdefault("tool_choice", {"type": "auto"})["disable_parallel_tool_use"] = True
    return translated(request, made, dropped, dialect="anthropic", kind="messages")


def _temperature(value: Any, made: Plain) -> list[str]:
    """Anthropic's scale ends at 1; a hotter wish is not quietly made a cooler one."""
    if value > 1:
        return ["temperature"]
    made["temperature"] = value
    return []


def _stop(value: Any, made: Plain) -> list[str]:
    made["stop_sequences"] = [value] if type(value) is str else value
    return []


def _user(value: Any, made: Plain) -> list[str]:
    made.setdefault("metadata", {})["user_id"] = value
    return []


def _metadata(value: Any, made: Plain) -> list[str]:
    """Anthropic knows one key of metadata."""
    if type(value.get("user_id")) is str:
        made.setdefault("metadata", {}).setdefault("user_id", value["user_id"])
    return [] if value.keys() <= {"user_id"} else ["metadata"]


def _tools(value: Any, made: Plain) -> list[str]:
    """Functions; anything else (custom grammars, hosted tools) has no counterpart."""
    tools, dropped = [], []
    for tool in objects(value):
        function = part(tool, "function")
        if tool.get("type", "function") != "function" or "name" not in function:
            dropped.append(f"tools.{tool.get('type')}")
            continue
        made_tool: Plain = {"name": function["name"]}
        if function.get("description"):
            made_tool["description"] = function["description"]
        made_tool["input_schema"] = function.get("parameters") or {"type": "object", "properties": {}}
        for name in ("cache_control", "strict"):
            wish = tool.get(name, function.get(name))
            if wish:
                made_tool[name] = wish
        tools.append(made_tool)
    made["tools"] = tools or None
    return dropped


def _tool_choice(value: Any, made: Plain) -> list[str]:
    function = part(value, "function")
    if type(value) is str and value in _CHOICES:
        made["tool_choice"] = {"type": _CHOICES[value]}
    elif "name" in function:
        made["tool_choice"] = {"type": "tool", "name": function["name"]}
    else:
        return ["tool_choice"]
    return []


def _parallel(value: Any, made: Plain) -> list[str]:
    made["_one_at_a_time"] = value is False
    return []


def _response_format(value: Any, made: Plain) -> list[str]:
    schema = part(value, "json_schema").get("schema")
    if value.get("type") != "json_schema" or schema is None:
        return ["response_format"]
    made["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return []


_PARAMETERS: Final[Mapping[str, Callable[[Any, Plain], list[str]]]] = {
    "temperature": _temperature,
    "stop": _stop,
    "user": _user,
    "safety_identifier": _user,
    "metadata": _metadata,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": _parallel,
    "response_format": _response_format,
}
