"""`ErrorLedger`: an upper bound on how many wrong answers were served, valid at any time one looks. Pure.

The rule: only the gateway's own coin counts. A hit is audited with a probability that was fixed before its coin was
thrown; nothing is assumed of the traffic, of how its mix changes, or of how hits were chosen, so thresholds may be
moved at will and the bound looked at as often as one likes.

With w = 1 where a hit was wrong, A its coin and p the coin's probability, exp(c*w - h*A*w) with
h = -log(1 - (1 - exp(-c)) / p) has expectation 1 for every c < -log(1 - p). Its product over the hits is therefore a
test martingale, so is a mixture over several c, and by Ville's inequality that stays below 1 / alpha for ever with
probability 1 - alpha. Solved for the number of wrong hits, that is the bound. (Betting on bounded means, whatever the
dependence: Waudby-Smith and Ramdas, JRSS-B 86, 2024; the same for audits with chosen probabilities:
Waudby-Smith, Stark and Ramdas, "RiLACS", 2021; the mixture: Robbins, 1970.)
"""

from __future__ import annotations

import math
from typing import Final, Literal

Of = Literal["requests", "hits"]

RATES: Final = (0.2, 0.15, 0.11, 0.07, 0.04, 0.02)
"""The mixture's c. The largest bounds a young population with 25 wrong hits, the smallest an old one with 0.5 % audited."""
ALPHA: Final = 0.05
LEAST: Final = 40
"""Wrong hits that are borne before the share binds: the promise speaks of populations of LEAST / rate and more."""
_NEVER: Final = math.inf


class ErrorLedger:
    """Requests, hits, audits and wrong answers of one population since it was opened."""

    __slots__ = ("_losses", "audited", "estimate", "hits", "known_wrong", "requests")

    def __init__(self) -> None:
        self.requests = 0
        """That the cache might have answered."""
        self.hits = 0
        self.audited = 0
        """Hits whose audit gave a verdict."""
        self.known_wrong = 0
        self.estimate = 0.0
        """Wrong hits: each that an audit found stands for 1 / p; without bias, but for reports, which only add."""
        self._losses = [0.0] * len(RATES)

    def hit(self, probability: float) -> None:
        """An answer was served; it will be audited with this probability, whatever comes of it."""
        self.hits += 1
        for number, rate in enumerate(RATES):
            if probability <= -math.expm1(-rate):
                self._losses[number] = _NEVER

    def right(self) -> None:
        """An audit found the answer right."""
        self.audited += 1

    def wrong(self, probability: float, *, audited: bool = True) -> None:
        """An answer that was served at this probability was found wrong.

        `audited` False: by a report that came by itself, which counts like an audit and so can only raise the bound.
        """
        self.known_wrong += 1
        self.audited += audited
        self.estimate += 1 / probability if audited else 1.0
        for number, rate in enumerate(RATES):
            share = -math.expm1(-rate) / probability if probability > 0 else 1.0
            self._losses[number] += _NEVER if share >= 1 else -math.log1p(-share)

    def upper(self, alpha: float = ALPHA) -> int:
        """At most so many hits were wrong, with probability 1 - alpha, at all times together."""
        low, high = self.known_wrong, self.hits
        if low >= high or self._evidence(high) < 1 / alpha:
            return max(low, high)
        while high - low > 1:  # evidence(high) is enough against it
            middle = (low + high) // 2
            if self._evidence(middle) >= 1 / alpha:
                high = middle
            else:
                low = middle
        return high - 1

    def allowed(self, rate: float, of: Of) -> int:
        """Wrong hits that are borne."""
        return max(LEAST, math.floor(rate * (self.requests if of == "requests" else self.hits)))

    def proves(self, rate: float, of: Of = "requests", alpha: float = ALPHA) -> bool:
        """Whether wrong hits are no more than are borne."""
        allowed = self.allowed(rate, of)
        return self.hits <= allowed or (
            self.known_wrong <= allowed and self._evidence(allowed + 1) >= 1 / alpha
        )

    def _evidence(self, wrong: int) -> float:
        """The mixture's value if so many were wrong."""
        total = 0.0
        for rate, loss in zip(RATES, self._losses, strict=True):
            total += math.exp(min(700.0, rate * wrong - loss))
        return total / len(RATES)
