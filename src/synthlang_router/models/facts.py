"""`Facts`: the one notebook per request, from which headers, the row, metrics and explanations are rendered."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from synthlang_router.models.answers import ChatCompletion, Usage
from synthlang_router.models.routes import Attempt, Route
from synthlang_router.models.words import CompressionLevel, OutcomeKind


class CacheStatus(StrEnum):
    """What `x-cache` says."""

    HIT = "HIT"
    SEMANTIC_HIT = "SEMANTIC-HIT"
    COALESCED = "COALESCED"
    MISS = "MISS"
    BYPASS = "BYPASS"


class RateState(msgspec.Struct, frozen=True, gc=False):
    """What the `x-ratelimit-*` headers say, None where there is no limit; `reset` is seconds until the bucket is full."""

    limit_requests: float | None = None
    remaining_requests: float | None = None
    reset_requests: float | None = None
    limit_tokens: float | None = None
    remaining_tokens: float | None = None
    reset_tokens: float | None = None


class Facts(msgspec.Struct, gc=False):
    """What is known of one request so far. One per request, filled by the steps, rendered by the edges.

    `arrived` is wall-clock seconds since the epoch, `started` and all spans are monotonic seconds. `cost` is USD over
    all calls; `saved` is what it would have cost more, by what saved it. `compression` is the mode, or `holdout`; empty
    where it was off.
    """

    request_id: str
    row_id: str
    arrived: float
    started: float
    path: str = ""
    status: int = 0
    model: str = ""
    served_model: str = ""
    provider: str = ""
    route: Route | None = None
    route_reason: str = ""
    simulated: bool = False
    rate: RateState | None = None
    cache: CacheStatus | None = None
    cache_entry: str | None = None
    why: str = ""
    age: float | None = None
    similarity: float | None = None
    confidence: float | None = None
    cache_ms: float = 0.0
    attempts: list[Attempt] = []
    dropped: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    compression: str = ""
    level: CompressionLevel | None = None
    tokens_saved: int | None = None
    tokens_would_save: int | None = None
    usage: Usage | None = None
    usage_source: str = ""
    cost: float | None = None
    saved: tuple[tuple[str, float], ...] = ()
    finish_reason: str | None = None
    upstream_sent: float | None = None
    first_data: float | None = None
    upstream_headers: tuple[tuple[str, str], ...] = ()
    media: str | None = None
    error: str | None = None
    delivered: bool = True


class Transcript(Protocol):
    """An answer as far as it came. `completion()` folds it when somebody wants it; None where nothing came."""

    def completion(self) -> ChatCompletion | None: ...


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """How a request ended: what the debts of its `Ending` are told.

    `error` is the code the client was told, `status` its HTTP status (499: the client left).
    """

    kind: OutcomeKind
    transcript: Transcript | None = None
    error: str | None = None
    status: int = 200
