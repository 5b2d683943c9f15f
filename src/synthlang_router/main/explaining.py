"""Where a request would go, over this gateway's router and its providers; and how they are, for people and Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import msgspec
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from synthlang_router.api.admin.health import GatewayHealth
from synthlang_router.api.explain import Explained
from synthlang_router.config import Settings
from synthlang_router.llm_provider import LLMProvider, TargetHealth
from synthlang_router.llm_provider.conversation import has_begun
from synthlang_router.models import Caller, ChatRequest, Facts, Patience, Wishes
from synthlang_router.routing import Router


def explain(
    router: Router, llm_provider: LLMProvider, caller: Caller, request: ChatRequest, wishes: Wishes
) -> Explained:
    """Raises what the request itself would, as far as its route goes."""
    facts = Facts(request_id="explain", row_id="explain", arrived=0.0, started=time.monotonic())
    route = router.choose_model(request, caller, wishes, facts)
    return Explained(
        model=request.model,
        reason=route.reason,
        policy=route.policy,
        targets=tuple(llm_provider.explain(route, request, wishes, facts)),
        dropped=route.dropped,
        renamed=route.renamed,
        hedge=route.hedge,
        timeouts=_told(route.patience),
        conversation=has_begun(request),
    )


def _told(patience: Patience | None) -> dict[str, float]:
    if patience is None:
        return {}
    return {name: value for name, value in msgspec.structs.asdict(patience).items() if value is not None}


def health_of(llm_provider: LLMProvider, gauges: Mapping[str, float], *, draining: bool) -> GatewayHealth:
    """Everything that `/admin/v1/health` shows."""
    targets, keys = tuple(llm_provider.health()), tuple(llm_provider.keys())
    trouble = any(target.state != "good" for target in targets) or any(key.state != "good" for key in keys)
    return GatewayHealth(
        status="draining" if draining else "degraded" if trouble else "good",
        requests_in_flight=int(gauges["requests_in_flight"]),
        bytes_in_flight=int(gauges["bytes_in_flight"]),
        journal_backlog_bytes=int(gauges["journal_backlog_bytes"]),
        keys=keys,
        targets=targets,
    )


def target_metrics(llm_provider: LLMProvider, settings: Settings) -> Iterator[Metric]:
    """How targets and keys are. Labels are names of the configuration; what a client thought up is `other`."""
    known = {(target.provider, target.model) for model in settings.models for target in model.targets}
    labels = ["provider", "model"]
    state = GaugeMetricFamily(
        "synthlang_target_state", "1 for the state a target is in.", labels=[*labels, "state"]
    )
    flight = GaugeMetricFamily("synthlang_target_in_flight", "Calls under way.", labels=labels)
    first = GaugeMetricFamily(
        "synthlang_target_first_token_seconds", "The running mean to the first data.", labels=labels
    )
    budget = GaugeMetricFamily(
        "synthlang_target_retry_tokens", "Retries that may still be made.", labels=labels
    )
    for (provider, model), lanes in _by_name(llm_provider.health(), known).items():
        for name in sorted({lane.state for lane in lanes}):
            state.add_metric([provider, model, name], sum(lane.state == name for lane in lanes))
        flight.add_metric([provider, model], sum(lane.in_flight for lane in lanes))
        measured = [lane.first_token for lane in lanes if lane.first_token is not None]
        if measured:
            first.add_metric([provider, model], sum(measured) / len(measured))
        budget.add_metric([provider, model], min(lane.retry_tokens for lane in lanes))
    keys = GaugeMetricFamily(
        "synthlang_provider_key_refused", "1 while a provider refuses our key.", labels=["provider"]
    )
    for key in llm_provider.keys():
        keys.add_metric([key.provider], float(key.state == "refused"))
    yield from (state, flight, first, budget, keys)


def _by_name(
    lanes: list[TargetHealth], known: set[tuple[str, str]]
) -> dict[tuple[str, str], list[TargetHealth]]:
    found: dict[tuple[str, str], list[TargetHealth]] = {}
    for lane in lanes:
        name = (lane.provider, lane.model if (lane.provider, lane.model) in known else "other")
        found.setdefault(name, []).append(lane)
    return found
