"""`BudgetTerms`: a budget in the words of the configuration file, as it is asked and shown over the admin API."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from synthlang_router.auth.budgets import Budget, Period

Share = Annotated[float, Meta(ge=0, le=1)]


class BudgetTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`usd` to spend per window; see `budgets` in the configuration."""

    usd: Annotated[float, Meta(gt=0, le=1e9)]
    per: Period = "month"
    rolling: bool = False
    on_spent: Literal["refuse", "warn"] = "refuse"
    estimate: Literal["upper", "mean"] = "upper"
    careful: Share = 0.1
    alerts: Annotated[tuple[Share, ...], Meta(max_length=20)] = (0.8, 1.0)

    def budget(self) -> Budget:
        """Raises ConfigurationError for what could not be meant."""
        budget = Budget(
            usd=self.usd,
            per=self.per,
            rolling=self.rolling,
            hard=self.on_spent == "refuse",
            estimate=self.estimate,
            careful=self.careful,
            alerts=tuple(sorted(set(self.alerts))),
        )
        budget.check()
        return budget


def terms_of(budget: Budget) -> BudgetTerms:
    """The same budget, to be shown."""
    return BudgetTerms(
        usd=budget.usd,
        per=budget.per,
        rolling=budget.rolling,
        on_spent="refuse" if budget.hard else "warn",
        estimate=budget.estimate,
        careful=budget.careful,
        alerts=budget.alerts,
    )
