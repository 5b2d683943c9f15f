"""`Head`: what stands before a request's body, and what was read of it.

A head whose bytes come again (`heads.Heads`) is kept with what was made of it: whose key it carries, what it wishes.
Both are good for the very objects they were made from and are made anew when keys or settings have changed.
"""

from __future__ import annotations

from collections.abc import Callable

from synthlang_router.api.headers import Headers, encoding_of, read_request_id, read_wishes
from synthlang_router.models import Caller, Wishes


class Head:
    """`encoding` is the Content-Encoding, empty where the body is plain."""

    __slots__ = ("_caller", "_defaults", "_wishes", "encoding", "headers", "path", "query", "request_id")

    def __init__(self, path: str, query: bytes, headers: Headers) -> None:
        self.path = path
        self.query = query
        self.headers = headers
        self.request_id = read_request_id(headers)
        self.encoding = encoding_of(headers)
        self._caller: Caller | None = None
        self._wishes: Wishes | None = None
        self._defaults: Wishes | None = None

    def caller(self, verify: Callable[[Headers], Caller], holds: Callable[[Caller], bool]) -> Caller:
        """Who asks: `verify` raises AuthenticationError; `holds` says that what it found before is still so."""
        caller = self._caller
        if caller is None or not holds(caller):
            caller = self._caller = verify(self.headers)
            self._wishes = None
        return caller

    def wishes(self, caller: Caller, defaults: Wishes) -> Wishes:
        """What the caller of `caller` asks for. Raises InvalidRequest."""
        wishes = self._wishes
        if wishes is None or self._defaults is not defaults:
            wishes = self._wishes = read_wishes(self.headers, self.query, caller, defaults)
            self._defaults = defaults
        return wishes
