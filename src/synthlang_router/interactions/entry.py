"""What a request left behind, as a row: pure. [hot]"""

from __future__ import annotations

from typing import Final

import msgspec

from synthlang_router.interactions.content import Content
from synthlang_router.interactions.record import Interaction, Timings, Tokens
from synthlang_router.models import CacheStatus, Caller, ChatRequest, CompressionLevel, Facts, Outcome, Usage

REUSED: Final = frozenset((CacheStatus.HIT, CacheStatus.SEMANTIC_HIT, CacheStatus.COALESCED))
"""Answers whose tokens somebody else's request was billed for."""
BYTES_PER_TOKEN: Final = 4
"""For the estimate of a call that nobody counted; English prose in o200k has 4 to 5 bytes a token."""


class Closed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The payload of a `closed` frame."""

    row: Interaction
    content: Content | None = None


class LateContent(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The payload of a `content` frame: large bodies follow their row."""

    id: str
    tenant: str
    content: Content
    level: CompressionLevel | None = None
    model: str = ""


def opened_row(caller: Caller, request: ChatRequest, facts: Facts) -> Interaction:
    """A call that is about to be sent, as the row it becomes should the process die: lost, its tokens estimated."""
    route = facts.route
    return Interaction(
        id=facts.row_id,
        request_id=facts.request_id,
        arrived=facts.arrived,
        tenant=caller.tenant_id,
        user=caller.user_id,
        key_id=caller.key_id,
        kind=request.kind,
        dialect=request.dialect,
        asked_model=request.model,
        outcome="lost",
        model=request.model if route is None else route.model,
        provider="" if route is None else route.provider,
        stream=request.stream,
        route_reason=facts.route_reason if route is None else route.reason,
        tokens=Tokens(prompt=len(request.body) // BYTES_PER_TOKEN),
        usage_source="estimated",
        tags=caller.tags + facts.tags,
        project=caller.project_id,
        delivered=False,
        simulated=facts.simulated,
    )


def closed_row(
    caller: Caller, request: ChatRequest, facts: Facts, outcome: Outcome, now: float, prices: str = ""
) -> Interaction:
    """A request that is over; `now` is monotonic, `prices` the version of the rate table."""
    route = facts.route
    return Interaction(
        id=facts.row_id,
        request_id=facts.request_id,
        arrived=facts.arrived,
        tenant=caller.tenant_id,
        user=caller.user_id,
        key_id=caller.key_id,
        kind=request.kind,
        dialect=request.dialect,
        asked_model=request.model,
        outcome=outcome.kind,
        model=facts.served_model or facts.model or (request.model if route is None else route.model),
        provider=facts.provider or ("" if route is None else route.provider),
        stream=request.stream,
        route_reason=facts.route_reason or ("" if route is None else route.reason),
        status=facts.status,
        error=outcome.error,
        finish_reason=facts.finish_reason,
        cache=None if facts.cache is None else facts.cache.value,
        cache_reason=facts.why,
        similarity=facts.similarity,
        tokens=_tokens(facts.usage),
        usage_source="cache" if facts.cache in REUSED else facts.usage_source,
        compression=facts.compression,
        level=facts.level,
        tokens_saved=facts.tokens_saved,
        tokens_would_save=facts.tokens_would_save,
        cost=0.0 if facts.cost is None and not facts.attempts else facts.cost,
        attempts=tuple(facts.attempts),
        timings=_timings(facts, now),
        dropped=facts.dropped,
        tags=caller.tags + facts.tags,
        project=caller.project_id,
        saved=facts.saved,
        prices=prices,
        delivered=facts.delivered and outcome.kind == "complete",
        simulated=facts.simulated,
    )


def _tokens(usage: Usage | None) -> Tokens:
    if usage is None:
        return Tokens()
    return Tokens(
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        usage.audio_prompt_tokens,
        usage.audio_completion_tokens,
    )


def _timings(facts: Facts, now: float) -> Timings:
    started, sent, first = facts.started, facts.upstream_sent, facts.first_data
    return Timings(
        None if sent is None else _milliseconds(sent - started),
        facts.cache_ms,
        None if first is None else _milliseconds(first - started),
        _milliseconds(now - started),
    )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
