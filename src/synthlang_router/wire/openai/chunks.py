"""OpenAI streams: server-sent events to chunks, and whether the answer is whole. [hot]

A stream is whole when every choice that was seen has its finish_reason: nothing else is taken for an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from synthlang_router.errors import ProviderError, ProviderProtocolError
from synthlang_router.models import ChatChunk
from synthlang_router.wire.openai.answers import NO_RAW, NO_REASON, parse_completion, raise_error
from synthlang_router.wire.openai.errors import error_object, rejected
from synthlang_router.wire.openai.frames import CHUNK, WireChunk, chunk_of
from synthlang_router.wire.openai.replay import unfold
from synthlang_router.wire.plain import decode_plain
from synthlang_router.wire.splice import without
from synthlang_router.wire.sse import Event
from synthlang_router.wire.stream import StreamReader, read_payload

MAX_CHOICES: Final = 1_024

_NULL_TAIL: Final = b',"usage":null}'


class OpenAIStream(StreamReader):
    """Reads one stream of chat or text completions."""

    __slots__ = ("_finish_optional", "_finished", "_hide_usage", "_seen")

    def __init__(
        self, *, finish_optional: bool = False, hide_usage: bool = False, secrets: Sequence[str] = ()
    ) -> None:
        super().__init__(secrets)
        self._finish_optional = finish_optional
        self._hide_usage = hide_usage
        self._seen: set[int] = set()
        self._finished: set[int] = set()

    def _is_whole(self) -> bool:
        if not self._seen:
            return False
        return self._finish_optional or self._finished >= self._seen

    def _read_whole(self, raw: bytes, chunks: list[ChatChunk]) -> None:
        completion = parse_completion(raw, self._secrets)
        plain = decode_plain(completion.raw)
        new_id, created = plain.get("id"), plain.get("created")
        frames = unfold(
            completion,
            new_id=new_id if type(new_id) is str else "",
            created=created if type(created) is int else 0,
            include_usage=True,
        )
        for frame in frames:
            self._read_event(Event(frame.raw), chunks)

    def _read_event(self, event: Event, chunks: list[ChatChunk]) -> None:
        payload = read_payload(event, CHUNK)
        if payload is None:
            return
        wire, data = payload
        if wire.error is not None or wire.choices is None or event.name == "error":
            self._read_odd(wire, event)
        chunks.append(self._read_chunk(wire, data))

    def _read_odd(self, wire: WireChunk, event: Event) -> None:
        """An error in one of its spellings is raised; anything else without choices is passed on."""
        if wire.error is not None:
            raise_error(wire.error, self._secrets)
        if wire.choices is None and wire.usage is NO_RAW:
            found = error_object(decode_plain(event.data))
            if found is not None:
                raise rejected(found, secrets=self._secrets)
        if event.name == "error":
            raise ProviderError(NO_REASON)

    def _read_chunk(self, wire: WireChunk, raw: bytes) -> ChatChunk:
        for choice in wire.choices or ():
            index = choice.index or 0
            if choice.finish_reason or index not in self._seen:
                self._track(index, choice.finish_reason)
        if not self._hide_usage or wire.usage is NO_RAW:
            return chunk_of(wire, raw)
        if bytes(wire.usage) == b"null":
            return chunk_of(wire, _without_null_usage(raw))
        chunk = chunk_of(wire, raw)
        return chunk if wire.choices or chunk.usage is None else msgspec.structs.replace(chunk, hidden=True)

    def _track(self, index: int, finish: str | None) -> None:
        if len(self._seen) >= MAX_CHOICES and index not in self._seen:
            raise ProviderProtocolError(f"The provider sent more than {MAX_CHOICES} choices.")
        self._seen.add(index)
        if finish == "error":
            raise ProviderError(NO_REASON)
        if finish:
            self._finished.add(index)


def _without_null_usage(raw: bytes) -> bytes:
    """`"usage":null` at top level is cut out with its comma; every other byte stays."""
    if raw.endswith(_NULL_TAIL):
        return raw[: -len(_NULL_TAIL)] + b"}"
    return without(raw, "usage")


def read_stream(
    *, finish_optional: bool = False, hide_usage: bool = False, secrets: Sequence[str] = ()
) -> OpenAIStream:
    """A reader for one stream; see `format.AnswerFormat.read_stream`."""
    return OpenAIStream(finish_optional=finish_optional, hide_usage=hide_usage, secrets=secrets)
