"""What a provider's URL may be, and whether it leads back to this gateway. No look-up is made here.

Addresses are understood in every spelling a resolver takes (`127.1`, `0x7f000001`, `::ffff:127.0.0.1`).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_UNSAFE: Final = re.compile(r"[^\x21-\x7e]|[\\<>\"{}|^`]")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA: Final = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
"""Metadata services of clouds outside of the link-local range: Alibaba, Oracle, AWS over IPv6."""
_METADATA_NAMES: Final = frozenset(("metadata", "metadata.google.internal", "instance-data"))


def checked_url(text: str) -> str:
    """An absolute http(s) URL without user, query and fragment; the trailing slash is cut."""
    url = _split(text)
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold a user or password: keys go into api_key")
    refused = _refused(host_of(url))
    if refused:
        raise ValueError(f"must not be {refused}")
    return text.rstrip("/")


def checked_proxy(text: str) -> str:
    """An http(s) URL of a host; a user and a password may stand in it."""
    if _split(text).path not in ("", "/"):
        raise ValueError("must have no path")
    return text


def _split(text: str) -> SplitResult:
    if _UNSAFE.search(text):
        raise ValueError("must be printable ASCII without spaces")
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must be an absolute http:// or https:// URL")
    if "?" in text or "#" in text:
        raise ValueError("must have neither query nor fragment")
    if url.port == 0:
        raise ValueError("must have a port above 0")
    return url


def host_of(url: SplitResult) -> str:
    """The host in lower case, without the root's dot."""
    return (url.hostname or "").rstrip(".")


def address_of(host: str) -> Address | None:
    """The address that a host's text is, the one inside of it for mapped ones; None for a name."""
    host = host.strip("[]").partition("%")[0]
    try:
        address: Address = ipaddress.ip_address(host if ":" in host else socket.inet_aton(host))
    except (ValueError, OSError):
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(address.packed[-4:])
    return address


def _refused(host: str) -> str:
    """What an address is where no provider can be, or nothing."""
    address = address_of(host)
    if host in _METADATA_NAMES or address in _METADATA:
        return "a cloud's metadata service"
    if address is None or address.is_loopback:
        return ""
    if address.is_unspecified:
        return "an unspecified address (a server on this machine is at 127.0.0.1)"
    if address.is_link_local:
        return "a link-local address"
    return "a multicast or reserved address" if address.is_multicast or address.is_reserved else ""


def same_place(base_url: str, host: str, port: int) -> bool:
    """Whether `base_url` leads to a server that listens on host:port of this machine."""
    url = urlsplit(base_url)
    if (url.port or {"http": 80, "https": 443}[url.scheme]) != port:
        return False
    there, here = host_of(url), host.strip("[]").lower()
    return there == here or (_is_local(there) and _is_local(here))


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = address_of(host)
    return address is not None and (address.is_loopback or address.is_unspecified)
