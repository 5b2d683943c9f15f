"""Settings -> limits and budgets by scope, and prices of an operator's own, as the rules know them."""

from __future__ import annotations

from synthlang_router.auth import Budget, BudgetScopes, LimitScopes
from synthlang_router.auth.terms import BudgetTerms
from synthlang_router.config import BudgetSettings, PriceSettings, ScopeLimitSettings, Settings
from synthlang_router.interactions.costs import OwnPrice, own_price
from synthlang_router.interactions.prices import units_of
from synthlang_router.main.parts import default_limits
from synthlang_router.models import Limits


def limit_scopes(settings: Settings) -> LimitScopes:
    """Limits beside those of keys."""
    given = settings.limits
    return LimitScopes(
        key=default_limits(settings),
        tenants={name: _limits(limits) for name, limits in given.tenants.items()},
        projects={name: _limits(limits) for name, limits in given.projects.items()},
        models={name: _limits(limits) for name, limits in given.models.items()},
    )


def budget_scopes(settings: Settings) -> BudgetScopes:
    """Budgets beside those of keys."""
    given = settings.budgets
    return BudgetScopes(
        key=None if given.key is None else budget_of(given.key),
        tenants={name: budget_of(budget) for name, budget in given.tenants.items()},
        projects={name: budget_of(budget) for name, budget in given.projects.items()},
        tags={_pair(tag): budget_of(budget) for tag, budget in given.tags.items()},
        unpriced=given.unpriced,
    )


def budget_of(given: BudgetSettings) -> Budget:
    """A budget as the file has it."""
    return BudgetTerms(**given.model_dump()).budget()


def own_prices(settings: Settings) -> dict[tuple[str, str], OwnPrice]:
    """By configured provider and model."""
    return {_model(name): _price(name, given) for name, given in settings.prices.items()}


def _limits(given: ScopeLimitSettings) -> Limits:
    return Limits(
        requests_per_minute=given.requests_per_minute,
        burst=given.burst,
        concurrency=given.concurrency,
        tokens_per_minute=given.tokens_per_minute,
    )


def _price(name: str, given: PriceSettings) -> OwnPrice:
    rates = given.model_dump(exclude_none=True, exclude={"max_output"})
    return own_price(units_of(rates, f"prices.{name}"), given.max_output)


def _pair(tag: str) -> tuple[str, str]:
    name, _, value = tag.partition("=")
    return name, value


def _model(name: str) -> tuple[str, str]:
    provider, _, model = name.partition("/")
    return provider, model
