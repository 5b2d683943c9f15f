"""`RiskModel`: how likely an answer is wrong for a question, from what is known of the two and from verdicts so far.

A logistic regression that learns one verdict at a time (an extended Kalman filter on its weights), slowly forgetting,
so that it follows a stream whose mix changes. It starts from weights that hold over several kinds of traffic, and is
unsure at first: what it is unsure of it calls risky. It promises nothing; `ErrorLedger` does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

PRIOR: Final = (-6.5, 0.6, -2.0, 10.5, -4.0, 0.4)
"""Weights of: 1, support, opposition, cosine, veto, the pair model's log odds."""
_SPREAD: Final = (0.9, 0.3, 0.6, 2.0, 2.0, 0.2)
"""How far, in standard deviations, a population's weights may lie from these."""
_FORGETTING: Final = 0.002
"""Share of the first doubt that comes back with each verdict: some 500 verdicts are remembered."""
_LIMIT: Final = 30.0


class RiskModel:
    """Weights and their covariance. `parent`: where to start from instead of the shipped weights, with more doubt."""

    __slots__ = ("_covariance", "_weights", "verdicts")

    def __init__(self, parent: RiskModel | None = None) -> None:
        size = len(PRIOR)
        self.verdicts: int = 0 if parent is None else parent.verdicts
        if parent is None:
            self._weights = list(PRIOR)
            self._covariance = [[0.0] * size for _ in range(size)]
        else:
            self._weights = list(parent._weights)
            self._covariance = [list(row) for row in parent._covariance]
        doubt = 1.0 if parent is None else 0.25
        for place in range(size):
            self._covariance[place][place] += doubt * _SPREAD[place] ** 2

    def risk(self, features: Sequence[float]) -> float:
        """The probability that the answer is wrong; nearer to one half the less is known."""
        mean, spread = self._look(features)[:2]
        return _logistic(-mean / math.sqrt(1 + math.pi / 8 * spread))

    def learn(self, features: Sequence[float], right: bool) -> None:
        """Take a verdict in."""
        mean, spread, lean = self._look(features)
        expected = _logistic(mean)
        slope = max(1e-4, expected * (1 - expected))
        gain = slope / (1 + slope * spread)
        step = (float(right) - expected) / (1 + slope * spread)
        size = len(lean)
        for row in range(size):
            self._weights[row] += lean[row] * step
            line = self._covariance[row]
            for column in range(size):
                line[column] -= gain * lean[row] * lean[column]
            line[row] = min(_SPREAD[row] ** 2, line[row] + _FORGETTING * _SPREAD[row] ** 2)
        self.verdicts += 1

    def _look(self, features: Sequence[float]) -> tuple[float, float, list[float]]:
        """The log odds of being right, their variance, and the covariance in the direction of the features."""
        lean = [sum([a * b for a, b in zip(line, features, strict=True)]) for line in self._covariance]
        mean = sum([a * b for a, b in zip(self._weights, features, strict=True)])
        spread = sum([a * b for a, b in zip(lean, features, strict=True)])
        return max(-_LIMIT, min(_LIMIT, mean)), max(0.0, spread), lean


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
