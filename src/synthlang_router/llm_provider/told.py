"""What a provider tells in its response headers: how long to wait, and what its client may know."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

MAX_VALUE: Final = 1024

_RENAMED: Final[Mapping[str, str]] = {
    "openai-version": "openai-version",
    "openai-processing-ms": "x-upstream-processing-ms",
    "retry-after": "retry-after",
    "retry-after-ms": "retry-after-ms",
    "x-should-retry": "x-should-retry",
}


class RememberedHeaders(dict[str, str]):
    """Of a head that comes again and again, with what was made of it for clients."""

    __slots__ = ("passed_on",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self.passed_on: tuple[tuple[str, str], ...] | None = None


_UNITS: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_LIMITS: Final = ("x-ratelimit-", "anthropic-ratelimit-")


def passed_on(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The headers a client gets to see, under the names it sees them by; never cookies, accounts or ids."""
    if not isinstance(headers, RememberedHeaders):
        return _passed_on(headers)
    if headers.passed_on is None:
        headers.passed_on = _passed_on(headers)
    return headers.passed_on


def _passed_on(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    passed = []
    for name, value in headers.items():
        new = _RENAMED.get(name)
        if new is None and name.startswith(_LIMITS):
            new = "x-upstream-" + name[2:] if name[0] == "x" else name
        if new is not None and value.isascii() and value.isprintable() and len(value) <= MAX_VALUE:
            passed.append((new, value))
    return tuple(passed)


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds to wait: `retry-after-ms`, else `retry-after` in seconds or as a date (RFC 9110 section 10.2.3)."""
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - wall)
    except (ValueError, OverflowError, TypeError):
        return None


def resets_in(headers: Mapping[str, str]) -> float | None:
    """Seconds until the limit that is used up is reset, in OpenAI's form (`1s`, `6m0s`, `20ms`)."""
    waits = [
        _duration(headers.get(f"x-ratelimit-reset-{kind}"))
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}", "0") == "0"
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def should_retry(headers: Mapping[str, str]) -> bool | None:
    """The provider's own word on it, None where it says nothing."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _duration(text: str | None) -> float | None:
    if text is None or not re.fullmatch(f"(?:{_DURATION.pattern})+", text):
        return _number(text)
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
