"""What a provider's error answer means for the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from synthlang_router.errors import (
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    RouterError,
    UpstreamAuth,
)
from synthlang_router.llm_provider.told import retry_after, should_retry
from synthlang_router.wire.format import AnswerFormat

INSUFFICIENT_QUOTA: Final = "insufficient_quota"

_OUR_KEY: Final = frozenset(
    {
        "invalid_api_key",
        "authentication_error",
        "account_deactivated",
        "invalid_organization",
        "invalid_authentication",
    }
)
_STATUS: Final[Mapping[int, int]] = {503: 503, 529: 503, 504: 504}


def failure(
    wire: AnswerFormat,
    provider: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secrets: tuple[str, ...],
    wall: float,
) -> RouterError:
    """The error of a response with status 400 or more; `wall` is seconds since the epoch."""
    wait = retry_after(headers, wall)
    error = judged(wire.read_error(status, body, secrets=secrets, retry_after=wait), provider)
    told = should_retry(headers)
    if told is not None and error.should_retry is None:
        error.should_retry = told
    return error


def judged(error: RouterError, provider: str) -> RouterError:
    """A refusal as the provider worded it, put on the axis of whose fault it is.

    A 4xx is the caller's and stays as it is, but for our key being refused, which is the operator's matter. A 5xx is
    the provider's: 502, 503 where it says it is overloaded, 504 where it says it was too slow.
    """
    if not isinstance(error, ProviderRejected):
        return error
    status = error.http_status
    if status == 401 or (status == 403 and not _OUR_KEY.isdisjoint((error.error_code, error.error_type))):
        return UpstreamAuth(provider)
    if status == 429 and INSUFFICIENT_QUOTA in (error.error_code, error.error_type):
        error.should_retry = False
    if status < 500:
        return error
    kind = ProviderUnavailable if status in (503, 529) else ProviderError
    failed = kind(
        error.message, param=error.param, retry_after=error.retry_after, should_retry=error.should_retry
    )
    failed.http_status = _STATUS.get(status, ProviderError.status)
    return failed
