"""A share of rows, with the interval that holds the true one at 95 % confidence (Wilson's)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

Z = 1.959964
"""Of the normal distribution, for 95 %."""


@dataclass(frozen=True, slots=True)
class Share:
    count: int = 0
    rows: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.count + other.count, self.rows + other.rows)

    def plus(self, hit: bool) -> Share:
        return Share(self.count + hit, self.rows + 1)

    def interval(self) -> tuple[float, float]:
        if not self.rows:
            return 0.0, 1.0
        share, n = self.count / self.rows, self.rows
        middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def told(self) -> dict[str, Any]:
        low, high = self.interval()
        share = self.count / self.rows if self.rows else 0.0
        return {
            "count": self.count,
            "rows": self.rows,
            "share": round(share, 5),
            "low": round(low, 5),
            "high": round(high, 5),
        }

    @staticmethod
    def line(name: str, told: dict[str, Any]) -> str:
        share, low, high = (f"{told[key]:.2%}" for key in ("share", "low", "high"))
        return f"{name:24} {told['count']:5} of {told['rows']:5}  {share:>7}  ({low} to {high})"
