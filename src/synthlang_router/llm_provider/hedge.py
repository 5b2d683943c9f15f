"""When a second target is started because the first is slow: a budget and a rule, as values. Opt-in per model."""

from __future__ import annotations

from typing import Final

import msgspec

SHARE: Final = 0.05
"""Of the requests that may be hedged, those that are."""
MOST: Final = 5.0


class HedgeBudget(msgspec.Struct, frozen=True, gc=False):
    """Each request that may be hedged pays in a twentieth of a second call."""

    tokens: float = 0.0


def paid_in(budget: HedgeBudget) -> HedgeBudget:
    return HedgeBudget(min(MOST, budget.tokens + SHARE))


def paid_out(budget: HedgeBudget) -> HedgeBudget | None:
    """None where nothing is left."""
    return HedgeBudget(budget.tokens - 1.0) if budget.tokens >= 1.0 else None
