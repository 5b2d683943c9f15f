"""`Proxies`: which proxy stands between us and a host."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

import msgspec


class Proxies(msgspec.Struct, frozen=True):
    """Proxy URLs by the target's scheme; `bypass` are hosts reached directly, in the form of NO_PROXY."""

    http: str | None = None
    https: str | None = None
    bypass: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Proxies:
        """As curl reads it: HTTP_PROXY in capitals is ignored (a CGI client could set it by a header)."""
        everything = environ.get("all_proxy") or environ.get("ALL_PROXY")
        bypass = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        return cls(
            http=environ.get("http_proxy") or everything or None,
            https=environ.get("https_proxy") or environ.get("HTTPS_PROXY") or everything or None,
            bypass=tuple(entry for entry in bypass.lower().replace(",", " ").split() if entry),
        )

    def for_url(self, scheme: str, host: str, port: int | None) -> str | None:
        """The proxy's URL, None for a direct connection. Loopback is always direct."""
        proxy = self.https if scheme == "https" else self.http
        if proxy is None or _is_loopback(host) or any(_matches(entry, host, port) for entry in self.bypass):
            return None
        return proxy


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if address is not None:
        return _holds(entry, address)
    name, _, entry_port = entry.partition(":")
    if entry_port and entry_port != str(port):
        return False
    name, host = name.lstrip("*").lstrip("."), host.lower().rstrip(".")
    return bool(name) and (host == name or host.endswith("." + name))


def _holds(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
