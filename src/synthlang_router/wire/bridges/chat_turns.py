"""OpenAI chat messages -> Anthropic's system and turns: whatever role spoke, blocks of user and assistant in turn.

Content is never dropped: what Anthropic has no block for is refused by its place in the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from synthlang_router.wire.bridges.translated import arguments_of, cannot, data_url, objects, part, text_in

Plain = dict[str, Any]
Blocks = list[Plain]
_SYSTEM: Final = frozenset({"system", "developer"})


def anthropic_turns(messages: list[Plain]) -> tuple[Blocks, list[Plain], list[str]]:
    """System blocks, turns, and what was dropped. Adjacent messages of one side become one turn."""
    system: Blocks = []
    turns: list[Plain] = []
    dropped: list[str] = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = message["role"]
        if role in _SYSTEM:
            system += _blocks(message.get("content"), f"{where}.content")
            continue
        maker = _ROLES.get(role)
        if maker is None:
            raise cannot(f"{where}.role", f"the role {role[:32]!r}")
        side, blocks = maker(message, where)
        if message.get("name") and role in ("user", "assistant"):
            dropped.append("messages.name")
        if message.get("cache_control") and blocks:
            blocks[-1].setdefault("cache_control", message["cache_control"])
        if blocks and turns and turns[-1]["role"] == side:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": side, "content": blocks})
    return system, turns, dropped


def _user(message: Plain, where: str) -> tuple[str, Blocks]:
    return "user", _blocks(message.get("content"), f"{where}.content")


def _assistant(message: Plain, where: str) -> tuple[str, Blocks]:
    """Thinking first, signed as it came, then text, then calls: Anthropic's own order."""
    blocks = _thoughts(message)
    blocks += _blocks(message.get("content"), f"{where}.content")
    if type(message.get("refusal")) is str and message["refusal"]:
        blocks.append({"type": "text", "text": message["refusal"]})
    for index, call in enumerate(objects(message.get("tool_calls"))):
        function = part(call, "function")
        if "name" not in function:
            raise cannot(f"{where}.tool_calls[{index}]", "a call of another kind than a function")
        given = arguments_of(function.get("arguments"), f"{where}.tool_calls[{index}].function.arguments")
        blocks.append({"type": "tool_use", "id": call.get("id"), "name": function["name"], "input": given})
    called = part(message, "function_call")
    if "name" in called:
        given = arguments_of(called.get("arguments"), f"{where}.function_call.arguments")
        blocks.append(
            {"type": "tool_use", "id": _old_id(called["name"]), "name": called["name"], "input": given}
        )
    return "assistant", blocks


def _thoughts(message: Plain) -> Blocks:
    """Signed thinking that an earlier answer handed out as `reasoning_details`; unsigned thoughts cannot go back."""
    blocks: Blocks = []
    for detail in objects(message.get("reasoning_details")):
        if detail.get("type") == "reasoning.text" and detail.get("signature"):
            text = text_in(detail.get("text"))
            blocks.append({"type": "thinking", "thinking": text, "signature": detail["signature"]})
        elif detail.get("type") == "reasoning.encrypted" and detail.get("data"):
            blocks.append({"type": "redacted_thinking", "data": detail["data"]})
    return blocks


def _tool(message: Plain, where: str) -> tuple[str, Blocks]:
    blocks = _blocks(message.get("content"), f"{where}.content")
    result = {"type": "tool_result", "tool_use_id": message.get("tool_call_id"), "content": blocks}
    return "user", [result]


def _function(message: Plain, where: str) -> tuple[str, Blocks]:
    blocks = _blocks(message.get("content"), f"{where}.content")
    return "user", [{"type": "tool_result", "tool_use_id": _old_id(message.get("name")), "content": blocks}]


def _old_id(name: Any) -> str:
    """Calls of the old kind have no id; one function is called at a time."""
    return "toolu_" + "".join(letter for letter in text_in(name) if letter.isalnum() or letter in "_-")


def _blocks(content: Any, where: str) -> Blocks:
    if type(content) is str:
        return [{"type": "text", "text": content}] if content else []
    blocks: Blocks = []
    for index, piece in enumerate(content or ()):
        maker = _PARTS.get(text_in(piece.get("type")))
        if maker is None:
            raise cannot(f"{where}[{index}]", f"content of type {text_in(piece.get('type'))[:32]!r}")
        block = maker(piece, f"{where}[{index}]")
        if block.get("text") == "":
            continue
        if piece.get("cache_control"):
            block["cache_control"] = piece["cache_control"]
        blocks.append(block)
    return blocks


def _text(piece: Plain, where: str) -> Plain:
    return {"type": "text", "text": text_in(piece.get("text"))}


def _refusal(piece: Plain, where: str) -> Plain:
    return {"type": "text", "text": text_in(piece.get("refusal"))}


def _image(piece: Plain, where: str) -> Plain:
    """The URL goes through as it is: nobody here fetches it."""
    url = text_in(part(piece, "image_url").get("url"))
    inline = data_url(url)
    if inline is not None:
        return {"type": "image", "source": {"type": "base64", "media_type": inline[0], "data": inline[1]}}
    if not url.startswith(("https://", "http://")):
        raise cannot(f"{where}.image_url.url", "this URL")
    return {"type": "image", "source": {"type": "url", "url": url}}


def _file(piece: Plain, where: str) -> Plain:
    file = part(piece, "file")
    inline = data_url(text_in(file.get("file_data")))
    if inline is None:
        raise cannot(f"{where}.file", "a file without its data")
    block: Plain = {
        "type": "document",
        "source": {"type": "base64", "media_type": inline[0], "data": inline[1]},
    }
    if file.get("filename"):
        block["title"] = file["filename"]
    return block


_PARTS: Final[Mapping[str, Callable[[Plain, str], Plain]]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "file": _file,
}
_ROLES: Final[Mapping[str, Callable[[Plain, str], tuple[str, Blocks]]]] = {
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
    "function": _function,
}
