"""Settings -> what calls cost: the built-in price table, read for the configured providers."""

from __future__ import annotations

from synthlang_router.config import Settings
from synthlang_router.interactions.costs import Costs, Tariffs
from synthlang_router.interactions.prices import PriceTable
from synthlang_router.telemetry import wall_clock


def tariffs_of(settings: Settings, table: PriceTable) -> Tariffs:
    """A provider is known by its base URL; what is simulated costs nothing, and of others nobody knows the price."""
    return Tariffs(
        providers={
            name: None if given.base_url is None else table.provider_at(given.base_url)
            for name, given in settings.providers.items()
        },
        free=frozenset(name for name, given in settings.providers.items() if given.dialect == "simulator"),
    )


class Money:
    """The process's price table and the costs by it."""

    def __init__(self, settings: Settings) -> None:
        self._table = PriceTable.built_in()
        self.costs = Costs(self._table, tariffs_of(settings, self._table), now=wall_clock)

    def use(self, settings: Settings) -> None:
        """Take over a changed configuration."""
        self.costs.use(tariffs_of(settings, self._table))
