"""Settings -> what calls cost and who may pay for them: prices, the ledger of budgets, and the alerts about them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Final

from synthlang_router.auth import Budget, BudgetAlert, RateLimiter, Reserver
from synthlang_router.auth.alerts import AlertPost, Webhook, signing_key
from synthlang_router.auth.budgets import History
from synthlang_router.backends.sqlite.budgets import SqliteBudgetLedger
from synthlang_router.config import Settings
from synthlang_router.interactions.costs import Costs, Counter, Tariffs
from synthlang_router.interactions.prices import PriceTable
from synthlang_router.main.counting import used_prompt, used_text
from synthlang_router.main.scopes import own_prices
from synthlang_router.main.webhook import WebhookPost
from synthlang_router.telemetry import log, wall_clock

LEDGER_FILE: Final = "budgets.db"


def tariffs_of(settings: Settings, table: PriceTable) -> Tariffs:
    """A provider is known by its base URL; what is simulated costs nothing, and of others nobody knows the price."""
    return Tariffs(
        providers={
            name: None if given.base_url is None else table.provider_at(given.base_url)
            for name, given in settings.providers.items()
        },
        free=frozenset(name for name, given in settings.providers.items() if given.dialect == "simulator"),
        own=own_prices(settings),
    )


class Money:
    """The process's price table and the costs by it; once opened, the reserver over a durable ledger."""

    def __init__(self, settings: Settings) -> None:
        self.table = PriceTable.built_in()
        self.costs = Costs(
            self.table,
            tariffs_of(settings, self.table),
            now=wall_clock,
            counter=Counter(used_prompt, used_text),
        )
        self._post = WebhookPost()
        self._alerts = AlertPost(self._post, clock=wall_clock, new_id=_message_id)
        self._alerts.use(_webhook(settings))

    async def open(
        self,
        stack: AsyncExitStack,
        settings: Settings,
        *,
        limiter: RateLimiter,
        budget_of: Callable[[str], Budget | None],
        history: History,
    ) -> Reserver:
        """The reserver, over the ledger in `data_dir`. Raises BackendError where that cannot be had."""
        self.ledger = await stack.enter_async_context(
            SqliteBudgetLedger(settings.data_dir / LEDGER_FILE, history)
        )
        stack.push_async_callback(self._post.close)
        for work in (self.ledger.watch(), self._alerts.run()):
            stack.push_async_callback(_end, asyncio.get_running_loop().create_task(work))
        return Reserver(
            limiter, self.ledger, tariff=self.costs, budget_of=budget_of, clock=wall_clock, alert=self._told
        )

    def use(self, settings: Settings) -> None:
        """Take over a changed configuration; what was spent stays spent."""
        self.costs.use(tariffs_of(settings, self.table))
        self._alerts.use(_webhook(settings))

    def _told(self, alert: BudgetAlert) -> None:
        log.warning(
            "budget alert",
            extra={"where": alert.account, "reason": f"{alert.spent_usd:.4f} of {alert.budget_usd:g} USD"},
        )
        self._alerts.send(alert)


def _webhook(settings: Settings) -> Webhook | None:
    given = settings.budgets.webhook
    if given is None:
        return None
    return Webhook(given.url, signing_key(given.secret.get_secret_value()), given.max_queue)


def _message_id() -> str:
    return f"msg_{os.urandom(16).hex()}"


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
