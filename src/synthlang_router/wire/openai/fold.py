"""`fold`: the whole OpenAI answer that a stream's chunks make.

Text is gathered in lists and joined once, so that folding is linear in the answer's size. Decimal numbers keep their
digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from synthlang_router.errors import ProviderProtocolError
from synthlang_router.models import ChatChunk, ChatCompletion
from synthlang_router.wire.openai.answers import parse_completion
from synthlang_router.wire.openai.responses import fold_response
from synthlang_router.wire.plain import Plain, decode_plain, encode_plain

_FIRST_WINS: Final = frozenset({"role", "id", "type", "name", "format", "signature", "thought_signature"})
_LOOK_BACK: Final = 64
_DEEPEST: Final = 32


class _Text(list[str]):
    """A string under way."""


def fold(chunks: Sequence[ChatChunk]) -> ChatCompletion:
    """The whole answer that these chunks make, unknown fields included. Never fails: recording depends on it."""
    if any((chunk.event or "").startswith("response.") for chunk in chunks[:8]):
        return fold_response(chunks)
    whole: Plain = {}
    choices: dict[int, Plain] = {}
    for chunk in chunks:
        if chunk.raw:
            _fold_frame(whole, choices, _frame_of(chunk))
    text = whole.get("object") == "text_completion"
    if not text:
        whole["object"] = "chat.completion"
    whole.pop("obfuscation", None)  # padding against traffic analysis of the frames
    usage = whole.pop("usage", None)
    if usage is None and type(whole.get("x_groq")) is dict:
        usage = whole["x_groq"].get("usage")
    whole["choices"] = [_finished(index, choices[index], text) for index in sorted(choices)]
    if usage is not None:
        whole["usage"] = usage
    raw = encode_plain(whole)
    return parse_completion(raw) if choices else ChatCompletion(raw=raw)


def _frame_of(chunk: ChatChunk) -> Plain:
    """The frame as plain data; of one with parts that nobody can read (a number of 5,000 digits) what the chunk says."""
    try:
        return decode_plain(chunk.raw)
    except ProviderProtocolError:
        calls = [
            {"index": call.index, "id": call.id, "function": {"name": call.name, "arguments": call.arguments}}
            for call in chunk.tool_calls
        ]
        said = {"content": chunk.content, "refusal": chunk.refusal, "reasoning": chunk.reasoning}
        delta: Plain = {name: text for name, text in said.items() if text is not None}
        if calls:
            delta["tool_calls"] = calls
        return {"choices": [{"index": chunk.index, "delta": delta, "finish_reason": chunk.finish_reason}]}


def _fold_frame(whole: Plain, choices: dict[int, Plain], frame: Plain) -> None:
    for name, value in frame.items():
        if name == "choices":
            for choice in value or ():
                _fold_choice(choices, choice)
        elif value is not None or name not in whole:
            whole[name] = value


def _fold_choice(choices: dict[int, Plain], piece: Plain) -> None:
    index = piece.get("index") or 0
    choice = choices.get(index)
    if choice is None:
        choice = choices[index] = {}
    for name, value in piece.items():
        if name in ("delta", "message"):
            if type(value) is dict:
                _merge(choice.setdefault("message", {}), value, 0)
        elif name == "text" or (name == "logprobs" and value is not None):
            _merge(choice, {name: value}, 0)
        elif value is not None or name not in choice:
            choice[name] = value


def _finished(index: int, choice: Plain, text: bool) -> Plain:
    choice["index"] = index
    choice.setdefault("finish_reason", None)
    if not text:
        _finish_message(choice)
    _settle(choice)
    return choice


def _finish_message(choice: Plain) -> None:
    message = choice.setdefault("message", {})
    message.setdefault("role", "assistant")
    message.setdefault("content", None)
    calls = message.get("tool_calls")
    if calls:
        calls.sort(key=lambda call: call.get("index") or 0)
        for call in calls:
            call.pop("index", None)
            call.setdefault("type", "function")


def _merge(kept: Plain, delta: Plain, depth: int) -> None:
    """Add a delta: text is appended, lists by their items' `index`, names and ids stand as they came first."""
    for name, value in delta.items():
        old = kept.get(name)
        if type(old) is _Text and type(value) is str:
            old.append(value)
        elif old is not None and value is not None:
            kept[name] = _added(name, old, value, depth)
        elif type(value) is list:
            fresh: list[Any] = []
            kept[name] = fresh
            _merge_list(fresh, value, depth)
        elif old is None:
            kept[name] = value


def _added(name: str, old: Any, value: Any, depth: int) -> Any:
    """What stands after `value` came for a `name` that had `old`; beyond `_DEEPEST` the last one stands alone."""
    kind = type(value)
    if kind is str and type(old) is str:
        return old if old and name in _FIRST_WINS else _Text((old, value))
    if kind is type(old) and depth < _DEEPEST:
        if kind is dict:
            _merge(old, value, depth + 1)
            return old
        if kind is list:
            _merge_list(old, value, depth + 1)
            return old
    return value


def _merge_list(kept: list[Any], delta: list[Any], depth: int) -> None:
    """Items with an `index` are pieces of one item; it is looked for among the last `_LOOK_BACK`."""
    for item in delta:
        index = item.get("index") if type(item) is dict else None
        old = None if type(index) is not int else _last(kept, index)
        if old is not None:
            _merge(old, item, depth)
        else:
            kept.append(item)


def _last(kept: list[Any], index: int) -> Plain | None:
    for old in kept[: -_LOOK_BACK - 1 : -1]:
        if type(old) is dict and old.get("index") == index:
            return old
    return None


def _settle(node: Any) -> None:
    """Join every text in `node`."""
    pairs = list(node.items()) if type(node) is dict else list(enumerate(node))
    for name, value in pairs:
        if type(value) is _Text:
            node[name] = "".join(value)
        elif type(value) in (dict, list):
            _settle(value)
