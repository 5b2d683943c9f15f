"""Anthropic streams: every event a chunk, its payload as it came. [hot]

A stream is whole once its stop_reason is here: a missing `message_stop` is added, anything after it is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from synthlang_router.models import ChatChunk, ToolCallDelta, Usage
from synthlang_router.wire.anthropic.answers import finish_of, parse_message, read_usage
from synthlang_router.wire.anthropic.errors import refused
from synthlang_router.wire.anthropic.replay import unfold
from synthlang_router.wire.plain import decode_plain
from synthlang_router.wire.sse import Event
from synthlang_router.wire.stream import StreamReader, no_chunk, read_payload

MESSAGE_STOP: Final = ChatChunk(raw=b'{"type":"message_stop"}', event="message_stop", data=False)


class _Delta(msgspec.Struct, frozen=True, gc=False):
    type: Any = None
    text: Any = None
    partial_json: Any = None
    thinking: Any = None
    stop_reason: str | None = None


class _Block(msgspec.Struct, frozen=True, gc=False):
    type: str
    id: Any = None
    name: Any = None


class _Start(msgspec.Struct, frozen=True, gc=False):
    usage: Any = None


class AnthropicEvent(msgspec.Struct, frozen=True, gc=False):
    """What is read of one event."""

    type: str
    index: int = 0
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Start | None = None
    usage: Any = None
    error: Any = None


_OWN: Final = frozenset(
    {
        None,
        "message",
        "error",
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    }
)
EVENT: Final = msgspec.json.Decoder(AnthropicEvent)


class AnthropicStream(StreamReader):
    """Reads one stream of messages."""

    __slots__ = ("_calls", "_finish_optional", "_started", "_stopped", "_usage")

    def __init__(self, *, finish_optional: bool = False, secrets: Sequence[str] = ()) -> None:
        super().__init__(secrets)
        self._finish_optional = finish_optional
        self._started = False
        self._stopped = False
        self._calls: dict[int, int] = {}  # block index -> the tool call's number
        self._usage: dict[str, Any] = {}

    def _is_whole(self) -> bool:
        return self._started and (self._stopped or self._finish_optional)

    def _close(self, chunks: list[ChatChunk]) -> None:
        chunks.append(MESSAGE_STOP)

    def _read_whole(self, raw: bytes, chunks: list[ChatChunk]) -> None:
        completion = parse_message(raw, self._secrets)
        new_id = decode_plain(completion.raw).get("id")
        name = new_id if type(new_id) is str else ""
        frames = unfold(completion, new_id=name, created=0, include_usage=True)
        for frame in frames[:-1]:  # the last one, message_stop, is added by the end
            self._read_event(Event(frame.raw, frame.event), chunks)

    def _read_event(self, event: Event, chunks: list[ChatChunk]) -> None:
        payload = read_payload(event, EVENT, _OWN)
        if payload is None:
            return
        wire, raw = payload
        if wire.error is not None or wire.type == "error" or event.name == "error":
            raise refused(wire.error, self._secrets)
        if wire.type == "message_stop":
            if not self._is_whole():
                raise self._cut()
            self._done = True
        reader = _READERS.get(wire.type, AnthropicStream._pass_on)
        chunks.append(reader(self, wire, raw))

    def _pass_on(self, wire: AnthropicEvent, raw: bytes) -> ChatChunk:
        """Pings, block ends, and whatever may be invented: nothing a user sees."""
        return ChatChunk(raw=raw, event=wire.type, data=False)

    def _begin(self, wire: AnthropicEvent, raw: bytes) -> ChatChunk:
        self._started = True
        usage = None if wire.message is None else self._count(wire.message.usage)
        return ChatChunk(raw=raw, event=wire.type, usage=usage, data=False)

    def _open_block(self, wire: AnthropicEvent, raw: bytes) -> ChatChunk:
        block = wire.content_block
        if block is None:
            no_chunk()
        if block.type in ("text", "thinking"):
            return ChatChunk(raw=raw, event=wire.type, data=False)
        if not block.type.endswith("tool_use"):
            return ChatChunk(raw=raw, event=wire.type)
        order = self._calls.setdefault(wire.index, len(self._calls))
        call = ToolCallDelta(order, _text(block.id), _text(block.name), "")
        return ChatChunk(raw=raw, event=wire.type, tool_calls=(call,))

    def _add_to_block(self, wire: AnthropicEvent, raw: bytes) -> ChatChunk:
        delta = wire.delta
        if delta is None:
            no_chunk()
        text, thinking, arguments = _text(delta.text), _text(delta.thinking), _text(delta.partial_json)
        calls: tuple[ToolCallDelta, ...] = ()
        if arguments is not None:
            calls = (ToolCallDelta(self._calls.get(wire.index, 0), arguments=arguments),)
        data = bool(text or thinking or arguments) or delta.type == "citations_delta"
        return ChatChunk(raw, 0, text, None, thinking, calls, None, None, data, event=wire.type)

    def _end(self, wire: AnthropicEvent, raw: bytes) -> ChatChunk:
        finish = finish_of(None if wire.delta is None else wire.delta.stop_reason)
        if finish is not None:
            self._stopped = True
        usage = self._count(wire.usage)
        return ChatChunk(raw=raw, event=wire.type, finish_reason=finish, usage=usage, data=finish is not None)

    def _count(self, usage: Any) -> Usage | None:
        """Counts are cumulative and come in parts: what the end does not repeat still holds."""
        if type(usage) is dict:
            self._usage.update({name: value for name, value in usage.items() if value is not None})
        return read_usage(self._usage)


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


_READERS: Final[Mapping[str, Callable[[AnthropicStream, AnthropicEvent, bytes], ChatChunk]]] = {
    "message_start": AnthropicStream._begin,
    "content_block_start": AnthropicStream._open_block,
    "content_block_delta": AnthropicStream._add_to_block,
    "message_delta": AnthropicStream._end,
}


def read_stream(
    *, finish_optional: bool = False, hide_usage: bool = False, secrets: Sequence[str] = ()
) -> AnthropicStream:
    """A reader for one stream. Usage is never hidden: it always comes."""
    return AnthropicStream(finish_optional=finish_optional, secrets=secrets)
