"""The second and the third try: what is recovered, what is not, and what the client must not see of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from gzip import compress
from typing import Final

from tests.doubles.answers import LAST_CHUNK, SSE_HEAD, chunk, error, frame_json, head, http
from tests.doubles.upstream import CLOSE, RESET, STALL, Script, Sleep
from tests.e2e.faults.case import (
    END,
    GOOD_BODY,
    GOOD_FRAMES,
    GOOD_PLAIN,
    GOOD_STREAM,
    HEL,
    ROLE,
    Case,
    Cut,
    Expected,
    Refused,
    Whole,
    events,
)

PASSING: Final[Mapping[str, Script]] = {
    "a close": [CLOSE],
    "a reset": [RESET],
    "a cut head": [b"HTTP/1.1 20", CLOSE],
    "garbage": [b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE],
    "a 500": [error("500 X")],
    "a 503 with nothing": [http(b"", status="503 X")],
    "a 429 with a short wait": [error("429 X", headers=["retry-after-ms: 5"])],
    "a 408": [error("408 X")],
    "a page": [http(b"<html></html>", kind="text/html")],
    "an empty answer": [http(b"")],
    "half a body": [head("content-type: application/json", "content-length: 900") + GOOD_BODY[:90], CLOSE],
    "an error inside a 200": [http(b'{"error": {"message": "busy", "code": "503"}}')],
    "broken gzip": [http(compress(GOOD_BODY)[:-9], headers=["content-encoding: gzip"])],
}
"""Faults of the first or second try that the third makes good, in both modes."""

PASSING_STREAMS: Final[Mapping[str, Script]] = {
    "a role and the end": [SSE_HEAD + events(ROLE), CLOSE],
    "a role and a reset": [SSE_HEAD + events(ROLE), Sleep(0.05), RESET],
    "comments and the end": [SSE_HEAD + chunk(b": ping\n\n"), CLOSE],
    "[DONE] alone": [SSE_HEAD + END],
    "a broken frame first": [SSE_HEAD + events(b"{"), STALL],
    "an error first": [
        SSE_HEAD + events(b'{"error": {"message": "busy", "type": "overloaded_error"}}') + LAST_CHUNK
    ],
    "an empty delta and the end": [SSE_HEAD + events(ROLE, frame_json({})), CLOSE],
}

SILENT: Final = ("a close", "a reset")


def tries() -> Iterator[Case]:
    for name, script in PASSING.items():
        for stream in (True, False):
            good = [GOOD_STREAM] if stream else [GOOD_PLAIN]
            case = Case(
                f"{name}, then an answer", stream, [script, good], _good(stream, 2), resent=name in SILENT
            )
            yield case
            yield replace(
                case,
                name=f"{name} twice, then an answer",
                scripts=[script, script, good],
                expected=_good(stream, 3),
            )
    for name, script in PASSING_STREAMS.items():
        yield Case(f"{name}, then an answer", True, [script, [GOOD_STREAM]], _good(True, 2))
        yield Case(f"{name} twice, then an answer", True, [script, script, [GOOD_STREAM]], _good(True, 3))
    yield from _mixed()


def _mixed() -> Iterator[Case]:
    closed: Script = [CLOSE]
    failed: Script = [error("500 X")]
    cut: Script = [SSE_HEAD + events(ROLE, HEL), CLOSE]
    stalled: Script = [SSE_HEAD + events(ROLE, HEL), STALL]
    later: list[tuple[str, list[Script], Expected, bool]] = [
        ("a 500, then a stream that is cut after data", [failed, cut, [GOOD_STREAM]], Cut("provider_protocol_error", tries=2), True),
        ("two 500s, then a stream that is cut after data", [failed, failed, cut], Cut("provider_protocol_error", tries=3), True),
        ("a close, then a stream cut after data", [closed, cut], Cut("provider_protocol_error", tries=2), True),
        ("a cut after data is not tried again", [cut, [GOOD_STREAM]], Cut("provider_protocol_error"), True),
    ]  # fmt: skip
    for stream in (True, False):
        later += [
            ("a 500, then a 400", [failed, [error("400 X", code="odd")]], Refused(400, "odd", tries=2), stream),
            ("a 500, then a redirect", [failed, [head("location: http://127.0.0.1:1/", status="302 X")]], Refused(502, "provider_protocol_error", tries=2), stream),
            ("a 500, then a refused key", [failed, [error("401 X")]], Refused(502, "upstream_auth", tries=2), stream),
            ("a 500, then a long wait", [failed, [error("429 X", code="odd", headers=["retry-after: 60"])]], Refused(429, "odd", tries=2, headers={"retry-after": "60"}), stream),
            ("a 500, a page, then a 503", [failed, [http(b"<html>", kind="text/html")], [error("503 X")]], Refused(503, "provider_unavailable", tries=3), stream),
        ]  # fmt: skip
    for name, scripts, expected, stream in later:
        yield Case(name, stream, scripts, expected, resent=closed in scripts)
    yield Case(
        "a 500, then a stream that stalls after data",
        True,
        [failed, stalled],
        Cut("provider_timeout", tries=2),
        provider="hasty",
        closes=True,
    )
    for stream in (True, False):
        yield Case(
            "a 500, then silence",
            stream,
            [failed, [STALL]],
            Refused(504, "provider_timeout", tries=2),
            provider="hasty",
            closes=True,
        )


def _good(stream: bool, tries: int) -> Whole:
    return Whole(tries=tries, shown=GOOD_FRAMES if stream else (GOOD_BODY,))
