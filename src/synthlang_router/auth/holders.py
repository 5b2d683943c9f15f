"""Everybody who has a limit or a budget: keys, tenants, projects, models and tags, by the names of their accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from synthlang_router.auth.asks import LimitScopes, key_limits
from synthlang_router.auth.budgets import Budget
from synthlang_router.auth.keys import ApiKey
from synthlang_router.auth.reserving import BudgetScopes
from synthlang_router.models import Limits


class BudgetHolder(msgspec.Struct, frozen=True):
    """`name` is its account's; `tenant` is whose it is, None where several tenants share it."""

    name: str
    tenant: str | None
    budget: Budget


class LimitHolder(msgspec.Struct, frozen=True):
    """`name` is its buckets'; `tenant` as above."""

    name: str
    tenant: str | None
    limits: Limits


def budget_holders(scopes: BudgetScopes, keys: Sequence[ApiKey]) -> list[BudgetHolder]:
    """Tenants, projects and tags as configured, then keys with a budget of their own or the common one."""
    found = [BudgetHolder(f"tenant:{name}", name, budget) for name, budget in sorted(scopes.tenants.items())]
    found += [
        BudgetHolder(f"project:{name}", name.partition("/")[0], budget)
        for name, budget in sorted(scopes.projects.items())
    ]
    found += [
        BudgetHolder(f"tag:{name}={value}", None, budget)
        for (name, value), budget in sorted(scopes.tags.items())
    ]
    for key in _that_call(keys):
        budget = scopes.key if key.budget is None else key.budget
        if budget is not None:
            found.append(BudgetHolder(f"key:{key.account_id}", key.tenant, budget))
    return found


def limit_holders(scopes: LimitScopes, keys: Sequence[ApiKey]) -> list[LimitHolder]:
    """Tenants, projects and models as configured, then keys."""
    found = [LimitHolder(f"tenant:{name}", name, limits) for name, limits in sorted(scopes.tenants.items())]
    found += [
        LimitHolder(f"project:{name}", name.partition("/")[0], limits)
        for name, limits in sorted(scopes.projects.items())
    ]
    found += [LimitHolder(f"model:{name}", None, limits) for name, limits in sorted(scopes.models.items())]
    found += [
        LimitHolder(f"key:{key.account_id}", key.tenant, key_limits(key.limits, scopes.key))
        for key in _that_call(keys)
    ]
    return found


def _that_call(keys: Iterable[ApiKey]) -> list[ApiKey]:
    """One of each account, the newest."""
    newest = {key.account_id: key for key in sorted(keys, key=lambda key: key.created) if key.role != "admin"}
    return sorted(newest.values(), key=lambda key: (key.tenant, key.name, key.key_id))
