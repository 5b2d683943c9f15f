"""Anthropic's error object, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from synthlang_router.errors import ProviderRejected, RouterError
from synthlang_router.wire.openai.errors import read_error as read_openai_error
from synthlang_router.wire.openai.errors import rejected
from synthlang_router.wire.sse import frame

_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUS: Final[Mapping[str, int]] = {name: status for status, name in _TYPES.items()} | {"api_error": 500}


def error_body(error: RouterError) -> bytes:
    """`{"type": "error", "error": {"type", "message"}}`."""
    kind = error.error_type
    if not isinstance(error, ProviderRejected) or kind not in _STATUS or kind == "invalid_request_error":
        status = (
            error.http_status
        )  # OpenAI says invalid_request_error for most of what is not the server's fault
        kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": error.message}})


def error_event(error: RouterError) -> bytes:
    return frame(error_body(error), "error")


def read_error(
    status: int, body: bytes, *, secrets: Sequence[str] = (), retry_after: float | None = None
) -> RouterError:
    """The same rules as for OpenAI: both put their words into `error.message` and `error.type`."""
    return read_openai_error(status, body, secrets=secrets, retry_after=retry_after)


def refused(found: Any, secrets: Sequence[str]) -> ProviderRejected:
    """An error object inside a stream or a 200, with the status that its type stands for."""
    plain = found if type(found) is dict else {}
    status = _STATUS.get(plain["type"]) if type(plain.get("type")) is str else None
    return rejected(plain, status=status, secrets=secrets)
