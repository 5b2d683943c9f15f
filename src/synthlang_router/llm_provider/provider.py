"""`Provider`: one configured upstream, as values; `Endpoint`: the same made ready once, so that a request does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from synthlang_router.errors import InvalidRequest
from synthlang_router.llm_provider.transport import Timeouts, Transport
from synthlang_router.models import Dialect, Wishes
from synthlang_router.wire import DIALECTS, WireFormat

Headers = tuple[tuple[str, str], ...]

USER_AGENT: Final = "synthlang-router"

_PATHS: Final[Mapping[str, Mapping[str, str]]] = {
    "openai": {
        "chat": "/chat/completions",
        "completions": "/completions",
        "embeddings": "/embeddings",
        "responses": "/responses",
        "models": "/models",
    },
}
_AUTHORIZATION: Final[Mapping[str, tuple[str, str]]] = {
    "openai": ("authorization", "Bearer "),
    "anthropic": ("x-api-key", ""),
    "gemini": ("x-goog-api-key", ""),
}
_QUERY: Final = re.compile(r"[A-Za-z0-9!$%&'()*+,./:;=?@_~\[\]-]*")


class Secret:
    """A string that shows itself to nobody who does not ask by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True)
class Provider:
    """`headers` are added to every call and may hold secrets; `stream_usage` ask is learned off where refused."""

    name: str
    base_url: str
    transport: Transport
    dialect: Dialect = "openai"
    api_key: Secret | None = None
    headers: Headers = field(default=(), repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    stream_usage: Literal["ask", "never", "always"] = "ask"
    finish_optional: bool = False
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider with everything built that is the same for all its requests. `host` is where it is, with its port."""

    provider: Provider
    wire: WireFormat
    host: str
    urls: Mapping[str, str]
    plain: Headers = field(repr=False)
    streamed: Headers = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def address(self, kind: str, wishes: Wishes, *, stream: bool) -> tuple[str, Headers]:
        """Where a request goes and under which headers: ours, and those the caller may send through."""
        url = self.urls.get(kind)
        if url is None:
            raise InvalidRequest(f"The provider {self.provider.name!r} does not serve this kind of request.")
        headers = self.streamed if stream else self.plain
        if not wishes.relay:
            return url, headers
        query = dict(wishes.relay).get("?query", "")
        if not _QUERY.fullmatch(query):
            raise InvalidRequest("The query string holds characters that are not allowed in a URL.")
        headers += tuple(pair for pair in wishes.relay if pair[0] != "?query")
        return (f"{url}?{query}" if query else url), headers


def prepare(provider: Provider) -> Endpoint:
    """The endpoint of a provider. A key is sent as the dialect wants it; configured headers win over ours."""
    base = provider.base_url.rstrip("/")
    secrets = [urlsplit(base).netloc, *(value for _, value in provider.headers)]
    common = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": USER_AGENT}
    if provider.api_key is not None:
        name, scheme = _AUTHORIZATION[provider.dialect]
        common[name] = scheme + provider.api_key.reveal()
        secrets.append(provider.api_key.reveal())
    own = {name.lower(): value for name, value in provider.headers}
    return Endpoint(
        provider=provider,
        wire=DIALECTS[provider.dialect],
        host=urlsplit(base).netloc,
        urls={kind: base + path for kind, path in _PATHS[provider.dialect].items()},
        plain=tuple({**common, "accept": "application/json", **own}.items()),
        streamed=tuple({**common, "accept": "text/event-stream", **own}.items()),
        secrets=tuple(secrets),
    )
