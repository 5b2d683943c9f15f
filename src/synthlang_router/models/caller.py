"""Who asks, and what for: made from the key and the headers, never from anything else a request says."""

from __future__ import annotations

from typing import Literal

import msgspec

from synthlang_router.models.words import CacheMode, CompressionLevel, CompressionMode, Role


class Limits(msgspec.Struct, frozen=True, gc=False):
    """What a key may do per time. None is no limit. `burst` None is `requests_per_minute`."""

    requests_per_minute: float | None = None
    burst: float | None = None
    concurrency: int | float | None = None  # math.inf is a float
    tokens_per_minute: float | None = None


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who asks: made from an API key, never from anything else the request says. `routes` are globs over paths.

    `account` is whose limits and budget the key draws on, empty for its own: rotated keys share one.
    """

    tenant_id: str
    user_id: str
    key_id: str
    name: str
    role: Role = "user"
    models: tuple[str, ...] = ("*",)
    limits: Limits = Limits()
    tags: tuple[tuple[str, str], ...] = ()
    may_widen: bool = False
    project_id: str = ""
    compression: CompressionMode | None = None
    level: CompressionLevel | None = None
    routes: tuple[str, ...] = ("*",)
    account: str = ""


class Wishes(msgspec.Struct, frozen=True, gc=False):
    """What the request headers ask, parsed once and narrowed by the key.

    `max_age` and `timeout` are seconds. `relay` holds the headers that go upstream and belong to the cache scope
    (`anthropic-version`, `anthropic-beta`, `openai-beta`, and `?query`), lower-case names in sorted order.
    """

    cache: CacheMode = "semantic"
    reuse: Literal["unsampled", "deterministic", "any"] = "unsampled"
    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    compression: CompressionMode = "transparent"
    level: CompressionLevel = "exact"
    timeout: float | None = None
    strict: bool = False
    cost_in_body: bool = False
    session: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    client_retry: int = 0
    relay: tuple[tuple[str, str], ...] = ()
