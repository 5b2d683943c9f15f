"""Settings -> the values and rule objects that hold no state: wishes, limits, providers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from synthlang_router.config import Settings
from synthlang_router.llm_provider import Provider, Secret, Timeouts, Transport
from synthlang_router.models import CacheMode, Limits, Wishes


def default_wishes(settings: Settings) -> Wishes:
    """What a request wishes whose headers say nothing."""
    cache: CacheMode = "off"
    if settings.cache.exact.enabled:
        cache = "exact"
    if settings.cache.semantic.enabled:
        cache = "semantic"
    return Wishes(
        cache=cache,
        reuse=settings.cache.reuse,
        compression=settings.synthlang.mode,
        level=settings.synthlang.level,
    )


def default_limits(settings: Settings) -> Limits:
    """Limits of keys that have none of their own; null in the file is no limit."""
    limits = settings.limits
    return Limits(
        requests_per_minute=_bound(limits.requests_per_minute),
        burst=limits.burst,
        concurrency=limits.concurrency,
        tokens_per_minute=limits.tokens_per_minute,
    )


def _bound(limit: float | None) -> float:
    return math.inf if limit is None else limit


def providers_of(settings: Settings, transports: Mapping[str, Transport]) -> dict[str, Provider]:
    """The configured providers; `transports` by provider name."""
    return {
        name: Provider(
            name=name,
            base_url=given.base_url or f"http://{name}.invalid",
            transport=transports[name],
            dialect="openai" if given.dialect == "simulator" else given.dialect,
            api_key=None if given.api_key is None else Secret(given.api_key.get_secret_value()),
            headers=tuple((header, value.get_secret_value()) for header, value in given.headers.items()),
            timeouts=Timeouts(
                connect=given.timeouts.connect,
                first_token=given.timeouts.first_token,
                idle=given.timeouts.idle,
                total=given.timeouts.total,
            ),
            stream_usage=given.stream_usage if "stream_usage" in given.model_fields_set else None,
            finish_optional=given.finish == "optional" if "finish" in given.model_fields_set else None,
            simulated=given.dialect == "simulator",
            vendor="simulator" if given.dialect == "simulator" else given.vendor,
            api_version=given.api_version,
        )
        for name, given in settings.providers.items()
    }
