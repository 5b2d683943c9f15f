"""The port to providers: bytes go up, bytes come back, and whatever goes wrong is one of three errors.

Only the implementations (`transport_*.py`) open sockets; everything else sees these values. A response belongs to
whoever got it and must be closed by them: after a clean end its connection is given back, otherwise it is aborted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Final, Protocol, runtime_checkable

import msgspec

from synthlang_router.errors import ProviderProtocolError, ProviderUnavailable

MAX_BODY: Final = 20_000_000
"""Bytes of a whole (not streamed) answer, after inflation. OpenAI's largest answers are far below 1 MB."""

MAX_HEADER_BYTES: Final = 65_536
"""All header lines of one response together."""

MAX_HEADERS: Final = 128
"""Header lines of one response."""

END_WITHIN: Final = 1.0
"""Seconds in which the end of a body that nobody reads any more must come, for its connection to be kept."""


Permit = Callable[[str, Iterable[str]], list[str]]
"""Those of a host's addresses that may be connected to, asked whenever a connection is made."""


class NoConnection(ProviderUnavailable):
    """Nobody was reached: refused, unknown name, no TLS."""


class Useless(ProviderProtocolError):
    """An answer that would be the same another time: a redirect, one too large, an unknown coding."""


class Timeouts(msgspec.Struct, frozen=True, gc=False):
    """Seconds a provider may take. Between bytes only `idle` and `total` run.

    `connect` covers a place in the pool, name resolution, TCP and TLS; `first_token` everything from there to the
    first byte of the body; `total` the request with all its tries.
    """

    connect: float = 10.0
    first_token: float = 600.0
    idle: float = 300.0
    total: float = 3600.0


class UpstreamRequest(msgspec.Struct, frozen=True, gc=False):
    """One call. `headers` are complete but for `host` and `content-length`, names in lower case.

    `deadline` is on the monotonic clock; it is spent by all tries together. `max_body` None is no bound (streams).
    An `upload` stands in the place of `body` and is read no faster than the provider takes it; `length` is its size,
    None where nobody knows. Such a request goes over a new connection and is never repeated.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeouts: Timeouts
    deadline: float
    max_body: int | None = MAX_BODY
    upload: AsyncIterator[bytes] | None = None
    length: int | None = None

    def __repr__(self) -> str:
        """Without headers and body: they hold a key and a prompt."""
        return f"UpstreamRequest({self.method} {self.url}, {len(self.body)} bytes)"


class UpstreamResponse(Protocol):
    """The head of an answer and the way to its body. One reader."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; values of repeated names joined by a comma and a space."""
        ...

    async def read(self) -> bytes:
        """The next block as it came (inflated); b"" at the clean end, and again after it.

        Raises ProviderTimeout, or ProviderProtocolError (reset, cut, garbage, too large): an answer had begun.
        """
        ...

    def close(self, *, whole: bool = False) -> None:
        """Give the connection back after a clean end, else abort it at once. Idempotent.

        `whole` says that the reader has all it needs though the end has not come: it is waited for in the
        background, for `END_WITHIN` seconds, before the connection is aborted.
        """
        ...


Sink = Callable[[bytes], bool]
"""Takes a block; False: no more for now."""


@runtime_checkable
class Pushing(Protocol):
    """A response that can hand its blocks over as they come, without waking its reader for each."""

    async def relay(self, sink: Sink) -> None:
        """Until the sink wants no more, what it raises is raised, or `read` has something to say.

        The same time limits hold as between two reads.
        """
        ...


class Transport(Protocol):
    """Connections to providers, pooled. Redirects are never followed: a 3xx is a ProviderProtocolError."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """The response once its headers are here; a stale kept-alive connection was replaced unnoticed.

        Raises ProviderTimeout, ProviderUnavailable (nothing of an answer came) or ProviderProtocolError. Cancelled
        or failed, it leaves no connection behind.
        """
        ...

    async def close(self) -> None:
        """Abort every connection."""
        ...
