"""`AnswerParser`: one answer after the other out of a provider's bytes, by llhttp, within bounds. [hot]

The parser lives as long as the connection. Headers are counted and bounded, trailers are not read, informational
answers (1xx) are passed over, a redirect or an answer that is too large fails; so does a message that nobody asked for.
"""

from __future__ import annotations

from typing import Final, Literal

import httptools

from synthlang_router.errors import ProviderError, ProviderProtocolError
from synthlang_router.llm_provider.received import Received
from synthlang_router.llm_provider.transport import MAX_HEADERS, UpstreamRequest, Useless

State = Literal["idle", "asked", "answering", "closed"]

MOST_FRAMING: Final = 64
"""Bytes of framing (chunk sizes, their extensions, trailers) for each byte of body, beyond `MAX_HEADER_BYTES`."""

MOST_NAMES: Final = 1_024
MOST_NAME: Final = 64
"""Bytes of a name that is remembered."""
_names: dict[bytes, str] = {}
"""Header names in lower case by how they were written: a provider writes the same ones every time."""


class _SurplusError(Exception):
    """Another message begins where one answer was due; stops the parser."""


class AnswerParser:
    """What a connection knows of the answer under way. `_ended`: its last byte is here; `_keep`: another may follow."""

    __slots__ = (
        "_answer",
        "_body",
        "_ended",
        "_head_done",
        "_headers",
        "_interim",
        "_keep",
        "_lines",
        "_max_body",
        "_parser",
        "_raw",
        "_until_end",
        "state",
    )

    def __init__(self) -> None:
        self.state: State = "idle"
        self._parser = httptools.HttpResponseParser(self)
        self._answer: Received | None = None
        self._headers: dict[str, str] = {}
        self._max_body: int | None = None
        self._raw = self._body = self._lines = 0
        self._head_done = self._interim = self._ended = self._keep = self._until_end = False

    def _fail(self, error: ProviderError) -> None:
        """The answer ends here, and the connection with it."""
        raise NotImplementedError

    def _await_answer(self, answer: Received, request: UpstreamRequest) -> None:
        self._answer = answer
        self._headers = {}
        self._max_body = request.max_body
        self._raw = self._body = self._lines = 0
        self._head_done = self._interim = self._ended = self._until_end = False

    def _read(self, data: bytes) -> None:
        self._raw += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(Useless("The provider switched to another protocol."))
        except httptools.HttpParserError:
            self._keep = False
            if not self._ended:  # else what came after the answer is no matter of the answer's
                self._fail(ProviderProtocolError("The provider's answer was not HTTP."))

    # What the parser tells

    def on_message_begin(self) -> None:
        if self._ended:
            raise _SurplusError

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:  # a trailer, which nobody reads
            return
        key = _names.get(name)
        if key is None:
            key = name.decode("latin-1").lower()
            if len(_names) < MOST_NAMES and len(name) <= MOST_NAME:
                _names[name] = key
        headers = self._headers
        text = value.decode("latin-1").rstrip(" \t")  # RFC 9110 section 5.5; llhttp leaves what stands behind
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
        self._lines += 1
        if self._lines > MAX_HEADERS:
            self._fail(ProviderProtocolError("The provider sent too many headers."))

    def on_headers_complete(self) -> None:
        if self._answer is None:
            return
        status = self._parser.get_status_code()
        if status < 200 and status != 101:
            self._interim = True
            self._headers = {}
            self._lines = 0
            return
        self._head_done = True
        self._keep = self._parser.should_keep_alive()
        headers = self._headers
        length = headers.get("content-length")
        self._until_end = length is None and not headers.get("transfer-encoding", "").lower().endswith(
            "chunked"
        )
        self.state = "answering"
        if status < 200 or 300 <= status < 400:
            self._fail(Useless("The provider answered with a redirect, which is never followed."))
        elif self._max_body is not None and length is not None and int(length) > self._max_body:
            self._fail(Useless("The provider's answer is too large."))
        else:
            self._answer.open(status, headers)

    def on_body(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            return
        self._body += len(data)
        if self._max_body is not None and self._body > self._max_body:
            self._fail(Useless("The provider's answer is too large."))
        else:
            answer.feed(data)

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        else:
            self._ended = True
