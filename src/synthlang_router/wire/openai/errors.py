"""OpenAI's error object, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from synthlang_router.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    RouterError,
)
from synthlang_router.wire.masking import clean

_ANY: Final = msgspec.json.Decoder()
_MAX_ERROR_BODY: Final = 1_000_000
# The status an error object stands for where no status came with it (inside a stream or a 200).
_STATUS: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "tokens": 429,
    "requests": 429,
    "insufficient_quota": 429,
    "overloaded_error": 503,
    "timeout": 504,
}


def error_body(error: RouterError) -> bytes:
    """`{"error": {"message", "type", "param", "code"}}`."""
    return msgspec.json.encode(
        {
            "error": {
                "message": error.message,
                "type": error.error_type,
                "param": error.param,
                "code": error.error_code,
            }
        }
    )


def error_event(error: RouterError) -> bytes:
    return b"data: " + error_body(error) + b"\n\n"


def read_error(
    status: int, body: bytes, *, secrets: Sequence[str] = (), retry_after: float | None = None
) -> RouterError:
    """What an answer with a status other than 2xx means.

    An error object keeps its status and words (ProviderRejected). Without one a 4xx keeps its status, and 429 and
    5xx are the provider's trouble in our words.
    """
    if 300 <= status < 400:
        return ProviderProtocolError(
            f"The provider answered with a redirect ({status}), which is never followed."
        )
    found = find_error(body)
    if found is not None:
        return rejected(found, status=status, secrets=secrets, retry_after=retry_after)
    if 400 <= status < 500 and status != 429:
        message = f"The provider refused the request with status {status} and gave no reason."
        return ProviderRejected(message, status=status, type=None, code=None, retry_after=retry_after)
    kind = ProviderUnavailable if status in (429, 502, 503, 504, 529) else ProviderError
    return kind(f"The provider failed with status {status} and gave no reason.", retry_after=retry_after)


def find_error(body: bytes) -> dict[str, Any] | None:
    """The error object of a body, in the spellings that copies of OpenAI use; None where there is none."""
    if len(body) > _MAX_ERROR_BODY:
        return None
    try:
        plain = _ANY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if type(plain) is list and len(plain) == 1:  # Google's compatibility endpoint
        plain = plain[0]
    if type(plain) is not dict:
        return None
    return error_object(plain)


def error_object(plain: dict[str, Any]) -> dict[str, Any] | None:
    """`{"error": {...}}`, `{"error": "..."}`, `{"message": ...}` and `{"detail": ...}` as one object with a message."""
    error = plain.get("error")
    if type(error) is dict:
        return error
    if type(error) is str and error:
        return {**plain, "message": error}
    for name in ("message", "detail"):
        value = plain.get(name)
        if type(value) is str and value:
            return {**plain, "message": value}
        if value and type(value) in (list, dict):  # FastAPI's validation errors
            return {**plain, "message": msgspec.json.encode(value).decode()}
    return None


def rejected(
    found: Mapping[str, Any],
    *,
    status: int | None = None,
    secrets: Sequence[str] = (),
    retry_after: float | None = None,
) -> ProviderRejected:
    """An error object as an error; without a status the object's own words decide it, 502 if they say nothing."""
    kind, code, param = _text(found.get("type")), _text(found.get("code")), _text(found.get("param"))
    if status is None:
        status = _status_of(code, kind)
    if kind is None:
        kind = "invalid_request_error" if status < 500 else "server_error"
    message = _text(found.get("message")) or f"The provider refused the request with status {status}."
    return ProviderRejected(
        clean(message, secrets), status=status, type=kind, code=code, param=param, retry_after=retry_after
    )


def _text(value: object) -> str | None:
    """A short string; providers also put numbers where OpenAI has codes."""
    if type(value) is str:
        return value[:20_000] if value else None
    return str(value) if type(value) is int else None


def _status_of(code: str | None, kind: str | None) -> int:
    if code is not None and code.isdecimal() and len(code) == 3 and "400" <= code <= "599":
        return int(code)
    for word in (code, kind):
        if word is not None and word in _STATUS:
            return _STATUS[word]
    return 502
