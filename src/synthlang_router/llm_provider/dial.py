"""Makes connections to an origin: direct or through a proxy, in the clear or under TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable
from itertools import chain, zip_longest
from typing import Final, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from synthlang_router.llm_provider.sockets import client_context
from synthlang_router.llm_provider.transport import NoConnection, Permit
from synthlang_router.telemetry import count

MOST_TUNNEL_HEAD: Final = 16_384
"""Bytes of a proxy's answer to CONNECT."""
NEXT_ADDRESS: Final = 1.5
"""Seconds one of several addresses of a name gets before the next is tried; the last one has all the time left."""

ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)


class Proxy(NamedTuple):
    """`authorization` is the value of the header that opens it, None where it is open to all."""

    tls: bool
    host: str
    port: int
    authorization: str | None


class Origin(NamedTuple):
    """Where a request goes; connections are shared by requests of one origin."""

    tls: bool
    host: str
    port: int
    proxy: Proxy | None = None


def read_proxy(url: str) -> Proxy:
    """`http(s)://[user[:password]@]host[:port]`."""
    parts = urlsplit(url)
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + b64encode(pair.encode()).decode()
    tls = parts.scheme == "https"
    return Proxy(tls, parts.hostname or "", parts.port or (443 if tls else 80), authorization)


class Dialer:
    """Holds what TLS needs; it is read from disk when first needed, off the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ca_file: str | None, permit: Permit) -> None:
        self._loop = loop
        self._ca_file = ca_file
        self._permit = permit
        self._context: ssl.SSLContext | None = None

    async def connect(self, origin: Origin, make: Callable[[], ProtocolT]) -> ProtocolT:
        """A connection over which requests can be sent. Raises NoConnection; cancelled, it leaves nothing behind."""
        try:
            if origin.proxy is not None and origin.tls:
                return await self._through_tunnel(origin, origin.proxy, make())
            where = origin if origin.proxy is None else origin.proxy
            return (await self._open(where.tls, where.host, where.port, make))[1]
        except (OSError, UnicodeError) as error:
            raise NoConnection("No connection to the provider could be made.") from error

    async def _open(
        self, tls: bool, host: str, port: int, make: Callable[[], ProtocolT]
    ) -> tuple[asyncio.Transport, ProtocolT]:
        """The first address of a host that answers."""
        context = await self._tls() if tls else None
        addresses = await self._resolve(host, port)
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(NEXT_ADDRESS):
                    return await self._reach(address, port, host, context, make)
            except OSError:  # TimeoutError is one
                continue
        return await self._reach(addresses[-1], port, host, context, make)

    async def _reach(
        self,
        address: str,
        port: int,
        host: str,
        context: ssl.SSLContext | None,
        make: Callable[[], ProtocolT],
    ) -> tuple[asyncio.Transport, ProtocolT]:
        name = None if context is None else host
        return await self._loop.create_connection(make, address, port, ssl=context, server_hostname=name)

    async def _resolve(self, host: str, port: int) -> list[str]:
        """Addresses, the families taking turns (RFC 8305 section 4)."""
        found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        families: dict[int, list[str]] = {}
        for family, _, _, _, where in found:
            families.setdefault(family, []).append(str(where[0]))
        turns = chain.from_iterable(zip_longest(*families.values()))
        addresses = self._permit(host, [address for address in turns if address is not None])
        if not addresses:
            count("egress_refused")
            raise NoConnection("The provider's name leads to an address that requests may not go to.")
        return addresses

    async def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = await asyncio.to_thread(client_context, self._ca_file)
        return self._context

    async def _through_tunnel(self, origin: Origin, proxy: Proxy, protocol: ProtocolT) -> ProtocolT:
        context = await self._tls()
        transport, tunnel = await self._open(proxy.tls, proxy.host, proxy.port, lambda: _Tunnel(self._loop))
        try:
            transport.write(_connect_request(origin, proxy))
            await tunnel.opened
            upgraded = await self._loop.start_tls(transport, protocol, context, server_hostname=origin.host)
        except BaseException:
            transport.abort()
            raise
        if upgraded is None:
            raise OSError("the tunnel closed")
        protocol.connection_made(upgraded)
        return protocol


def authority(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _connect_request(origin: Origin, proxy: Proxy) -> bytes:
    """RFC 9110 section 9.3.6."""
    target = authority(origin.host, origin.port)
    lines = [f"CONNECT {target} HTTP/1.1", f"host: {target}"]
    if proxy.authorization is not None:
        lines.append(f"proxy-authorization: {proxy.authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Tunnel(asyncio.Protocol):
    """Reads a proxy's answer to CONNECT; `opened` fails for anything but a 2xx with nothing after it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.opened: asyncio.Future[None] = loop.create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if self.opened.done():
            return
        if end < 0:
            if len(self._head) > MOST_TUNNEL_HEAD:
                self.opened.set_exception(OSError("the proxy's answer is too long"))
        elif self._head.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")) and end + 4 == len(self._head):
            self.opened.set_result(None)
        else:
            self.opened.set_exception(OSError("the proxy refused"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(OSError("the proxy closed the connection"))
