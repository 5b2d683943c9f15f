"""`KeyStanding`: whether a provider takes our key, as a value and a rule.

One refusal proves nothing: it may be the request's own matter. It takes a confirmation to mark the key; a marked one
is passed over where there is another way, and tried again after `interval` seconds, twice as long each time.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

FIRST_INTERVAL: Final = 30.0
LAST_INTERVAL: Final = 900.0


class KeyStanding(msgspec.Struct, frozen=True, gc=False):
    """`until` is when the key may be tried again, None while nothing is held against it."""

    suspected: bool = False
    until: float | None = None
    interval: float = FIRST_INTERVAL

    def refused(self, now: float) -> bool:
        return self.until is not None and now < self.until


class KeyHealth(msgspec.Struct, frozen=True):
    """What the admin page shows of a provider's key; `retry_in` is in seconds."""

    provider: str
    state: Literal["good", "suspected", "refused"]
    retry_in: float | None = None


GOOD: Final = KeyStanding()


def suspected(standing: KeyStanding, now: float) -> KeyStanding:
    """After a refusal: the second in a row marks a key, one after its time was over marks it for longer."""
    if standing.until is not None:
        if now < standing.until:
            return standing
        interval = min(2 * standing.interval, LAST_INTERVAL)
        return KeyStanding(True, now + interval, interval)
    return marked(standing, now) if standing.suspected else KeyStanding(True)


def marked(standing: KeyStanding, now: float) -> KeyStanding:
    """After the confirmation."""
    return KeyStanding(True, now + standing.interval, standing.interval)


def key_health(provider: str, standing: KeyStanding, now: float) -> KeyHealth:
    if standing.until is not None and now < standing.until:
        return KeyHealth(provider, "refused", standing.until - now)
    return KeyHealth(provider, "good" if standing is GOOD else "suspected")
