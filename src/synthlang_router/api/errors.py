"""RouterError -> error body and headers: the only place where errors are rendered."""

from __future__ import annotations

import math

from synthlang_router.api.headers import Headers, render_facts
from synthlang_router.errors import InternalError, RouterError
from synthlang_router.models import Dialect, Facts
from synthlang_router.telemetry import report_unforeseen
from synthlang_router.wire import DIALECTS


def foreseen(error: Exception, where: str) -> RouterError:
    """The error a client may see: a RouterError as it is, anything else in our own words and counted."""
    if isinstance(error, RouterError):
        return error
    report_unforeseen(where, error)
    return InternalError()


def error_response(
    error: RouterError, dialect: Dialect, facts: Facts | None, now: float
) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an error answer."""
    body = DIALECTS[dialect].error_body(error)
    headers: Headers = [(b"content-type", b"application/json")]
    if facts is not None:
        headers += render_facts(facts, now)
    headers += retry_headers(error, headers)
    return error.http_status, headers, body


def retry_headers(error: RouterError, present: Headers) -> Headers:
    """`Retry-After` in whole seconds rounded up, `retry-after-ms` exact; what the provider said wins."""
    headers: Headers = []
    names = {name for name, _ in present}
    if error.retry_after is not None:
        for name, units in ((b"retry-after", 1), (b"retry-after-ms", 1000)):
            if name not in names:
                headers.append((name, b"%d" % max(0, math.ceil(error.retry_after * units))))
    should_retry = error.should_retry
    if should_retry is None and error.retry_after is not None and error.retry_after > 60:
        should_retry = False
    if should_retry is not None and b"x-should-retry" not in names:
        headers.append((b"x-should-retry", b"true" if should_retry else b"false"))
    return headers
