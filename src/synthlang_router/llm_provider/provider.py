"""`Provider`: one configured upstream, as values; `Endpoint`: the same made ready once, so that a request does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from synthlang_router.errors import InvalidRequest
from synthlang_router.llm_provider.transport import Timeouts, Transport
from synthlang_router.models import Dialect, Wishes
from synthlang_router.wire.dialects import NAMES, Difference, difference_of

Headers = tuple[tuple[str, str], ...]

USER_AGENT: Final = "synthlang-router"

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
    """`headers` are added to every call and may hold secrets; `stream_usage` ask is learned off where refused.

    `stream_usage` and `finish_optional` None: as the table of differences has it for this provider. `vendor` names its
    row there, None: found by host or name; `api_version` is the one that such a row's addresses carry.
    """

    name: str
    base_url: str
    transport: Transport
    dialect: Dialect = "openai"
    api_key: Secret | None = None
    headers: Headers = field(default=(), repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    stream_usage: Literal["ask", "never", "always"] | None = None
    finish_optional: bool | None = None
    simulated: bool = False
    vendor: str | None = None
    api_version: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider with everything built that is the same for all its requests. `host` is where it is, with its port.

    `urls` are those that no model's name belongs to. `relays_chat`: a chat request is not translated; `adapts`: some of
    its fields are spelt otherwise.
    """

    provider: Provider
    difference: Difference
    host: str
    base_url: str
    urls: Mapping[str, str]
    plain: Headers = field(repr=False)
    streamed: Headers = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    relays_chat: bool = True
    adapts: bool = False

    def address(self, kind: str, wishes: Wishes, *, stream: bool, model: str = "") -> tuple[str, Headers]:
        """Where a request goes and under which headers: ours, and those the caller may send through."""
        url = self.urls.get(kind)
        if url is None:
            url = self.difference.address(self.base_url, kind, model, stream=stream)
        headers = self.streamed if stream else self.plain
        if not wishes.relay:
            return url, headers
        query = dict(wishes.relay).get("?query", "")
        if not _QUERY.fullmatch(query):
            raise InvalidRequest("The query string holds characters that are not allowed in a URL.")
        relayed = tuple(pair for pair in wishes.relay if pair[0] != "?query")
        if any(name == "anthropic-version" for name, _ in relayed):  # the caller's stands for our default
            headers = tuple(pair for pair in headers if pair[0] != "anthropic-version")
        return _with_query(url, query), headers + relayed

    @property
    def serves_responses(self) -> bool:
        return "responses" in self.difference.paths


def _with_query(url: str, query: str) -> str:
    """The caller's query beside the provider's own; a parameter that both have is the caller's."""
    base, _, own = url.partition("?")
    if not query or not own:
        return f"{base}?{query or own}" if query or own else base
    asked = {part.partition("=")[0] for part in query.split("&")}
    kept = [part for part in own.split("&") if part.partition("=")[0] not in asked]
    return base + "?" + "&".join([*kept, query])


def prepare(provider: Provider) -> Endpoint:
    """The endpoint of a provider. A key is sent as the dialect wants it; configured headers win over ours."""
    base = provider.base_url.rstrip("/")
    if provider.dialect == "anthropic":  # its paths begin with /v1, and some bases end in it
        base = base.removesuffix("/v1")
    difference = _difference_of(provider)
    if provider.api_version is not None:
        difference = msgspec.structs.replace(difference, version=provider.api_version)
    secrets = [urlsplit(base).netloc, *(value for _, value in provider.headers)]
    common = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": USER_AGENT}
    common.update(difference.headers)
    if provider.api_key is not None:
        name, scheme = difference.authorization
        common[name] = scheme + provider.api_key.reveal()
        secrets.append(provider.api_key.reveal())
    own = {name.lower(): value for name, value in provider.headers}
    return Endpoint(
        provider=_filled(provider, difference),
        difference=difference,
        host=urlsplit(base).netloc,
        base_url=base,
        urls={
            kind: difference.address(base, kind, "-")
            for kind, path in difference.paths.items()
            if "{model}" not in path
        },
        plain=tuple({**common, "accept": "application/json", **own}.items()),
        streamed=tuple({**common, "accept": "text/event-stream", **own}.items()),
        secrets=tuple(secrets),
        relays_chat=provider.dialect == "openai",
        adapts=bool(difference.renames or difference.drops),
    )


def _difference_of(provider: Provider) -> Difference:
    """The row that was named, else that of its host; a plain copy of OpenAI may be known by its configured name."""
    if provider.vendor is not None:
        return difference_of(provider.dialect, name=provider.vendor)
    url = urlsplit(provider.base_url)
    found = difference_of(provider.dialect, url.hostname or "", path=url.path)
    if provider.dialect == "openai" and found.name not in NAMES and provider.name in NAMES:
        named = difference_of(provider.dialect, name=provider.name)
        return named if named.dialect == provider.dialect else found
    return found


def _filled(provider: Provider, difference: Difference) -> Provider:
    """With the table's word where the settings say nothing. Usage that always comes need not be asked for."""
    usual: Literal["ask", "never"] = "ask" if difference.stream_usage == "ask" else "never"
    return replace(
        provider,
        stream_usage=usual if provider.stream_usage is None else provider.stream_usage,
        finish_optional=(
            difference.finish == "optional" if provider.finish_optional is None else provider.finish_optional
        ),
    )
