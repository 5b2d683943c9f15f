"""Settings -> the router and its catalog of listed models; rebuilt on a reload, with what was learned kept."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from synthlang_router.config import Loaded, Settings
from synthlang_router.config.providers import ModelTimeouts
from synthlang_router.interactions.prices import PriceTable
from synthlang_router.llm_provider import Provider
from synthlang_router.llm_provider.model_list import list_models
from synthlang_router.models import Caller, Patience, Target
from synthlang_router.routing import (
    Catalog,
    CatalogFile,
    Condition,
    Model,
    Router,
    Rule,
    rules_in_force,
)

_FIRST_LIST_SECONDS: Final = 2.0


class Routes:
    """The router of the current settings, and the watch over its catalog."""

    def __init__(self, loaded: Loaded, providers: Mapping[str, Provider], prices: PriceTable) -> None:
        self._prices = prices
        self._changed = asyncio.Event()
        self._use(loaded, providers)

    async def use(self, loaded: Loaded, providers: Mapping[str, Provider]) -> None:
        """Take these settings from now on; the lists known so far are there before the first request."""
        self._use(loaded, providers)
        await self._catalog.open()
        self._changed.set()

    def _use(self, loaded: Loaded, providers: Mapping[str, Provider]) -> None:
        settings = loaded.settings

        async def fetch(name: str) -> list[str]:
            return await list_models(providers[name], time.monotonic)

        urls = {name: provider.base_url for name, provider in providers.items()}
        file = CatalogFile(settings.data_dir / "models.json", urls)
        self._catalog = Catalog(providers, fetch, file, PricedModels(settings, self._prices))
        self._must_list = not settings.models
        self.router = Router(
            models=_models_of(settings),
            providers=tuple(providers),
            rules=rules_in_force(
                _rules_of(settings),
                settings.routing.apply_to,
                zero_configuration=loaded.source.is_zero_configuration,
            ),
            apply_to=settings.routing.apply_to,
            catalog=self._catalog,
            random=random.random,
            unnamed=next((name for name, given in providers.items() if given.dialect == "openai"), None),
        )

    async def read(self) -> None:
        """Take over the lists on disk, and ask nobody."""
        await self._catalog.open()

    async def open(self) -> None:
        """Lists from disk; where none is there and the names depend on it, from the providers, for a moment."""
        await self._catalog.open()
        if self._must_list and not self._catalog.has_any_list:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FIRST_LIST_SECONDS):
                    await self._catalog.refresh()

    def public_models(self, caller: Caller) -> Sequence[str]:
        """The names to show this caller."""
        return self.router.public_models(caller)

    def serves(self, name: str, caller: Caller) -> bool:
        """Whether this caller may ask for this name and somebody answers to it."""
        return self.router.serves(name, caller)

    async def watch(self) -> None:
        """Keep the current catalog fresh, for ever."""
        while True:
            self._changed.clear()
            watching = asyncio.ensure_future(self._catalog.watch())
            try:
                await self._changed.wait()
            finally:
                watching.cancel()


class PricedModels:
    """The models that the price table has for a provider, known by its base URL."""

    def __init__(self, settings: Settings, prices: PriceTable) -> None:
        self._prices = prices
        self._places = {
            name: None if given.base_url is None else prices.provider_at(given.base_url)
            for name, given in settings.providers.items()
        }

    def names(self, provider: str) -> Sequence[str]:
        place = self._places.get(provider)
        return () if place is None else [name for name in self._prices.names(place) if name[-1] != "-"]

    def knows(self, provider: str, model: str) -> bool:
        place = self._places.get(provider)
        return place is not None and self._prices.find(place, model) is not None


def _models_of(settings: Settings) -> list[Model]:
    return [
        Model(
            name=model.name,
            targets=tuple(
                Target(
                    target.provider,
                    target.model,
                    target.weight,
                    context=target.context_tokens,
                    lacks=target.lacks,
                )
                for target in model.targets
            ),
            fallbacks=model.fallbacks,
            hedge=model.hedge,
            patience=_patience_of(model.timeouts),
        )
        for model in settings.models
    ]


def _patience_of(given: ModelTimeouts) -> Patience | None:
    """None where a model says nothing of its own."""
    if not given.model_fields_set:
        return None
    return Patience(given.connect, given.first_token, given.idle, given.total)


def _rules_of(settings: Settings) -> list[Rule] | None:
    if settings.routing.rules is None:
        return None
    return [
        Rule(
            use=rule.use,
            when=Condition(
                models=_as_tuple(rule.when.model),
                stream=rule.when.stream,
                has_tools=rule.when.has_tools,
                has_images=rule.when.has_images,
                tags=tuple(sorted(rule.when.tags.items())),
                min_prompt_bytes=rule.when.min_prompt_bytes,
                max_prompt_bytes=rule.when.max_prompt_bytes,
            ),
        )
        for rule in settings.routing.rules
    ]


def _as_tuple(globs: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if globs is None:
        return ()
    return (globs,) if isinstance(globs, str) else globs
