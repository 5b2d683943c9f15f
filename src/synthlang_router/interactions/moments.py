"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from synthlang_router.errors import InvalidRequest

UNITS: Final = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


def moment(text: str | None, now: float) -> float | None:
    """Seconds since the epoch of `30m`, `12h`, `7d` (ago) or an ISO date, which is UTC unless it says otherwise."""
    if text is None:
        return None
    try:
        if text[-1:] in UNITS:
            return now - float(text[:-1]) * UNITS[text[-1]]
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{text[:40]!r} is neither a time ago (30m, 12h, 7d) nor a date.") from None
