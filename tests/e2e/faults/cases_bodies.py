"""Bodies of whole answers: cut, garbage, too large, compressed, and odd but good ones."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from gzip import compress
from typing import Any, Final

from tests.doubles.answers import SSE_HEAD, chunk, completion_body, head, http
from tests.doubles.upstream import CLOSE, RESET, STALL, Flood, Pieces, Script, Sleep
from tests.e2e.faults.case import (
    END,
    GARBAGE,
    GOOD_BODY,
    GOOD_FRAMES,
    GOOD_PLAIN,
    GOOD_STREAM,
    TEXT,
    USELESS,
    Case,
    Refused,
    Whole,
    both,
    events,
    streamed,
    whole,
)

HALF: Final = GOOD_BODY[: len(GOOD_BODY) // 2]
ONCE: Final = Refused(502, "provider_protocol_error")
"""After the first data nothing is tried again, not even where the client saw none of it yet."""
JSON: Final = "content-type: application/json"
CHUNKED: Final = head(JSON, "transfer-encoding: chunked")
GZIP: Final = "content-encoding: gzip"
PAGE: Final = b"<!DOCTYPE html><html><body>Sign in to the hotel's network</body></html>"
OVERLOADED: Final = {
    "error": {"message": "busy today", "type": "overloaded_error", "code": None, "param": None}
}


def _answer(**changed: Any) -> bytes:
    return json.dumps({**json.loads(GOOD_BODY), **changed}).encode()


def _choice(**changed: Any) -> list[dict[str, Any]]:
    return [{**json.loads(GOOD_BODY)["choices"][0], **changed}]


NO_ANSWERS: Final[dict[str, bytes]] = {
    "no JSON": b"I am a teapot",
    "half of the JSON": HALF,
    "an array": b"[" + GOOD_BODY + b"]",
    "a string": b'"Hello"',
    "null": b"null",
    "an empty object": b"{}",
    "JSON twice": GOOD_BODY + GOOD_BODY,
    "invalid UTF-8": completion_body("Hel@lo").replace(b"@", b"\xc3\x28"),
    "NaN": _answer(usage="@").replace(b'"@"', b"NaN"),
    "nesting without end": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "no choices": _answer(choices=[]),
    "choices of null": _answer(choices=None),
    "choices of another type": _answer(choices="Hello"),
    "a choice without a message": _answer(choices=_choice(message=None)),
    "a finish reason of another type": _answer(choices=_choice(finish_reason=7)),
    "a page that calls itself JSON": PAGE,
}

GOOD_ONES: Final[dict[str, bytes]] = {
    "a content of null": _answer(
        choices=_choice(message={"role": "assistant", "content": None, "refusal": None})
    ),
    "a refusal": _answer(choices=_choice(message={"role": "assistant", "content": None, "refusal": "No."})),
    "unknown fields": _answer(citations=["a"], x={"y": [1, 2.50]}),
    "no usage": json.dumps({k: v for k, v in json.loads(GOOD_BODY).items() if k != "usage"}).encode(),
    "a usage that is odd": _answer(usage={"prompt_tokens": "many"}),
    "two choices": _answer(choices=[*_choice(), {**_choice()[0], "index": 1, "finish_reason": "length"}]),
    "logprobs": _answer(
        choices=_choice(
            logprobs={"content": [{"token": "Hello", "logprob": -0.1, "bytes": [72], "top_logprobs": []}]}
        )
    ),
    "reasoning": _answer(
        choices=_choice(message={"role": "assistant", "content": TEXT, "reasoning_content": "Hm."})
    ),
    "digits that no float holds": _answer(x="@").replace(b'"@"', b"0.1000000000000000000000000001"),
    "an error of null": _answer(error=None),
    "spaces around": b"\r\n  " + GOOD_BODY + b"\n\n",
}


def cut_bodies() -> Iterator[Case]:
    length = f"content-length: {len(GOOD_BODY)}"
    yield from both("a body that is shorter than its length", [head(JSON, length) + HALF, CLOSE], GARBAGE)
    yield from both("a body that is reset", [head(JSON, length) + HALF, Sleep(0.05), RESET], GARBAGE)
    yield from both("a chunked body without its end", [CHUNKED + chunk(GOOD_BODY), CLOSE], GARBAGE)
    yield from both("a body until the end that is half of it", [head(JSON) + HALF, CLOSE], GARBAGE)
    slow = Refused(504, "provider_timeout", says="idle")
    yield from both(
        "a body that stalls", [head(JSON, length) + HALF, STALL], slow, provider="hasty", closes=True
    )
    yield whole(
        "a body that is longer than its length",
        [head(JSON, f"content-length: {len(HALF)}") + GOOD_BODY],
        GARBAGE,
        closes=True,
    )
    yield whole(
        "a body and more than was asked for",
        [GOOD_PLAIN + GOOD_PLAIN],
        Whole(shown=(GOOD_BODY,)),
        closes=True,
    )


def large_bodies() -> Iterator[Case]:
    flood = Flood(chunk(b" " * 100_000), 400)
    yield whole(
        "a length over the bound", [head(JSON, "content-length: 20000001"), STALL], USELESS, closes=True
    )
    yield from both("a body over the bound", [CHUNKED, flood, STALL], USELESS, closes=True)
    yield whole(
        "a body over the bound that names no length", [head(JSON), flood, STALL], USELESS, closes=True
    )
    bomb = compress(b" " * 40_000_000, 9)
    yield from both(
        "a body over the bound once unpacked",
        [head(JSON, GZIP, "content-length: 1000000") + bomb, STALL],
        USELESS,
        closes=True,
    )
    large = _answer(x="y" * 3_000_000)
    yield whole("a body of 3 MB", [http(large)], Whole(shown=(large,)))


def packed_bodies() -> Iterator[Case]:
    packed = compress(GOOD_BODY)
    good = Whole(shown=(GOOD_BODY,))
    yield whole("gzip that nobody asked for", [http(packed, headers=[GZIP])], good)
    yield whole("gzip byte by byte", [Pieces(http(packed, headers=[GZIP]))], good)
    yield whole(
        "gzip in two members", [http(compress(HALF) + compress(GOOD_BODY[len(HALF) :]), headers=[GZIP])], good
    )
    yield whole("deflate", [http(zlib.compress(GOOD_BODY), headers=["content-encoding: deflate"])], good)
    yield whole(
        "deflate without its wrapper",
        [http(zlib.compress(GOOD_BODY)[2:-4], headers=["content-encoding: deflate"])],
        good,
    )
    yield from both("gzip that is cut", [http(packed[:-12], headers=[GZIP])], GARBAGE)
    yield from both("gzip that is none", [http(GOOD_BODY, headers=[GZIP])], GARBAGE)
    yield from both(
        "a coding that nobody knows",
        [head(JSON, "content-encoding: br", "content-length: 1000") + packed, STALL],
        USELESS,
        closes=True,
    )


def bodies() -> Iterator[Case]:
    for name, body in NO_ANSWERS.items():
        yield whole(f"{name} in place of an answer", [http(body)], GARBAGE)
    for name, body in GOOD_ONES.items():
        said = [choice["message"]["content"] for choice in json.loads(body)["choices"]]
        text = "".join(content or "" for content in said)
        yield whole(name, [http(body)], Whole(shown=(body,), text=text))
    yield from both("a page in place of an answer", [http(PAGE, kind="text/html")], GARBAGE)
    yield from both(
        "an error inside a 200",
        [http(json.dumps(OVERLOADED).encode())],
        Refused(503, "provider_unavailable", tries=3, says="busy today"),
    )
    refusal = {
        "error": {
            "message": "too long for me",
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
        }
    }
    yield from both(
        "a refusal inside a 200",
        [http(json.dumps(refusal).encode())],
        Refused(400, "context_length_exceeded", says="too long for me"),
    )
    yield from both(
        "an error inside a 200, as a string",
        [http(b'{"error": "went wrong"}')],
        Refused(502, "provider_error", tries=3, says="went wrong"),
    )
    yield whole("a good body as text", [http(GOOD_BODY, kind="text/plain")], Whole(shown=(GOOD_BODY,)))


def wrong_modes() -> Iterator[Case]:
    yield streamed("JSON for a stream", [GOOD_PLAIN], Whole())
    yield streamed("JSON for a stream, called a stream", [_stream_of(GOOD_BODY)], Whole())
    yield streamed("half of the JSON for a stream, called a stream", [_stream_of(HALF)], GARBAGE)
    yield whole("a stream for a plain request", [GOOD_STREAM], Whole())
    yield whole("a stream for a plain request, called JSON", [CHUNKED + events(*GOOD_FRAMES) + END], Whole())
    cut: Script = [SSE_HEAD + events(*GOOD_FRAMES[:-1]), CLOSE]
    yield whole("a stream that is cut, for a plain request", cut, ONCE)
    unfinished: Script = [SSE_HEAD + events(*GOOD_FRAMES[:-1]) + END]
    yield whole("a stream without a finish, for a plain request", unfinished, ONCE)


def _stream_of(body: bytes) -> bytes:
    return SSE_HEAD + chunk(body) + chunk(b"")
