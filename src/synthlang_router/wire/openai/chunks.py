"""OpenAI streams: server-sent events to chunks, and whether the answer is whole. [hot]

A stream is whole when every choice that was seen has its finish_reason: nothing else is taken for an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from synthlang_router.errors import ProviderError, ProviderProtocolError
from synthlang_router.models import ChatChunk
from synthlang_router.wire.openai.answers import NO_RAW, NO_REASON, parse_completion, raise_error, what_it_is
from synthlang_router.wire.openai.errors import error_object, rejected
from synthlang_router.wire.openai.frames import CHUNK, WireChunk, chunk_of
from synthlang_router.wire.openai.replay import unfold
from synthlang_router.wire.plain import decode_plain
from synthlang_router.wire.splice import without
from synthlang_router.wire.sse import Event, EventDecoder

MAX_WHOLE: Final = 20_000_000
"""Bytes of a whole JSON body that came where a stream was asked for."""
MAX_CHOICES: Final = 1_024

_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_NULL_TAIL: Final = b',"usage":null}'


class OpenAIStream:
    """Reads one stream; see `format.ChatStream`."""

    __slots__ = (
        "_decoder",
        "_done",
        "_fault",
        "_finish_optional",
        "_finished",
        "_hide_usage",
        "_secrets",
        "_seen",
        "_sniffing",
        "_start",
        "_whole",
        "_whole_size",
    )

    def __init__(
        self, *, finish_optional: bool = False, hide_usage: bool = False, secrets: Sequence[str] = ()
    ) -> None:
        self._finish_optional = finish_optional
        self._hide_usage = hide_usage
        self._secrets = secrets
        self._decoder = EventDecoder()
        self._seen: set[int] = set()
        self._finished: set[int] = set()
        self._done = False
        self._fault: ProviderError | None = None
        self._sniffing = True
        self._start = b""
        self._whole: list[bytes] | None = None  # a JSON body in place of a stream
        self._whole_size = 0

    @property
    def done(self) -> bool:
        """`[DONE]` came, and the answer before it is whole."""
        return self._done

    @property
    def failed(self) -> bool:
        """Whether the next call raises."""
        return self._fault is not None or self._decoder.faulty

    def feed(self, block: bytes) -> list[ChatChunk]:
        """The chunks that `block` completes."""
        if self._fault is not None:
            raise self._fault
        if self._done:
            return []
        if self._sniffing:
            self._sniff(block)
        chunks: list[ChatChunk] = []
        try:
            if self._whole is not None:
                self._keep(block, self._whole)
            else:
                self._read_events(self._decoder.feed(block), chunks)
        except ProviderError as fault:
            self._fault = fault
            if not chunks:
                raise
        return chunks

    def end(self) -> list[ChatChunk]:
        """What is left when the connection closes. Raises where the answer is not whole."""
        if self._fault is not None:
            raise self._fault
        if self._done:
            return []
        if self._whole is not None:
            return self._unfold_whole(b"".join(self._whole))
        chunks: list[ChatChunk] = []
        try:
            self._read_events(self._decoder.end(), chunks)
        except ProviderProtocolError:  # after a whole answer the rest does not matter
            if not self._is_whole():
                raise
        if not self._is_whole():
            raise self._cut()
        self._done = True
        return chunks

    def _read_events(self, events: list[Event], chunks: list[ChatChunk]) -> None:
        for event in events:
            if event.data.startswith(b"[DONE]"):
                if not self._is_whole():
                    raise self._cut()
                self._done = True
                return
            self._read_event(event, chunks)

    def _is_whole(self) -> bool:
        if not self._seen:
            return False
        return self._finish_optional or self._finished >= self._seen

    def _cut(self) -> ProviderProtocolError:
        if not self._seen and self._start in (b"", b"<"):
            return ProviderProtocolError(what_it_is(self._start))
        return ProviderProtocolError("The provider's stream ended before the answer was whole.")

    def _sniff(self, block: bytes) -> None:
        start = block.lstrip(_BLANK)
        if start:
            self._sniffing = False
            self._start = start[:1]
            if start.startswith((b"{", b"[")):
                self._whole = []

    def _keep(self, block: bytes, whole: list[bytes]) -> None:
        self._whole_size += len(block)
        if self._whole_size > MAX_WHOLE:
            raise ProviderProtocolError(f"The provider sent an answer larger than {MAX_WHOLE} bytes.")
        whole.append(block)

    def _unfold_whole(self, raw: bytes) -> list[ChatChunk]:
        """A whole answer where a stream was asked for, as the frames it would have had; its error is raised."""
        completion = parse_completion(raw.lstrip(_BLANK), self._secrets)
        plain = decode_plain(completion.raw)
        new_id, created = plain.get("id"), plain.get("created")
        frames = unfold(
            completion,
            new_id=new_id if type(new_id) is str else "",
            created=created if type(created) is int else 0,
            include_usage=True,
        )
        chunks: list[ChatChunk] = []
        for frame in frames:
            self._read_event(Event(frame.raw), chunks)
        if not self._is_whole():
            raise ProviderProtocolError("The provider's answer has no finish_reason.")
        self._done = True
        return chunks

    def _read_event(self, event: Event, chunks: list[ChatChunk]) -> None:
        data = event.data
        if b"\n" in data:  # several data lines: JSON that a writer broke where white space may stand
            data = data.replace(b"\n", b" ")
        try:
            if not data.isascii():
                data.decode()
            wire = CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if not data or event.name not in (None, "message", "error"):
                return  # a vendor's own event, not one of the answer's
            raise ProviderProtocolError("The provider sent a chunk that is not one.") from None
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
