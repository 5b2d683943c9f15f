"""OpenAI chat answers -> Anthropic's: completions as messages, frames as events.

Anthropic's blocks come one after the other, OpenAI's pieces of several tool calls may be mixed: the first call is
handed on as it comes, pieces of later ones wait until the calls before them are over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from synthlang_router.models import ChatChunk, ChatCompletion, ToolCallDelta, Usage
from synthlang_router.wire.anthropic.answers import parse_message
from synthlang_router.wire.anthropic.chunks import MESSAGE_STOP
from synthlang_router.wire.bridges.call_order import CallOrder
from synthlang_router.wire.bridges.translated import objects, part, text_in
from synthlang_router.wire.format import ChatStream
from synthlang_router.wire.plain import Plain, decode_plain, encode_plain

STOP: Final[Mapping[str, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def message_of(completion: ChatCompletion) -> ChatCompletion:
    """A whole chat completion as a message; of several choices the first (n is not Anthropic's)."""
    plain = decode_plain(completion.raw)
    choice: Plain = plain["choices"][0]
    message = part(choice, "message")
    blocks: list[Plain] = []
    thought = text_in(message.get("reasoning_content")) or text_in(message.get("reasoning"))
    if thought:
        blocks.append({"type": "thinking", "thinking": thought, "signature": ""})
    for text in (completion.content, completion.refusal):
        if text:
            blocks.append({"type": "text", "text": text})
    for call in objects(message.get("tool_calls")):
        function = part(call, "function")
        given = _input(text_in(function.get("arguments")))
        blocks.append(
            {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": given}
        )
    usage = Usage() if completion.usage is None else completion.usage
    whole = _envelope(text_in(plain.get("id")), completion.model, usage) | {
        "content": blocks,
        "stop_reason": _stop_of(completion.finish_reasons[0], refused=completion.refusal is not None),
    }
    return parse_message(encode_plain(whole))


def _stop_of(finish: str | None, *, refused: bool = False) -> str | None:
    if refused and finish == "stop":
        return "refusal"
    return None if finish is None else STOP.get(finish, finish)


def _input(arguments: str) -> Any:
    """A call's arguments as the object they should be; a model's broken JSON stays visible as text."""
    if not arguments.strip():
        return {}
    try:
        plain = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        plain = None
    return msgspec.Raw(arguments.strip().encode()) if type(plain) is dict else {"invalid_json": arguments}


def _envelope(answer_id: str, model: str, usage: Usage) -> Plain:
    return {
        "id": f"msg_{answer_id.removeprefix('chatcmpl-').removeprefix('msg_')}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": render_usage(usage),
    }


def render_usage(usage: Usage) -> Plain:
    """Usage in Anthropic's spelling, which counts cached input apart."""
    return {
        "input_tokens": max(0, usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }


class ChatAsMessages:
    """A `ChatStream` that reads chat frames from `source` and hands out Anthropic's events."""

    def __init__(self, source: ChatStream) -> None:
        self._source = source
        self._started = False
        self._closed = False
        self._index = -1
        self._open: str | None = None  # the kind of the block under way
        self._call: int | None = None  # the tool call under way
        self._order = CallOrder()
        self._waiting: dict[int, list[ToolCallDelta]] = {}
        self._usage: Usage | None = None
        self._finish: str | None = None
        self._refused = False

    @property
    def done(self) -> bool:
        return self._closed

    @property
    def failed(self) -> bool:
        return self._source.failed

    def feed(self, block: bytes) -> list[ChatChunk]:
        return self._translate(self._source.feed(block))

    def end(self) -> list[ChatChunk]:
        return self._translate(self._source.end())

    def _translate(self, chunks: list[ChatChunk]) -> list[ChatChunk]:
        events: list[ChatChunk] = []
        for chunk in chunks:
            if not self._started:
                self._begin(chunk, events)
            if chunk.index == 0:
                self._add(chunk, events)
            if chunk.usage is not None:
                self._usage = chunk.usage
        if self._source.done and not self._closed:
            self._end(events)
        return events

    def _begin(self, chunk: ChatChunk, events: list[ChatChunk]) -> None:
        self._started = True
        plain = decode_plain(chunk.raw)
        message = _envelope(text_in(plain.get("id")), text_in(plain.get("model")), chunk.usage or Usage())
        events.append(_event({"type": "message_start", "message": message}))

    def _add(self, chunk: ChatChunk, events: list[ChatChunk]) -> None:
        if chunk.reasoning:
            self._enter("thinking", {"type": "thinking", "thinking": "", "signature": ""}, events)
            delta = {"type": "thinking_delta", "thinking": chunk.reasoning}
            events.append(self._delta(delta, reasoning=chunk.reasoning))
        for text in (chunk.content, chunk.refusal):
            if text:
                self._enter("text", {"type": "text", "text": ""}, events)
                events.append(self._delta({"type": "text_delta", "text": text}, content=text))
        self._refused = self._refused or bool(chunk.refusal)
        for call in chunk.tool_calls:
            self._add_call(self._order.placed(call), events)
        if chunk.finish_reason is not None:
            self._finish = chunk.finish_reason

    def _enter(
        self, kind: str, block: Plain, events: list[ChatChunk], calls: tuple[ToolCallDelta, ...] = ()
    ) -> None:
        """Open a block of this kind, unless it is the one under way."""
        if self._open == kind:
            return
        self._leave(events)
        self._open = kind
        self._index += 1
        start = {"type": "content_block_start", "index": self._index, "content_block": block}
        events.append(_event(start, calls))

    def _leave(self, events: list[ChatChunk]) -> None:
        if self._open is not None:
            events.append(_event({"type": "content_block_stop", "index": self._index}))
            self._open = None

    def _delta(self, delta: Plain, *, content: str | None = None, reasoning: str | None = None) -> ChatChunk:
        raw = encode_plain({"type": "content_block_delta", "index": self._index, "delta": delta})
        return ChatChunk(raw=raw, content=content, reasoning=reasoning, event="content_block_delta")

    def _add_call(self, call: ToolCallDelta, events: list[ChatChunk]) -> None:
        if self._call is None:
            self._call = call.index
        if call.index == self._call:
            self._write_call(call, events)
        else:
            self._waiting.setdefault(call.index, []).append(call)

    def _write_call(self, call: ToolCallDelta, events: list[ChatChunk]) -> None:
        block: Plain = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        told = ToolCallDelta(call.index, call.id, call.name, "")
        self._enter(f"tool {call.index}", block, events, (told,))
        if call.arguments:
            delta = {"type": "input_json_delta", "partial_json": call.arguments}
            raw = encode_plain({"type": "content_block_delta", "index": self._index, "delta": delta})
            piece = ToolCallDelta(call.index, arguments=call.arguments)
            events.append(ChatChunk(raw=raw, tool_calls=(piece,), event="content_block_delta"))

    def _end(self, events: list[ChatChunk]) -> None:
        self._closed = True
        for index in sorted(self._waiting):
            for call in self._waiting[index]:
                self._write_call(call, events)
        self._leave(events)
        usage = Usage() if self._usage is None else self._usage
        stop = {"stop_reason": _stop_of(self._finish, refused=self._refused), "stop_sequence": None}
        raw = encode_plain({"type": "message_delta", "delta": stop, "usage": render_usage(usage)})
        events.append(
            ChatChunk(raw=raw, finish_reason=self._finish, usage=self._usage, event="message_delta")
        )
        events.append(MESSAGE_STOP)


def _event(plain: Plain, calls: tuple[ToolCallDelta, ...] = ()) -> ChatChunk:
    return ChatChunk(raw=encode_plain(plain), tool_calls=calls, data=bool(calls), event=plain["type"])
