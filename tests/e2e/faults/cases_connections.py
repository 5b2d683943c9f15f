"""Faults of the connection and of the answer's head: what never becomes an HTTP response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.doubles.answers import head
from tests.doubles.upstream import CLOSE, HALF_CLOSE, RESET, STALL, Flood, Pieces, Script, Sleep
from tests.e2e.faults.case import (
    GARBAGE,
    GOOD_BODY,
    GOOD_PLAIN,
    USELESS,
    Case,
    Refused,
    Whole,
    both,
    streamed,
    whole,
)

GONE: Final = Refused(503, "provider_unavailable", tries=3)
SLOW: Final = Refused(504, "provider_timeout", tries=1, says="first_token")

LENGTH: Final = f"content-length: {len(GOOD_BODY)}"
JSON: Final = "content-type: application/json"


def answer(*lines: str, status: str = "200 OK", body: bytes = GOOD_BODY) -> bytes:
    """The good body under exactly these header lines."""
    return head(*lines, status=status) + body


HEADS_THAT_ARE_NONE: Final[dict[str, bytes]] = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a body without a head": GOOD_BODY,
    "frames of HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\x00\x04\x00\x00\xff\xff",
    "a TLS alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "a status that is no number": b"HTTP/1.1 OK 200\r\n\r\n",
    "a version of the future": b"HTTP/7.3 200 OK\r\n\r\n",
    "a header without a colon": answer(JSON, LENGTH, "no colon here"),
    "a NUL in a header": answer(JSON, LENGTH, "x-odd: a\x00b"),
    "a control character in a header's name": answer(JSON, LENGTH, "x-o\x01d: a"),
    "a length that is no number": answer(JSON, "content-length: twelve"),
    "a negative length": answer(JSON, "content-length: -5"),
    "a length with a sign": answer(JSON, f"content-length: +{len(GOOD_BODY)}"),
    "a length of 30 digits": answer(JSON, f"content-length: {'9' * 30}"),
    "two different lengths": answer(JSON, LENGTH, "content-length: 3"),
    "a header line of 1 MB": answer(JSON, LENGTH, "x-odd: " + "a" * 1_000_000),
    "a thousand headers": answer(JSON, LENGTH, *[f"x-{number}: a" for number in range(1000)]),
    "a chunk size that is no number": answer(
        JSON, "transfer-encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"
    ),
    "a negative chunk size": answer(JSON, "transfer-encoding: chunked", body=b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size of 20 digits": answer(JSON, "transfer-encoding: chunked", body=b"f" * 20 + b"\r\n{}\r\n"),
    "a chunk longer than its size": answer(
        JSON, "transfer-encoding: chunked", body=b"2\r\n{}{}\r\n0\r\n\r\n"
    ),
}
"""Each is known at once: the provider stays, and nobody waits for more of it."""

ODD_BUT_GOOD: Final[dict[str, Script]] = {
    "one byte at a time": [Pieces(GOOD_PLAIN)],
    "no reason after the status": [GOOD_PLAIN.replace(b"200 OK", b"200")],
    "HTTP/1.0 until the end": [answer(JSON).replace(b"HTTP/1.1", b"HTTP/1.0"), CLOSE],
    "no length, until the end": [answer(JSON), CLOSE],
    "a length that stands there twice": [answer(JSON, "connection: close", LENGTH), CLOSE],
    "100 Continue first": [b"HTTP/1.1 100 Continue\r\n\r\n", GOOD_PLAIN],
    "early hints first": [b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n", GOOD_PLAIN],
    "three interim answers first": [b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + GOOD_PLAIN],
    "a byte of Latin-1 in a header": [answer(JSON, LENGTH, "x-ratelimit-limit-requests: \xe9")],
    "header names in capitals": [answer("CONTENT-TYPE: APPLICATION/JSON", LENGTH.upper())],
    "a chunked body with extensions and a trailer": [
        answer(JSON, "transfer-encoding: chunked", body=b""),
        b"%x;a=b\r\n%b\r\n0\r\nx-trailer: 1\r\n\r\n" % (len(GOOD_BODY), GOOD_BODY),
    ],
    "a status of 201": [answer(JSON, LENGTH, status="201 Created")],
    "a status of 206": [answer(JSON, LENGTH, status="206 Partial Content")],
    "cookies": [answer(JSON, LENGTH, "set-cookie: a=b", "set-cookie: c=d")],
}


def connections() -> Iterator[Case]:
    yield from both("the connection closes without an answer", [CLOSE], GONE, resent=True)
    yield from both("the connection is reset without an answer", [RESET], GONE, resent=True)
    yield from both(
        "the provider sends its end and waits", [HALF_CLOSE, STALL], GONE, resent=True, closes=True
    )
    yield from both("the connection closes inside the status line", [b"HTTP/1.1 2", CLOSE], GARBAGE)
    yield from both(
        "the connection closes inside the headers", [b"HTTP/1.1 200 OK\r\ncontent-ty", CLOSE], GARBAGE
    )
    yield from both(
        "the connection is reset inside the headers",
        [b"HTTP/1.1 200 OK\r\ncontent-ty", Sleep(0.05), RESET],
        GARBAGE,
    )
    yield from both(
        "the connection closes after an interim answer", [b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE], GARBAGE
    )
    yield from both("nobody listens", [], GONE, provider="closed")
    yield from both(
        "nobody accepts", [], Refused(504, "provider_timeout", tries=3, says="connect"), provider="full"
    )
    yield from both("silence", [STALL], SLOW, provider="hasty", closes=True)
    yield from both(
        "silence inside the headers", [b"HTTP/1.1 200 OK\r\nx: ", STALL], SLOW, provider="hasty", closes=True
    )
    yield from both(
        "silence after the headers", [head(JSON, LENGTH), STALL], SLOW, provider="hasty", closes=True
    )
    yield from both(
        "headers without end",
        [b"HTTP/1.1 200 OK\r\n", Flood(b"x-a: b\r\n" * 100, 10_000)],
        GARBAGE,
        closes=True,
    )
    interim = Flood(b"HTTP/1.1 102 Processing\r\n\r\n" * 20, 10_000)
    yield from both("interim answers without end", [interim, STALL], GARBAGE, closes=True)


def heads() -> Iterator[Case]:
    for name, data in HEADS_THAT_ARE_NONE.items():
        yield from both(name, [data, STALL], GARBAGE, closes=True)
    for name, script in ODD_BUT_GOOD.items():
        yield whole(name, script, Whole(shown=(GOOD_BODY,)))
    yield from both(
        "a switch to another protocol",
        [head("upgrade: h2c", "connection: upgrade", status="101 Switching Protocols"), STALL],
        USELESS,
        closes=True,
    )
    yield from both("an answer without content", [head(status="204 No Content")], GARBAGE)
    yield from both("an empty answer", [answer(JSON, "content-length: 0", body=b"")], GARBAGE)
    yield from both("an empty answer that closes", [answer(JSON, body=b""), CLOSE], GARBAGE)
    yield streamed(
        "an empty stream", [answer("content-type: text/event-stream", "content-length: 0", body=b"")], GARBAGE
    )
    yield from both("a status of 304", [head(status="304 Not Modified")], USELESS, closes=True)
