"""`refusal`: the whole answer to what no application gets to see."""

from __future__ import annotations

from synthlang_router.errors import RouterError
from synthlang_router.telemetry import new_request_id
from synthlang_router.wire import DIALECTS


def refusal(error: RouterError, date_line: bytes) -> bytes:
    """In OpenAI's shape, the last on its connection."""
    body = DIALECTS["openai"].error_body(error)
    return (
        b"HTTP/1.1 %d Refused\r\n%bcontent-type: application/json\r\nx-request-id: %b\r\n"
        b"content-length: %d\r\nconnection: close\r\n\r\n%b"
        % (error.http_status, date_line, new_request_id().encode(), len(body), body)
    )
