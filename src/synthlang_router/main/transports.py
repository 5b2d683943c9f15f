"""Transports by provider: one shared for all that need nothing special, one of its own for a CA, a proxy or none."""

from __future__ import annotations

import os

from synthlang_router.config import ProviderSettings, Settings
from synthlang_router.llm_provider import Proxies, Transport
from synthlang_router.llm_provider.simulator import Simulator
from synthlang_router.llm_provider.transport_stream import StreamTransport
from synthlang_router.synthlang import count_tokens
from synthlang_router.telemetry import wall_clock


class Transports:
    """Makes them when first needed and closes them at the end; a reload keeps those whose settings are the same."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str | None, str | None], Transport] = {}

    def of(self, settings: Settings) -> dict[str, Transport]:
        """The transport of every configured provider."""
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
            made = self._made[kind, ca_file, proxy] = _make(kind, ca_file, proxy)
        return made


def _make(kind: str, ca_file: str | None, proxy: str | None) -> Transport:
    if kind == "simulator":
        return Simulator(count=_count, clock=wall_clock)
    proxies = Proxies.from_environment(os.environ) if proxy is None else Proxies(http=proxy, https=proxy)
    return StreamTransport(proxies=proxies, ca_file=ca_file)


def _count(text: str) -> int:
    return count_tokens(text, "o200k_base")
