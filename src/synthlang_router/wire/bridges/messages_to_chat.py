"""Anthropic messages request -> OpenAI chat request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

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
from synthlang_router.wire.plain import encode_plain

_AS_IT_IS: Final = ("model", "stream", "temperature", "top_p")
_CHOICES: Final[Mapping[str, str]] = {"auto": "auto", "any": "required", "none": "none"}
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
Plain = dict[str, Any]


def messages_to_chat(request: ChatRequest) -> Translated:
    """Raises InvalidRequest for content a chat cannot hold; parameters it cannot take are dropped and named."""
    given = asked(request)
    dropped: list[str] = []
    chat = _system(given.pop("system", None), dropped)
    for index, message in enumerate(given.pop("messages")):
        chat += _turn(message, f"messages.{index}", dropped)
    made: Plain = {"messages": chat, **{name: given.pop(name) for name in _AS_IT_IS if name in given}}
    if "max_tokens" in given:
        made["max_completion_tokens"] = given.pop("max_tokens")
    if request.stream:
        made["stream_options"] = {"include_usage": True}
    for name, value in given.items():
        translator = _PARAMETERS.get(name)
        dropped += [name] if translator is None else translator(value, made)
    return translated(request, made, dropped, dialect="openai", kind="chat")


def _system(system: Any, dropped: list[str]) -> list[Plain]:
    if type(system) is str:
        return [{"role": "system", "content": system}] if system else []
    parts = [_text(block, "system", dropped) for block in objects(system)]
    return [{"role": "system", "content": _plainest(parts)}] if parts else []


def _plainest(parts: list[Plain]) -> Any:
    """One text as a string, which every copy of OpenAI understands; else parts."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _turn(message: Plain, where: str, dropped: list[str]) -> list[Plain]:
    role, content = message["role"], message["content"]
    if type(content) is str:
        return [{"role": role, "content": content}]
    return (_assistant if role == "assistant" else _user)(role, content, f"{where}.content", dropped)


def _assistant(role: str, blocks: list[Plain], where: str, dropped: list[str]) -> list[Plain]:
    texts: list[str] = []
    calls: list[Plain] = []
    for index, block in enumerate(blocks):
        kind = block["type"]
        if kind == "text":
            texts.append(_text(block, where, dropped)["text"])
        elif kind == "tool_use":
            function = {
                "name": block.get("name"),
                "arguments": encode_plain(block.get("input") or {}).decode(),
            }
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        elif kind in _THOUGHTS:
            dropped.append("messages.thinking")  # signed by another model's maker: nobody else can read it
        else:
            raise cannot(f"{where}.{index}", f"a block of type {kind[:32]!r}")
    said: Plain = {"role": role, "content": "".join(texts) if texts else None}
    return [said | ({"tool_calls": calls} if calls else {})]


def _user(role: str, blocks: list[Plain], where: str, dropped: list[str]) -> list[Plain]:
    """Tool results become messages of their own and come first: an answer to a call follows the call."""
    results: list[Plain] = []
    parts: list[Plain] = []
    for index, block in enumerate(blocks):
        if block["type"] == "tool_result":
            result, images = _result(block, f"{where}.{index}", dropped)
            results.append(result)
            parts += images
        else:
            parts.append(_part(block, f"{where}.{index}", dropped))
    return results + ([{"role": role, "content": _plainest(parts)}] if parts else [])


def _result(block: Plain, where: str, dropped: list[str]) -> tuple[Plain, list[Plain]]:
    """A tool's message holds text only; images that the tool returned follow in the user's."""
    content = block.get("content")
    texts = [content] if type(content) is str else []
    others: list[Plain] = []
    for index, piece in enumerate(objects(content)):
        made = _part(piece, f"{where}.content.{index}", dropped)
        if made["type"] == "text":
            texts.append(made["text"])
        else:
            others.append(made)
    if block.get("cache_control"):
        dropped.append("cache_control")
    text = "\n".join(texts)
    if block.get("is_error") is True:
        text = f"Error: {text}"
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text}, others


def _part(block: Plain, where: str, dropped: list[str]) -> Plain:
    maker = _BLOCKS.get(text_in(block.get("type")))
    made = None if maker is None else maker(block, where, dropped)
    if made is None:
        raise cannot(where, f"a block of type {text_in(block.get('type'))[:32]!r}")
    return made


def _text(block: Plain, where: str, dropped: list[str]) -> Plain:
    for name in ("cache_control", "citations"):
        if block.get(name):
            dropped.append(name)
    return {"type": "text", "text": text_in(block.get("text"))}


def _image(block: Plain, where: str, dropped: list[str]) -> Plain | None:
    """The URL goes through as it is: nobody here fetches it."""
    url = _source_url(part(block, "source"))
    return None if url is None else {"type": "image_url", "image_url": {"url": url}}


def _document(block: Plain, where: str, dropped: list[str]) -> Plain | None:
    source = part(block, "source")
    if source.get("type") == "text":
        return {"type": "text", "text": text_in(source.get("data"))}
    if source.get("type") != "base64":
        return None
    name = text_in(block.get("title")) or "document.pdf"
    return {"type": "file", "file": {"filename": name, "file_data": _source_url(source)}}


def _source_url(source: Plain) -> str | None:
    if source.get("type") == "base64":
        return f"data:{text_in(source.get('media_type'))};base64,{text_in(source.get('data'))}"
    return text_in(source.get("url")) or None if source.get("type") == "url" else None


_BLOCKS: Final[Mapping[str, Callable[[Plain, str, list[str]], Plain | None]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
}


def _stop(value: Any, made: Plain) -> list[str]:
    made["stop"] = value
    return []


def _metadata(value: Any, made: Plain) -> list[str]:
    if type(value.get("user_id")) is str:
        made["user"] = value["user_id"]
    return [] if value.keys() <= {"user_id"} else ["metadata"]


def _tools(value: Any, made: Plain) -> list[str]:
    tools, dropped = [], []
    for tool in objects(value):
        if "input_schema" not in tool:
            dropped.append(f"tools.{tool.get('type')}")  # a tool that only Anthropic can run
            continue
        function = {"name": tool.get("name"), "parameters": tool["input_schema"]}
        function |= {name: tool[name] for name in ("description", "strict") if tool.get(name)}
        tools.append({"type": "function", "function": function})
        dropped += ["cache_control"] if tool.get("cache_control") else []
    made["tools"] = tools or None
    return dropped


def _tool_choice(value: Any, made: Plain) -> list[str]:
    kind = text_in(value.get("type"))
    if value.get("disable_parallel_tool_use") is True:
        made["parallel_tool_calls"] = False
    if kind in _CHOICES:
        made["tool_choice"] = _CHOICES[kind]
    elif kind == "tool":
        made["tool_choice"] = {"type": "function", "function": {"name": value.get("name")}}
    else:
        return ["tool_choice"]
    return []


def _output_config(value: Any, made: Plain) -> list[str]:
    if type(value) is not dict:
        return ["output_config"]
    schema = part(value, "format").get("schema")
    if schema is not None:
        named = {"name": "answer", "schema": schema, "strict": True}
        made["response_format"] = {"type": "json_schema", "json_schema": named}
    return [f"output_config.{name}" for name, wish in value.items() if name != "format" and wish is not None]


def _thinking(value: Any, made: Plain) -> list[str]:
    return [] if value.get("type") == "disabled" else ["thinking"]


_PARAMETERS: Final[Mapping[str, Callable[[Any, Plain], list[str]]]] = {
    "stop_sequences": _stop,
    "metadata": _metadata,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "output_config": _output_config,
    "thinking": _thinking,
}
