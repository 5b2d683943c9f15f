"""What a model's input costs, by name alone, for reports that need no configuration."""

from __future__ import annotations

from typing import Final

from synthlang_router.interactions.prices import FEMTO, PriceTable
from synthlang_router.models import Usage
from synthlang_router.synthlang import Price

_MAKERS: Final = ("openai", "anthropic", "google", "mistral", "deepseek", "x-ai", "cohere")
"""Price providers that are asked for a name without one, the first that lists it."""
_THOUSAND: Final = 1000


def price_of(model: str, now: float) -> Price | None:
    """USD per million tokens, fresh and read from the provider's cache; None where nobody lists the model.

    `model` may begin with a provider's name (`anthropic/claude-...`).
    """
    table = PriceTable.built_in()
    provider, _, name = model.rpartition("/")
    for maker in (provider,) if provider else _MAKERS:
        found = table.find(maker, name)
        rates = None if found is None else table.rates(found, now)
        if rates is not None:
            fresh = rates.cost(Usage(_THOUSAND, 0)) - rates.cost(Usage(0, 0))
            cached = rates.cost(Usage(_THOUSAND, 0, cached_tokens=_THOUSAND)) - rates.cost(Usage(0, 0))
            return Price(fresh * _THOUSAND / FEMTO, cached * _THOUSAND / FEMTO)
    return None
