"""`RequestMeter`: requests, seconds and tokens, counted as they end and rendered for Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from synthlang_router.models import Facts
from synthlang_router.telemetry import counters

BUCKETS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
)


class RequestMeter:
    """Requests, seconds and tokens by kind, status, cache status and provider.

    Bounded: kinds and cache statuses come from code, statuses are HTTP's, providers from the configuration.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int, str, str]] = Counter()
        self.seconds: dict[str, list[int]] = {}
        self.seconds_sum: dict[str, float] = {}
        self.tokens: Counter[tuple[str, str]] = Counter()

    def observe(self, kind: str, facts: Facts, now: float) -> None:
        """One request is over; `now` is the monotonic clock."""
        cache: str = "" if facts.cache is None else facts.cache
        self.requests[kind, facts.status or 499, cache, facts.provider] += 1
        seconds = now - facts.started
        buckets = self.seconds.get(kind)
        if buckets is None:
            buckets = self.seconds[kind] = [0] * (len(BUCKETS) + 1)
        buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds_sum[kind] = self.seconds_sum.get(kind, 0.0) + seconds
        if facts.usage is not None and facts.attempts:
            self.tokens[facts.provider, "prompt"] += facts.usage.prompt_tokens
            self.tokens[facts.provider, "completion"] += facts.usage.completion_tokens


class MeterCollector(Collector):
    """Everything counted in this process, in Prometheus' terms. `gauges` and `others` are read when somebody asks."""

    def __init__(
        self,
        meter: RequestMeter,
        gauges: Callable[[], dict[str, float]],
        others: Callable[[], Iterable[Metric]] = tuple,
    ) -> None:
        self.meter = meter
        self.gauges = gauges
        self.others = others

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "synthlang_requests", "Requests that ended.", labels=["kind", "status", "cache", "provider"]
        )
        for (kind, status, cache, provider), number in list(self.meter.requests.items()):
            requests.add_metric([kind, str(status), cache, provider], number)
        yield requests
        tokens = CounterMetricFamily(
            "synthlang_tokens", "Tokens as providers counted them.", labels=["provider", "type"]
        )
        for (provider, kind), number in list(self.meter.tokens.items()):
            tokens.add_metric([provider, kind], number)
        yield tokens
        yield self._seconds()
        events = CounterMetricFamily("synthlang_events", "Things that happened.", labels=["name", "label"])
        for (name, label), number in list(counters.items()):
            events.add_metric([name, label], number)
        yield events
        for name, value in self.gauges().items():
            yield GaugeMetricFamily(f"synthlang_{name}", name.replace("_", " "), value=value)
        yield from self.others()

    def _seconds(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            "synthlang_request_seconds", "From the headers to the end.", labels=["kind"]
        )
        for kind, buckets in list(self.meter.seconds.items()):
            total, cumulated = 0, []
            for bound, number in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
                total += number
                cumulated.append((bound, float(total)))
            family.add_metric([kind], cumulated, self.meter.seconds_sum[kind])
        return family


def render_metrics(
    meter: RequestMeter,
    gauges: Callable[[], dict[str, float]],
    others: Callable[[], Iterable[Metric]] = tuple,
) -> bytes:
    """The text exposition format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MeterCollector(meter, gauges, others))
    return generate_latest(registry)
