"""Where a request of ours may go: rules for hosts and their addresses. No look-up is made here.

Metadata services, link-local, unspecified, multicast and reserved addresses are never a provider. Private and
loopback ones are, where the operator named the host; a public name that leads there has been bent by somebody else.
Addresses are understood in every spelling a resolver takes (`127.1`, `0x7f000001`, `::ffff:127.0.0.1`).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Container, Iterable
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_THIS_NETWORK: Final = ipaddress.IPv4Network("0.0.0.0/8")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
_METADATA: Final = tuple(
    map(
        ipaddress.ip_network,
        ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::/32", "fd20:ce::254"),
    )
)
"""Metadata services of clouds outside of the link-local range: Alibaba, Azure, Oracle, AWS and Google over IPv6."""
_METADATA_NAMES: Final = frozenset(
    ("metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal")
)


def address_of(host: str) -> Address | None:
    """The address that a host's text is, the one inside of it for mapped ones; None for a name."""
    host = host.strip("[]").partition("%")[0]
    try:
        address: Address = ipaddress.ip_address(host if ":" in host else socket.inet_aton(host))
    except (ValueError, OSError):
        return None
    return _inside(address) if isinstance(address, ipaddress.IPv6Address) else address


def _inside(address: ipaddress.IPv6Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):  # `::` and `::1` are themselves
        return ipaddress.IPv4Address(address.packed[-4:])
    return address


def refused_host(host: str) -> str:
    """Why a host can never be a provider's, as far as its text says; empty where it may be one."""
    if host in _METADATA_NAMES:
        return "a cloud's metadata service"
    address = address_of(host)
    return "" if address is None else refused_address(address)


def refused_address(address: Address) -> str:
    """Why nothing of ours may ever connect there; empty where it may."""
    if any(address in network for network in _METADATA):
        return "a cloud's metadata service"
    if address.is_loopback:
        return ""
    if address.is_unspecified or address in _THIS_NETWORK:
        return "an unspecified address (a server on this machine is at 127.0.0.1)"
    if address.is_link_local:
        return "a link-local address"
    return "a multicast or reserved address" if address.is_multicast or address.is_reserved else ""


def permitted(host: str, addresses: Iterable[str], named: Container[str] | None = None) -> list[str]:
    """Those of a host's addresses that a connection may be made to, in their order.

    `named` are the hosts that the operator named, in lower case and without the root's dot; None: all of them.
    """
    private = named is None or host.lower().rstrip(".") in named
    return [text for text in addresses if _may_connect(text, private)]


def _may_connect(text: str, private: bool) -> bool:
    address = address_of(text)
    return address is not None and not refused_address(address) and (private or address.is_global)
