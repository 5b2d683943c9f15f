"""OpenAI responses request -> chat request.

What needs a memory or tools on the provider's side cannot be done over chat and is refused, never dropped:
`previous_response_id`, `conversation`, `background`, prompt templates, hosted tools, item references.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest
from synthlang_router.wire.bridges.translated import (
    Translated,
    asked,
    cannot,
    objects,
    part,
    text_in,
    translated,
)

_AS_IT_IS: Final = (
    "model",
    "stream",
    "temperature",
    "top_p",
    "user",
    "safety_identifier",
    "metadata",
    "parallel_tool_calls",
    "service_tier",
    "prompt_cache_key",
    "top_logprobs",
)
_REFUSED: Final = ("previous_response_id", "conversation", "background", "prompt")
_ROLES: Final = frozenset({"user", "assistant", "system", "developer"})
Plain = dict[str, Any]


def responses_to_chat(request: ChatRequest) -> Translated:
    """Raises InvalidRequest for what chat cannot do; parameters it cannot take are dropped and named."""
    given = asked(request)
    for name in _REFUSED:
        if name in given:
            raise InvalidRequest(
                f"{name} needs a provider that serves /v1/responses itself; this model's does not.",
                param=name,
            )
    dropped: list[str] = []
    instructions = given.pop("instructions", None)
    if instructions is not None and type(instructions) is not str:
        raise cannot("instructions", "anything but text")
    chat: list[Plain] = [] if instructions is None else [{"role": "system", "content": instructions}]
    chat += _items(given.pop("input", None), dropped)
    if not chat:
        raise InvalidRequest(
            "Missing required parameter: 'input'.", param="input", code="missing_required_parameter"
        )
    made: Plain = {"messages": chat, **{name: given.pop(name) for name in _AS_IT_IS if name in given}}
    if "max_output_tokens" in given:
        made["max_completion_tokens"] = given.pop("max_output_tokens")
    if request.stream:
        made["stream_options"] = {"include_usage": True}
    for name, value in given.items():
        translator = _PARAMETERS.get(name)
        dropped += [name] if translator is None else translator(value, made)
    return translated(request, made, dropped, dialect="openai", kind="chat")


def _items(given: Any, dropped: list[str]) -> list[Plain]:
    if type(given) is str:
        return [{"role": "user", "content": given}]
    chat: list[Plain] = []
    for index, item in enumerate(given or ()):
        where = f"input[{index}]"
        if type(item) is not dict:
            raise InvalidRequest(f"Invalid type for '{where}': expected an object.", param=where)
        kind = text_in(item.get("type")) or "message"
        if kind == "reasoning":
            dropped.append("input.reasoning")
            continue
        maker = _ITEMS.get(kind)
        if maker is None:
            raise cannot(where, f"an item of type {kind[:32]!r}")
        _append(chat, maker(item, where))
    return chat


def _append(chat: list[Plain], message: Plain) -> None:
    """Calls of one turn are one assistant message, as chat wants it."""
    last = chat[-1] if chat else {}
    if "tool_calls" in message and last.get("role") == "assistant":
        last.setdefault("tool_calls", []).extend(message["tool_calls"])
    else:
        chat.append(message)


def _message(item: Plain, where: str) -> Plain:
    role = text_in(item.get("role"))
    if role not in _ROLES:
        raise InvalidRequest(f"Invalid value for '{where}.role'.", param=f"{where}.role")
    content = item.get("content")
    if type(content) is str:
        return {"role": role, "content": content}
    parts = [_part(piece, f"{where}.content[{index}]") for index, piece in enumerate(objects(content))]
    if role == "assistant" or (len(parts) == 1 and parts[0]["type"] == "text"):
        return {"role": role, "content": "".join([text_in(piece.get("text")) for piece in parts])}
    return {"role": role, "content": parts}


def _part(piece: Plain, where: str) -> Plain:
    kind = text_in(piece.get("type"))
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": text_in(piece.get("text"))}
    if kind == "refusal":
        return {"type": "text", "text": text_in(piece.get("refusal"))}
    if kind == "input_image" and type(piece.get("image_url")) is str:
        detail = {} if piece.get("detail") is None else {"detail": piece["detail"]}
        return {"type": "image_url", "image_url": {"url": piece["image_url"], **detail}}
    if kind == "input_file" and (piece.get("file_data") or piece.get("file_id")):
        return {"type": "file", "file": {name: piece[name] for name in _FILE if piece.get(name) is not None}}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": part(piece, "input_audio")}
    raise cannot(where, f"content of type {kind[:32]!r}")


_FILE: Final = ("file_data", "file_id", "filename")


def _call(item: Plain, where: str) -> Plain:
    function = {"name": item.get("name"), "arguments": text_in(item.get("arguments"))}
    call = {"id": item.get("call_id"), "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _output(item: Plain, where: str) -> Plain:
    output = item.get("output")
    if type(output) is list:
        output = "".join([text_in(_part(piece, f"{where}.output").get("text")) for piece in objects(output)])
    return {"role": "tool", "tool_call_id": item.get("call_id"), "content": text_in(output)}


_ITEMS: Final[Mapping[str, Callable[[Plain, str], Plain]]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _output,
}


def _tools(value: Any, made: Plain) -> list[str]:
    """Functions; the provider's own tools cannot be had over chat, and an answer without them would be another."""
    tools = []
    for index, tool in enumerate(objects(value)):
        if tool.get("type") != "function":
            raise cannot(f"tools[{index}]", f"a tool of type {text_in(tool.get('type'))[:32]!r}")
        function = {
            name: tool[name] for name in ("name", "description", "parameters", "strict") if name in tool
        }
        tools.append({"type": "function", "function": {k: v for k, v in function.items() if v is not None}})
    made["tools"] = tools
    return []


def _tool_choice(value: Any, made: Plain) -> list[str]:
    if type(value) is str:
        made["tool_choice"] = value
    elif type(value) is dict and value.get("type") == "function":
        made["tool_choice"] = {"type": "function", "function": {"name": value.get("name")}}
    else:
        return ["tool_choice"]
    return []


def _text(value: Any, made: Plain) -> list[str]:
    wanted = part(value, "format")
    if wanted.get("type") == "json_schema":
        named = {name: wanted[name] for name in ("name", "description", "schema", "strict") if name in wanted}
        made["response_format"] = {"type": "json_schema", "json_schema": named}
    elif wanted.get("type") == "json_object":
        made["response_format"] = {"type": "json_object"}
    if type(value) is not dict:
        return ["text"]
    if value.get("verbosity") is not None:
        made["verbosity"] = value["verbosity"]
    return []


def _reasoning(value: Any, made: Plain) -> list[str]:
    if type(value) is not dict:
        return ["reasoning"]
    if value.get("effort") is not None:
        made["reasoning_effort"] = value["effort"]
    return [f"reasoning.{name}" for name, wish in value.items() if name != "effort" and wish is not None]


def _include(value: Any, made: Plain) -> list[str]:
    dropped: list[str] = []
    for wish in value if type(value) is list else ():
        if wish == "message.output_text.logprobs":
            made["logprobs"] = True
        else:
            dropped.append(f"include.{text_in(wish)[:64]}")
    return dropped


_PARAMETERS: Final[Mapping[str, Callable[[Any, Plain], list[str]]]] = {
    "tools": _tools,
    "tool_choice": _tool_choice,
    "text": _text,
    "reasoning": _reasoning,
    "include": _include,
}
