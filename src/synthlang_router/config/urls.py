"""What a provider's URL may be, and whether it leads back to this gateway. No look-up is made here."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from synthlang_router.egress import address_of, refused_host

_UNSAFE: Final = re.compile(r"[^\x21-\x7e]|[\\<>\"{}|^`]")


def checked_url(text: str) -> str:
    """An absolute http(s) URL without user, query and fragment; the trailing slash is cut."""
    url = _split(text)
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold a user or password: keys go into api_key")
    refused = refused_host(host_of(url))
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
