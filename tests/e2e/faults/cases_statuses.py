"""Statuses: what a provider says of a request, and what its client then hears."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from gzip import compress
from typing import Final

from tests.doubles.answers import error, head, http
from tests.doubles.upstream import CLOSE, STALL, Flood
from tests.e2e.faults.case import Case, Refused, both, whole

CANARY: Final = "@canary@"
"""Stands for the address of a listener that nobody may ever reach."""

SAID: Final = "the model has had enough"
ONCE: Final = (400, 402, 403, 404, 405, 406, 410, 411, 413, 415, 418, 422, 424, 431, 451)
AGAIN: Final = (408, 409, 429)
FAILED: Final[Mapping[int, int]] = {
    500: 502, 501: 502, 502: 502, 503: 503, 504: 504, 507: 502, 520: 502, 529: 503, 599: 502,
}  # fmt: skip
CODES: Final[Mapping[int, str]] = {502: "provider_error", 503: "provider_unavailable", 504: "provider_error"}
SOON: Final = formatdate(time.time() + 3600, usegmt=True)
PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def statuses() -> Iterator[Case]:
    for status in ONCE:
        yield from both(f"{status}", [_said(status)], Refused(status, "odd", says=SAID))
    for status in AGAIN:
        yield from both(
            f"{status}",
            [_said(status)],
            Refused(status, "odd", tries=3, says=SAID, headers={"x-should-retry": "false"}),
        )
    for status, shown in FAILED.items():
        yield from both(
            f"{status}",
            [_said(status)],
            Refused(shown, CODES[shown], tries=3, says=SAID, headers={"x-should-retry": "false"}),
        )
    yield from both(
        "401",
        [_said(401)],
        Refused(
            502,
            "upstream_auth",
            says="refused the gateway's credentials",
            headers={"x-should-retry": "false"},
        ),
    )
    yield from both("a status of 600", [_said(600)], Refused(502, "provider_error", tries=3))
    for status in (300, 301, 302, 303, 307, 308):
        redirect = head(
            f"location: {CANARY}/v1/chat/completions", "content-length: 0", status=f"{status} Elsewhere"
        )
        yield from both(
            f"{status} to a canary",
            [redirect],
            Refused(502, "provider_protocol_error", says="redirect"),
            closes=True,
        )


def waits() -> Iterator[Case]:
    told = {"retry-after": "30"}
    yield from both(
        "429 with a long wait in seconds",
        [_said(429, "retry-after: 30")],
        Refused(429, "odd", says=SAID, headers=told),
    )
    yield from both(
        "429 with a long wait as a date",
        [_said(429, f"retry-after: {SOON}")],
        Refused(429, "odd", headers={"retry-after": SOON}),
    )
    yield from both(
        "429 with a long wait in milliseconds",
        [_said(429, "retry-after-ms: 30000")],
        Refused(429, "odd", headers={"retry-after-ms": "30000"}),
    )
    yield from both(
        "429 with a short wait",
        [_said(429, "retry-after-ms: 10")],
        Refused(429, "odd", tries=3, headers={"retry-after-ms": "10"}),
    )
    yield from both(
        "429 with a wait that is none", [_said(429, "retry-after: soon")], Refused(429, "odd", tries=3)
    )
    yield from both(
        "503 with a long wait",
        [_said(503, "retry-after: 30")],
        Refused(503, "provider_unavailable", headers=told),
    )
    yield from both(
        "429 that asks for no other try",
        [_said(429, "x-should-retry: false")],
        Refused(429, "odd", headers={"x-should-retry": "false"}),
    )
    yield from both(
        "500 that asks for no other try",
        [_said(500, "x-should-retry: false")],
        Refused(502, "provider_error", headers={"x-should-retry": "false"}),
    )
    quota = error("429 X", message=SAID, type="insufficient_quota", code="insufficient_quota")
    yield from both(
        "429 because the account is empty",
        [quota],
        Refused(429, "insufficient_quota", headers={"x-should-retry": "false"}),
    )


def bodies_of_errors() -> Iterator[Case]:
    unnamed = {
        400: Refused(400, None, says="status 400"),
        500: Refused(502, "provider_error", tries=3, says="status 500"),
    }
    for status, expected in unnamed.items():
        line = f"{status} X"
        yield from both(f"{status} with a page", [http(PAGE, status=line, kind="text/html")], expected)
        yield whole(f"{status} with nothing", [http(b"", status=line)], expected)
        yield whole(f"{status} with JSON that names no error", [http(b'{"a": 1}', status=line)], expected)
        yield whole(f"{status} with bytes", [http(b"\xff\xfe\x00", status=line)], expected)
        yield whole(
            f"{status} with a body that is cut",
            [head("content-length: 500", status=line) + b'{"error"', CLOSE],
            expected,
        )
        yield whole(
            f"{status} with a body that stalls",
            [head("content-length: 500", status=line) + b'{"error"', STALL],
            expected,
            provider="hasty",
            closes=True,
        )
        yield whole(
            f"{status} with 20 MB",
            [head("content-length: 20000000", status=line), Flood(b"x" * 100_000, 200), STALL],
            expected,
            closes=True,
        )
    spelled = {
        "a string": {"error": SAID},
        "a detail": {"detail": SAID},
        "a list": [{"error": {"message": SAID, "code": 400, "status": "INVALID_ARGUMENT"}}],
        "a message": {"object": "error", "message": SAID, "code": 40001},
    }
    for name, value in spelled.items():
        said = http(json.dumps(value).encode(), status="400 X")
        code = {"a list": "400", "a message": "40001"}.get(name)
        yield whole(f"400 spelled as {name}", [said], Refused(400, code, says=SAID))
    zipped = compress(json.dumps({"error": {"message": SAID, "code": "odd"}}).encode())
    yield whole(
        "400 with a compressed body",
        [http(zipped, status="400 X", headers=["content-encoding: gzip"])],
        Refused(400, "odd", says=SAID),
    )
    leaking = f"Incorrect key sk-provider-secret for org-AbCdEfGh12345678 at http://10.1.2.3:8000, {SAID}"
    yield from both(
        "400 that quotes our key", [error("400 X", message=leaking)], Refused(400, None, says=SAID)
    )


def _said(status: int, *headers: str) -> bytes:
    return error(f"{status} X", message=SAID, code="odd", headers=headers)
