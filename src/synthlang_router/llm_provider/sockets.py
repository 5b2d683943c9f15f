"""What holds for every socket to a provider: keep-alive, and whom TLS trusts."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Final

_OPTIONS: Final = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 60),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 15),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 4),
    (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
)
"""A peer that vanished without a word is noticed after two minutes, a thinking one is kept through NAT tables."""


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """TCP keep-alive, and no Nagle delay, as far as the platform has them."""
    raw = transport.get_extra_info("socket")
    for level, name, value in _OPTIONS:
        option = getattr(socket, name, None)
        if option is not None:
            raw.setsockopt(level, option, value)


def client_context(ca_file: str | None) -> ssl.SSLContext:
    """TLS as a client: the system's authorities, and those of a PEM file. Reads files; call it once."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context
