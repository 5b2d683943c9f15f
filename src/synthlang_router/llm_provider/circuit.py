"""`Circuit`: whether a target is worth asking, as a value and a rule.

Closed until at least `MIN_SEEN` answers of late were counted and half of them failed; then open for `interval`
seconds, after which one request is let through as a probe. Its success closes the circuit, its failure doubles the
interval. A single caller's refused prompts (4xx) never count: they are not failures of the target.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Verdict = Literal["closed", "open", "probe"]

MIN_SEEN: Final = 4.5
"""Five within some seconds: what was counted fades at once."""
FAILED_SHARE: Final = 0.5
HALF_LIFE: Final = 10.0
"""Seconds after which what was counted weighs half."""

FIRST_INTERVAL: Final = 1.0
LAST_INTERVAL: Final = 10.0
MIN_DEAD: Final = 5
"""Connections in a row that could not be made, after which a target is dead and nobody waits for it."""


class Circuit(msgspec.Struct, frozen=True, gc=False):
    """`opened` is when it opened or last let a probe through, None while closed; `unreached` counts in a row."""

    seen: float = 0.0
    failed: float = 0.0
    at: float = 0.0
    opened: float | None = None
    probed: bool = False
    interval: float = FIRST_INTERVAL
    unreached: int = 0

    def verdict(self, now: float) -> Verdict:
        if self.opened is None:
            return "closed"
        return "probe" if now >= self.opened + self.interval else "open"

    @property
    def dead(self) -> bool:
        """Whether not even a connection can be made: asking would only make the caller wait."""
        return self.opened is not None and self.unreached >= MIN_DEAD

    def retry_at(self) -> float:
        """When the next probe is due; only of an open circuit."""
        return self.interval + (0.0 if self.opened is None else self.opened)


CLOSED: Final = Circuit()


def probing(circuit: Circuit, now: float) -> Circuit:
    """A probe is on its way: nobody else until it is back, or lost for as long again."""
    return msgspec.structs.replace(circuit, opened=now, probed=True)


def succeeded(circuit: Circuit, now: float) -> Circuit:
    """After an answer."""
    if circuit.opened is not None:
        return CLOSED
    seen, failed = _decayed(circuit, now)
    return CLOSED if failed < 0.1 else Circuit(seen + 1, failed, now)


def failed(circuit: Circuit, now: float, *, reached: bool) -> Circuit:
    """After a failure; `reached` says whether there was a connection."""
    unreached = 0 if reached else circuit.unreached + 1
    if circuit.opened is not None:
        if not circuit.probed:  # begun before it opened: nothing new
            return msgspec.structs.replace(circuit, unreached=unreached)
        interval = min(2 * circuit.interval, LAST_INTERVAL)
        return msgspec.structs.replace(
            circuit, opened=now, probed=False, interval=interval, unreached=unreached
        )
    seen, lost = _decayed(circuit, now)
    seen, lost = seen + 1, lost + 1
    opened = now if seen >= MIN_SEEN and lost >= FAILED_SHARE * seen else None
    return Circuit(seen, lost, now, opened, unreached=unreached)


def _decayed(circuit: Circuit, now: float) -> tuple[float, float]:
    weight = 0.5 ** (max(0.0, now - circuit.at) / HALF_LIFE)
    return circuit.seen * weight, circuit.failed * weight
