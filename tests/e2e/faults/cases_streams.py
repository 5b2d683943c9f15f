"""Streams: cut, stalled, turned to garbage, written oddly, and good ones of every kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from gzip import compress
from typing import Any, Final

from tests.doubles.answers import DONE, LAST_CHUNK, SSE_HEAD, chunk, event, frame_json, head
from tests.doubles.upstream import CLOSE, RESET, STALL, Flood, Pieces, Script, Sleep
from tests.e2e.faults.case import (
    BROKEN,
    END,
    GARBAGE,
    GOOD_FRAMES,
    GOOD_STREAM,
    HEL,
    LO,
    ROLE,
    STOP,
    Case,
    Cut,
    Refused,
    Whole,
    events,
    streamed,
)
from tests.e2e.faults.cases_kinds import TWO_CHOICES, USAGE

BEGUN: Final = SSE_HEAD + events(ROLE, HEL)
GOOD: Final = Whole(shown=GOOD_FRAMES)
EVERYTHING: Final = b"".join(map(event, GOOD_FRAMES)) + DONE
UNTIL_THE_END: Final = head("content-type: text/event-stream")


def _error(message: str, kind: str | None = None, code: Any = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "code": code, "param": None}}).encode()


BUSY: Final = _error("busy today", "overloaded_error")

AFTER_DATA: Final[dict[str, Script]] = {
    "the connection closes": [CLOSE],
    "the connection is reset": [Sleep(0.05), RESET],
    "the last chunk comes and no finish": [LAST_CHUNK],
    "[DONE] comes and no finish": [END],
    "half a frame and the end": [chunk(event(LO)[:20]), CLOSE],
    "half a frame and the last chunk": [chunk(event(LO)[:20]) + LAST_CHUNK],
    "half a chunk and the end": [events(LO)[:20], CLOSE],
    "a frame that is no JSON": [events(b'{"choices": [oops'), STALL],
    "a frame of another type": [events(b'"Hello"'), STALL],
    "a frame with invalid UTF-8": [events(LO.replace(b"lo", b"\xc3\x28")), STALL],
    "a frame nested without end": [events(b'{"a":' * 20_000 + b"1" + b"}" * 20_000), STALL],
    "a frame of 5 MB": [events(frame_json({"content": "x" * 5_000_000})), STALL],
    "a page": [chunk(event(b"<html><body>502 Bad Gateway</body></html>")), STALL],
    "a chunk size that is no number": [b"zz\r\n", STALL],
    "a negative chunk size": [b"-1\r\n", STALL],
    "a chunk longer than its size": [b"2\r\n" + event(LO) + b"\r\n", STALL],
}
"""What follows the first data, and makes the rest of the stream worth nothing."""

ODDLY_WRITTEN: Final[dict[str, bytes]] = {
    "CRLF": EVERYTHING.replace(b"\n", b"\r\n"),
    "CR": EVERYTHING.replace(b"\n", b"\r"),
    "line ends of every kind": event(ROLE)
    + event(HEL).replace(b"\n", b"\r\n")
    + event(LO).replace(b"\n", b"\r")
    + event(STOP)
    + DONE,
    "no space after the colon": EVERYTHING.replace(b"data: ", b"data:"),
    "a byte order mark": b"\xef\xbb\xbf" + EVERYTHING,
    "comments": b": hello\n\n" + EVERYTHING.replace(b"data: ", b": ping\ndata: "),
    "ids, names and retries": EVERYTHING.replace(b"data: ", b"event: message\nid: 7\nretry: 1000\ndata: "),
    "unknown fields of events": EVERYTHING.replace(b"data: ", b"color: red\nnonsense\ndata: "),
    "blank lines without end": b"\n" * 1000 + EVERYTHING.replace(b"\n\n", b"\n\n\n\n\n"),
    "no blank line at the end": EVERYTHING[:-2],
    "events without data": b"event: ping\n\ndata:\n\n" + EVERYTHING,
}

WHOLE_ENOUGH: Final[dict[str, Script]] = {
    "no [DONE]": [SSE_HEAD + events(*GOOD_FRAMES) + LAST_CHUNK],
    "[DONE] twice": [SSE_HEAD + events(*GOOD_FRAMES) + chunk(DONE) + END],
    "frames after [DONE]": [SSE_HEAD + events(*GOOD_FRAMES) + chunk(DONE) + events(LO, STOP) + LAST_CHUNK],
    "garbage after [DONE]": [SSE_HEAD + events(*GOOD_FRAMES) + chunk(DONE + b"\xff\x00 oops\n\n") + LAST_CHUNK],
    "an error after [DONE]": [SSE_HEAD + events(*GOOD_FRAMES) + chunk(DONE) + events(BUSY) + LAST_CHUNK],
    "a reset after [DONE]": [SSE_HEAD + events(*GOOD_FRAMES) + chunk(DONE), Sleep(0.05), RESET],
    "the end after [DONE]": [SSE_HEAD + events(*GOOD_FRAMES) + chunk(DONE), CLOSE],
    "no length and no [DONE]": [UNTIL_THE_END + b"".join(map(event, GOOD_FRAMES)), CLOSE],
    "no length, until the end": [UNTIL_THE_END + EVERYTHING, CLOSE],
    "a length": [head("content-type: text/event-stream", f"content-length: {len(EVERYTHING)}") + EVERYTHING],
    "one byte at a time": [Pieces(GOOD_STREAM)],
    "one byte a chunk": [SSE_HEAD + b"".join(chunk(bytes([byte])) for byte in EVERYTHING) + LAST_CHUNK],
    "everything in one chunk": [SSE_HEAD + chunk(EVERYTHING) + LAST_CHUNK],
    "another type in the header": [head("content-type: text/plain", "transfer-encoding: chunked") + events(*GOOD_FRAMES) + END],
    "no type in the header": [head("transfer-encoding: chunked") + events(*GOOD_FRAMES) + END],
    "gzip that nobody asked for": [head("content-type: text/event-stream", "content-encoding: gzip", "transfer-encoding: chunked") + chunk(compress(EVERYTHING)) + LAST_CHUNK],
}  # fmt: skip


def cut_streams() -> Iterator[Case]:
    yield streamed(
        "after data, usage comes and no finish",
        [BEGUN, events(USAGE) + END],
        Cut("provider_protocol_error", shown=(ROLE, HEL, USAGE)),
    )
    for name, script in AFTER_DATA.items():
        closes = script[-1] is STALL
        yield streamed(f"after data, {name}", [BEGUN, *script], BROKEN, closes=closes)
    slow = Cut("provider_timeout", says="idle")
    yield streamed("after data, silence", [BEGUN, STALL], slow, provider="hasty", closes=True)
    yield streamed(
        "after data, half a frame and silence",
        [BEGUN, chunk(event(LO)[:20]), STALL],
        slow,
        provider="hasty",
        closes=True,
    )
    yield streamed(
        "after data, one of two choices has no finish",
        [SSE_HEAD + events(*TWO_CHOICES[:3]) + END],
        Cut("provider_protocol_error", shown=TWO_CHOICES[:3]),
    )
    yield streamed(
        "after data, a finish that is an error",
        [BEGUN, events(frame_json({}, finish="error")) + chunk(DONE), STALL],
        Cut("provider_error"),
        closes=True,
    )
    yield streamed(
        "after data, an error event",
        [BEGUN, events(BUSY), STALL],
        Cut("provider_unavailable", says="busy today"),
        closes=True,
    )
    yield streamed(
        "after data, an error event with [DONE] behind it",
        [BEGUN, events(BUSY) + chunk(DONE), STALL],
        Cut("provider_unavailable", says="busy today"),
        closes=True,
    )
    yield streamed(
        "after data, an error event with a name",
        [BEGUN, chunk(b"event: error\n" + event(BUSY)), STALL],
        Cut("provider_unavailable", says="busy today"),
        closes=True,
    )
    yield streamed(
        "after data, a refusal",
        [BEGUN, events(_error("too long", "invalid_request_error", "context_length_exceeded")), STALL],
        Cut("context_length_exceeded", says="too long"),
        closes=True,
    )
    yield streamed(
        "after data, a named error without a word",
        [BEGUN, chunk(b"event: error\ndata: {}\n\n"), STALL],
        Cut("provider_error"),
        closes=True,
    )
    gzipped = head("content-type: text/event-stream", "content-encoding: gzip", "transfer-encoding: chunked")
    yield streamed(
        "a compressed stream that is cut",
        [gzipped + chunk(compress(EVERYTHING)[:-9]) + LAST_CHUNK],
        Whole(shown=None),
        closes=False,
    )


def empty_streams() -> Iterator[Case]:
    yield streamed("a stream of nothing", [SSE_HEAD + LAST_CHUNK], GARBAGE)
    yield streamed("a stream of [DONE] alone", [SSE_HEAD + END], GARBAGE)
    yield streamed("a stream of comments", [SSE_HEAD + chunk(b": ping\n\n" * 50) + LAST_CHUNK], GARBAGE)
    yield streamed("a stream of usage alone", [SSE_HEAD + events(USAGE) + END], GARBAGE)
    yield streamed("a stream that is cut before data", [SSE_HEAD + events(ROLE), CLOSE], GARBAGE)
    yield streamed(
        "a stream that is reset before data", [SSE_HEAD + events(ROLE), Sleep(0.05), RESET], GARBAGE
    )
    yield streamed("a stream with garbage first", [SSE_HEAD + events(b"{oops"), STALL], GARBAGE, closes=True)
    yield streamed("a stream with a page inside", [SSE_HEAD + chunk(b"<html></html>"), CLOSE], GARBAGE)
    yield streamed(
        "a stream with an error first",
        [SSE_HEAD + events(BUSY), STALL],
        Refused(503, "provider_unavailable", tries=3, says="busy today"),
        closes=True,
    )
    yield streamed(
        "a stream with a limit first",
        [SSE_HEAD + events(_error("slow down", "requests", "rate_limit_exceeded")), STALL],
        Refused(429, "rate_limit_exceeded", tries=3, says="slow down"),
        closes=True,
    )
    yield streamed(
        "a stream with a refusal first",
        [SSE_HEAD + events(_error("too long", "invalid_request_error", "context_length_exceeded")), STALL],
        Refused(400, "context_length_exceeded", says="too long"),
        closes=True,
    )
    yield streamed(
        "a stream that is silent from the start",
        [SSE_HEAD, STALL],
        Refused(504, "provider_timeout", says="first_token"),
        provider="hasty",
        closes=True,
    )
    pings: list[Any] = [step for _ in range(100) for step in (chunk(b": ping\n\n"), Sleep(0.1))]
    yield streamed(
        "a stream of comments for ever",
        [SSE_HEAD, *pings],
        Refused(504, "provider_timeout", says="first_token"),
        provider="hasty",
        closes=True,
    )
    yield streamed(
        "a stream of roles for ever", [SSE_HEAD, Flood(events(ROLE) * 50, 10_000)], GARBAGE, closes=True
    )


def odd_streams() -> Iterator[Case]:
    for name, text in ODDLY_WRITTEN.items():
        yield streamed(f"written with {name}", [SSE_HEAD + chunk(text) + LAST_CHUNK], GOOD)
        yield streamed(
            f"written byte by byte with {name}",
            [
                SSE_HEAD,
                Pieces(b"".join(chunk(text[i : i + 7]) for i in range(0, len(text), 7)), 3),
                LAST_CHUNK,
            ],
            GOOD,
        )
    for name, script in WHOLE_ENOUGH.items():
        yield streamed(f"a stream with {name}", script, GOOD)
    yield streamed(
        "a stream that stays open after [DONE]",
        [SSE_HEAD + events(*GOOD_FRAMES) + chunk(DONE), STALL],
        GOOD,
        closes=True,
    )
    split = frame_json({"content": "@"}).replace(b"@", "Grüße 🙂 你好".encode())
    shown = (ROLE, split, STOP)
    yield streamed(
        "characters split across packets",
        [SSE_HEAD, Pieces(events(*shown)), END],
        Whole(shown=shown, text="Grüße 🙂 你好"),
    )
