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


EVENT: Final = msgspec.json.Decoder(AnthropicEvent)


class AnthropicStream(StreamReader):
    """Reads one stream of messages."""

    __slots__ = ("_calls", "_finish_optional", "_started", "_stopped", "_usage")

    def __init__(self, *, finish_optional: bool = False, secrets: Sequence[str] = ()) -> None:
        super().__init__(secrets)
        self._finish_optional = finish_optional
        self._started = False
        self._stopped = False
        self._calls: dict[int, int] = {}  # block index -> the how manieth tool call it is
        self._usage: dict[str, Any] = {}

    def _is_whole(self) -> bool:
        return self._started and (self._stopped or self._finish_optional)

    def _is_last(self, event: Event) -> bool:
        return event.name == "message_stop" or event.data.startswith((b"[DONE]", b'{"type":"message_stop"'))

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
        payload = read_payload(event, EVENT)
        if payload is None:
            return
        wire, raw = payload
        if wire.error is not None or wire.type == "error" or event.name == "error":
            raise refused(wire.error, self._secrets)
        reader = _READERS.get(wire.type)
        if reader is None:
            chunks.append(ChatChunk(raw=raw, event=event.name or wire.type, data=False))
        else:
            chunks.append(reader(self, wire, raw))

    def _start(self_, wire: AnthropicEvent, raw: bytes) -> ChatChunk:  # noqa: N805
        raise NotImplementedError
