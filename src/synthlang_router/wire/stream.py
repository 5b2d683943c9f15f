"""`StreamReader`: what reading a provider's stream has in common in every dialect.

Faults are kept until what was whole before them is out; a whole JSON body in place of a stream is read as an answer;
a stream is at its end only where its dialect says that the answer is whole.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, Final, NoReturn

import msgspec

from synthlang_router.errors import ProviderError, ProviderProtocolError
from synthlang_router.models import ChatChunk
from synthlang_router.wire.sse import Event, EventDecoder

MAX_WHOLE: Final = 20_000_000
"""Bytes of a whole JSON body that came where a stream was asked for."""

_UNNAMED: Final = (None, "message", "error")
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"


class StreamReader:
    """Reads one stream; see `format.ChatStream`. A dialect says what an event means and when the answer is whole."""

    __slots__ = ("_decoder", "_done", "_fault", "_secrets", "_sniffing", "_start", "_whole", "_whole_size")

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets
        self._decoder = EventDecoder()
        self._done = False
        self._fault: ProviderError | None = None
        self._sniffing = True
        self._start = b""
        self._whole: list[bytes] | None = None  # a JSON body in place of a stream
        self._whole_size = 0

    @property
    def done(self) -> bool:
        """The answer is whole, and whatever may still come is no part of it."""
        return self._done

    @property
    def failed(self) -> bool:
        """Whether the next call raises."""
        return self._fault is not None or (self._decoder.faulty and not self._done)

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
        chunks: list[ChatChunk] = []
        if self._whole is not None:
            self._read_whole(b"".join(self._whole).strip(_BLANK), chunks)
        else:
            try:
                self._read_events(self._decoder.end(), chunks)
            except ProviderProtocolError:  # after a whole answer the rest does not matter
                if not self._is_whole():
                    raise
        if not self._done:
            self._finish(chunks)
        return chunks

    def _read_events(self, events: list[Event], chunks: list[ChatChunk]) -> None:
        for event in events:
            if self._is_last(event):
                self._finish(chunks)
            else:
                self._read_event(event, chunks)
            if self._done:
                return

    def _finish(self, chunks: list[ChatChunk]) -> None:
        if not self._is_whole():
            raise self._cut()
        self._done = True
        self._close(chunks)

    def _cut(self) -> ProviderProtocolError:
        if self._start in (b"", b"<"):
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

    def _is_last(self, event: Event) -> bool:
        """Whether this event, which belongs to no answer, says that nothing more comes."""
        return event.data.startswith(b"[DONE]")

    def _is_whole(self) -> bool:
        """Whether the answer may end here."""
        raise NotImplementedError

    def _read_event(self, event: Event, chunks: list[ChatChunk]) -> None:
        """Add what an event says; raise its error."""
        raise NotImplementedError

    def _read_whole(self, raw: bytes, chunks: list[ChatChunk]) -> None:
        """Add the frames that this whole answer would have had; raise its error."""
        raise NotImplementedError

    def _close(self, chunks: list[ChatChunk]) -> None:
        """Add what the provider left out at the end of a whole answer."""


def read_payload(
    event: Event, decoder: msgspec.json.Decoder[Any], own: Container[str | None] = _UNNAMED
) -> tuple[Any, bytes] | None:
    """An event's JSON as a value and as one line of bytes; None for a vendor's event, not one of our `own`, without."""
    data = event.data
    if b"\n" in data:  # several data lines: JSON that a writer broke where white space may stand
        data = data.replace(b"\n", b" ")
    try:
        if not data.isascii():
            data.decode()
        return decoder.decode(data), data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if not data or event.name not in own:
            return None
        no_chunk()


def no_chunk() -> NoReturn:
    raise ProviderProtocolError("The provider sent a chunk that is not one.") from None


def what_it_is(raw: bytes) -> str:
    """What came in place of an answer, in our words."""
    start = raw[:256].strip()
    if not start:
        return "The provider sent an empty answer."
    if start.startswith(b"<"):
        return "The provider sent a page of HTML in place of an answer."
    if not start.startswith(b"{"):
        return "The provider sent something that is not a JSON object in place of an answer."
    return "The provider sent an answer that is broken or in no known form."
