"""Sums as people and scripts see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from synthlang_router.interactions.rollups import NANO, SUMS, Dimension, UsageRow
from synthlang_router.interactions.sketch import quantile


def described(row: UsageRow, by: Sequence[Dimension]) -> dict[str, object]:
    """A row as JSON: money in USD, quantiles of the latencies in milliseconds."""
    sums = row.sums
    plain = {name: getattr(sums, name) for name in SUMS if not name.endswith("_nano")}
    return {
        "start": datetime.fromtimestamp(row.start, UTC).isoformat(),
        **dict(zip(by, row.by, strict=True)),
        **plain,
        "cost": sums.cost_nano / NANO,
        "saved": sums.saved_nano / NANO,
        "latency_ms": {f"p{share * 100:g}": quantile(sums.latency, share) for share in (0.5, 0.95, 0.99)},
        "first_token_ms": {
            f"p{share * 100:g}": quantile(sums.first_token, share) for share in (0.5, 0.95, 0.99)
        },
    }
