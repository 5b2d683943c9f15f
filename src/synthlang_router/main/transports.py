"""Transports by provider: one shared for all that need nothing special, one of its own for a CA, a proxy or none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from synthlang_router.config import ProviderSettings, Settings
from synthlang_router.config.urls import host_of
from synthlang_router.config.vendors import default_base_url
from synthlang_router.egress import permitted
from synthlang_router.llm_provider import Proxies, Transport
from synthlang_router.llm_provider.simulator import Simulator
from synthlang_router.llm_provider.transport_stream import StreamTransport
from synthlang_router.synthlang import count_tokens
from synthlang_router.telemetry import wall_clock


class Transports:
    """Makes them when first needed and closes them at the end; a reload keeps those whose settings are the same."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str | None, str | None], Transport] = {}
        self._named: frozenset[str] = frozenset()

    def of(self, settings: Settings) -> dict[str, Transport]:
        """The transport of every configured provider. Private addresses are from now on for the hosts these name."""
        self._named = named_hosts(settings, os.environ)
        return {name: self._for(provider) for name, provider in settings.providers.items()}

    async def close(self) -> None:
        for transport in self._made.values():
            await transport.close()

    def _for(self, provider: ProviderSettings) -> Transport:
        ca_file = None if provider.ca_file is None else str(provider.ca_file)
        proxy = None if provider.proxy is None else provider.proxy.get_secret_value()
        kind = "simulator" if provider.dialect == "simulator" else "network"
        made = self._made.get((kind, ca_file, proxy))
        if made is None:
            made = self._made[kind, ca_file, proxy] = self._make(kind, ca_file, proxy)
        return made

    def _make(self, kind: str, ca_file: str | None, proxy: str | None) -> Transport:
        if kind == "simulator":
            return Simulator(count=_count, clock=wall_clock)
        proxies = Proxies.from_environment(os.environ) if proxy is None else Proxies(http=proxy, https=proxy)
        return StreamTransport(proxies=proxies, ca_file=ca_file, permit=self._permit)

    def _permit(self, host: str, addresses: Iterable[str]) -> list[str]:
        return permitted(host, addresses, self._named)


def named_hosts(settings: Settings, environ: Mapping[str, str]) -> frozenset[str]:
    """The hosts that the operator wrote down: of providers and proxies, but not where a vendor lives by itself."""
    proxies = Proxies.from_environment(environ)
    urls = [proxies.http, proxies.https]
    for name, provider in settings.providers.items():
        if provider.base_url != default_base_url(name, provider.dialect):
            urls.append(provider.base_url)
        if provider.proxy is not None:
            urls.append(provider.proxy.get_secret_value())
    return frozenset(host_of(urlsplit(url)) for url in urls if url)


def _count(text: str) -> int:
    return count_tokens(text, "o200k_base")
