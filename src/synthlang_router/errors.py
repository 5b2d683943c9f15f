"""Everything that can go wrong, as values that know their HTTP status.

The axis is whose fault it is: the caller's, the provider's, ours. Foreign exceptions are translated where the
foreign call is made; rendering happens in `api/errors.py` only.
"""

from __future__ import annotations

from typing import ClassVar


class RouterError(Exception):
    """Base of all errors a client may see. Never raised itself.

    `message` is shown to the client and must hold no key, prompt or foreign exception text.
    `retry_after` is in seconds; None means nobody knows. `should_retry` None leaves it to the client.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after
        self.should_retry = should_retry
        self.http_status: int = self.status
        self.error_type: str = self.type
        self.error_code: str | None = self.code if code is None else code


class ConfigurationError(RouterError):
    """A setting that is wrong or contradicts another; raised at start and on reload only."""

    code = "configuration_error"


class InvalidRequest(RouterError):
    """The request can never succeed as it is."""

    status = 400
    type = "invalid_request_error"
    code = None


class NotFound(RouterError):
    """No such path or object, or none that this caller may know of."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"


class MethodNotAllowed(RouterError):
    """The path exists, the method does not."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"


class ModelNotFound(NotFound):
    """No target serves the asked name."""

    code = "model_not_found"


class Conflict(RouterError):
    """The object is not in a state in which this could be done to it."""

    status = 409
    type = "invalid_request_error"
    code = "conflict"


class PreconditionFailed(RouterError):
    """`If-Match` names another version of the object than there is (RFC 9110 section 13.1.1)."""

    status = 412
    type = "invalid_request_error"
    code = "precondition_failed"


class RequestTooLarge(RouterError):
    """The (inflated) body is over `server.max_body_bytes`."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class ClientTimeout(RouterError):
    """The client was too slow in sending its request."""

    status = 408
    type = "invalid_request_error"
    code = "request_timeout"


class HeadersTooLarge(RouterError):
    """More request headers, or more bytes of them, than are read."""

    status = 431
    type = "invalid_request_error"
    code = "headers_too_large"


class UnsupportedEncoding(RouterError):
    """A Content-Encoding other than identity, gzip or zstd."""

    status = 415
    type = "invalid_request_error"
    code = "unsupported_encoding"


class UpgradeRequired(RouterError):
    """WebSocket and realtime are not served."""

    status = 426
    type = "invalid_request_error"
    code = "websocket_not_supported"


class AuthenticationError(RouterError):
    """Missing, unknown, revoked or expired key: all read the same."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"

    def __init__(self, message: str = "Incorrect API key provided.") -> None:
        super().__init__(message)


class PermissionDenied(RouterError):
    """The key is good, the thing is not for it."""

    status = 403
    type = "invalid_request_error"
    code = "permission_denied"


class NotCached(RouterError):
    """`Cache-Control: only-if-cached` and nothing was (RFC 9111 section 5.2.1.7)."""

    status = 504
    type = "invalid_request_error"
    code = "not_cached"


class RateLimitExceeded(RouterError):
    """A rate or concurrency limit of the gateway's own."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"


class BudgetExceeded(RouterError):
    """Money is spent; waiting does not help before the window ends."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after, should_retry=False)


class ProviderError(RouterError):
    """The upstream's fault. `sent_data` is set by nobody: before the first data a retry is legal, after it never."""

    status = 502
    type = "server_error"
    code = "provider_error"


class ProviderTimeout(ProviderError):
    """Connect, first token, idle or total time is over; `phase` says which."""

    status = 504
    code = "provider_timeout"

    def __init__(self, phase: str, seconds: float) -> None:
        super().__init__(f"The provider did not answer in time ({phase}, {seconds:g} s).")
        self.phase = phase


class ProviderUnavailable(ProviderError):
    """No connection could be made, or the provider said 5xx or 429 without an error of its own."""

    status = 503
    code = "provider_unavailable"


class ProviderProtocolError(ProviderError):
    """What came back is not an answer: cut, garbage, too large, a redirect."""

    code = "provider_protocol_error"


class ProviderRejected(ProviderError):
    """The provider refused: its status, type, code, param and message go through to the client.

    `body` is the provider's error object already cleaned of our secrets and capped; headers of its own
    (`retry-after`) are in `retry_after`.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str | None,
        code: str | None,
        param: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after=retry_after, should_retry=should_retry)
        self.http_status = status
        self.error_type = "invalid_request_error" if type is None else type
        self.error_code = code


class UpstreamAuth(ProviderError):
    """The provider refused *our* key: the operator's matter, not the caller's."""

    code = "upstream_auth"

    def __init__(self, provider: str) -> None:
        super().__init__(f"The provider {provider!r} refused the gateway's credentials.", should_retry=False)


class BackendError(RouterError):
    """A store of ours is not to be had."""

    status = 503
    code = "backend_unavailable"


class Overloaded(RouterError):
    """Bounded room is full: requests or bytes in flight, or the process is draining."""

    status = 503
    code = "overloaded"


class InternalError(RouterError):
    """Something nobody foresaw, in our own words."""

    def __init__(self) -> None:
        super().__init__("The gateway failed to handle this request. Its x-request-id finds it in the log.")
