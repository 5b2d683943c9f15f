"""Compile the rate table `src/synthlang_router/interactions/prices.json` from the genai-prices package.

    python -m venv /tmp/prices && /tmp/prices/bin/pip install genai-prices
    pip download --no-deps litellm && unzip litellm-*.whl litellm/model_prices_and_context_window_backup.json
    /tmp/prices/bin/python scripts/build_prices.py [--caps litellm/model_prices_and_context_window_backup.json]

genai-prices (MIT) gives the rates; the caps on output, which it does not have, are the figures of LiteLLM's table
(MIT). Amounts are whole femto-dollars a token (and a request): exact but for rates that are no decimal fraction,
which a million tokens get wrong by less than a nano-dollar. Only what this gateway counts is kept, and only prices
that hold from the day of the build on.

`--references` writes what the library itself computes for a sample of every provider's models, for the tests.
"""

from __future__ import annotations

import argparse
import json
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import calc_price
from genai_prices.data import providers
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
    Usage,
)

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "src/synthlang_router/interactions/prices.json"
REFERENCES = ROOT / "tests/interactions/price_references.json"
UNITS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "cache_write",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "requests_kcount": "request",
}
PER_UNIT = {"request": 10**12}  # thousand requests -> one, in femto-dollars
PER_TOKEN = 10**9  # a million tokens -> one, in femto-dollars
TIERS = {"service_tier": None, "processing": None}
SHAPES = (
    {"input_tokens": 1000, "output_tokens": 500},
    {"input_tokens": 150_000, "output_tokens": 1, "cache_read_tokens": 120_001},
    {"input_tokens": 300_001, "output_tokens": 9_999, "cache_read_tokens": 3, "cache_write_tokens": 200_000},
    {"input_tokens": 77, "output_tokens": 4_321, "output_reasoning_tokens": 4_000},
    {"input_tokens": 900, "output_tokens": 800, "input_audio_tokens": 500, "output_audio_tokens": 700},
    {"input_tokens": 1, "output_tokens": 0},
)


def clause(match: Any) -> Any:
    kind = type(match).__name__
    if kind in ("ClauseOr", "ClauseAnd"):
        name = "or_" if kind == "ClauseOr" else "and_"
        return {name.rstrip("_"): [clause(part) for part in getattr(match, name)]}
    (name,) = (n for n in ("equals", "contains", "starts_with", "ends_with", "regex") if hasattr(match, n))
    return {name: getattr(match, name)}


def amount(unit: str, price: Decimal) -> int:
    return int((price * PER_UNIT.get(unit, PER_TOKEN)).to_integral_value())


def units(price: ModelPrice) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, unit in UNITS.items():
        value = price.__dict__.get(key)
        if isinstance(value, TieredPrices):
            found[unit] = [[-1, amount(unit, value.base)]]
            found[unit] += [[tier.start, amount(unit, tier.price)] for tier in value.tiers]
        elif value is not None:
            found[unit] = amount(unit, value)
    return found


def when(constraint: Any) -> dict[str, Any]:
    if isinstance(constraint, StartDateConstraint):
        start = datetime.combine(constraint.start_date, datetime.min.time(), UTC)
        return {"since": int(start.timestamp())}
    if isinstance(constraint, TimeOfDateConstraint):
        return {"from": seconds(constraint.start_time), "to": seconds(constraint.end_time)}
    return {}


def seconds(moment: Any) -> int:
    if moment.utcoffset():
        raise SystemExit(f"{moment} is not in UTC")
    return int(moment.hour * 3600 + moment.minute * 60 + moment.second)


def prices(model: ModelInfo, today: date) -> list[dict[str, Any]]:
    """In order; the last that is active counts. Those that a later one covers for good are left out."""
    if isinstance(model.prices, ModelPrice):
        return [{"units": units(model.prices)}]
    kept: list[dict[str, Any]] = []
    for entry in model.prices:
        always = entry.constraint is None or (
            isinstance(entry.constraint, StartDateConstraint) and entry.constraint.start_date <= today
        )
        if always:
            kept = []
        kept.append({**({} if always else when(entry.constraint)), "units": units(entry.prices)})
    return kept


def variants(model: ModelInfo) -> list[dict[str, Any]]:
    found = []
    for variant in model.price_variants or ():
        if len(variant.when) == 1 and next(iter(variant.when)) in TIERS:
            name = next(iter(variant.when.values()))
            found.append({"tier": name, **when(variant.constraint), "units": units(variant.prices)})
    return found


def cap(model: ModelInfo, provider: Provider, caps: dict[str, list[int]]) -> int | None:
    """The largest output that any listing under this name allows."""
    found = caps.get(model.id.lower(), [])
    return max(found) if found else None


def read_caps(path: Path | None) -> dict[str, list[int]]:
    caps: dict[str, list[int]] = {}
    if path is not None:
        for name, entry in json.loads(path.read_text()).items():
            most = entry.get("max_output_tokens")
            if (
                isinstance(most, int)
                and most > 0
                and entry.get("mode") in ("chat", "responses", "completion")
            ):
                caps.setdefault(name.rpartition("/")[2].lower(), []).append(most)
    return caps


def compiled(provider: Provider, today: date, caps: dict[str, list[int]]) -> dict[str, Any]:
    models = []
    for model in provider.models:
        entry: dict[str, Any] = {"id": model.id, "match": clause(model.match), "prices": prices(model, today)}
        if extra := variants(model):
            entry["variants"] = extra
        if most := cap(model, provider, caps):
            entry["max_output"] = most
        models.append(entry)
    return {
        "pattern": provider.api_pattern,
        "fallback": provider.fallback_model_providers or [],
        "models": models,
    }


def write_table(today: date, caps: dict[str, list[int]]) -> None:
    lines = [f'{{"version": "genai-prices {version("genai-prices")}", "built": "{today}", "providers": {{']
    for number, provider in enumerate(providers):
        entry = compiled(provider, today, caps)
        models = entry.pop("models")
        head = json.dumps(entry)[:-1]
        lines.append(f'{json.dumps(provider.id)}: {head}, "models": [')
        lines += [
            json.dumps(model, separators=(",", ":"), ensure_ascii=False)
            + ("," if n + 1 < len(models) else "")
            for n, model in enumerate(models)
        ]
        lines.append("]}" + ("," if number + 1 < len(providers) else ""))
    lines.append("}}")
    TABLE.write_text("\n".join(lines) + "\n")


def write_references(today: date) -> None:
    """[provider, model, usage, tier, time, femto-dollars]"""
    chosen = random.Random(1)
    now = datetime.combine(today, datetime.min.time(), UTC).replace(hour=9)
    found = []
    for provider in providers:
        for model in chosen.sample(provider.models, min(12, len(provider.models))):
            tiers = [None] + [
                v.when["service_tier"] for v in model.price_variants or () if list(v.when) == ["service_tier"]
            ]
            for shape in chosen.sample(SHAPES, 2):
                tier = chosen.choice(tiers)
                context = None if tier is None else {"service_tier": tier}
                try:
                    cost = calc_price(
                        Usage(**shape),
                        model.id,
                        provider_id=provider.id,
                        genai_request_timestamp=now,
                        **({"price_context": context} if context else {}),
                    )
                except (ValueError, LookupError):
                    continue  # a usage that this price list cannot split, or an id that is not one of its own names
                if not units(cost.model_price):
                    continue  # paid by the hour or the page, or not said
                found.append(
                    [provider.id, model.id, shape, tier, int(now.timestamp()), str(cost.total_price * 10**15)]
                )
    lines = ",\n".join(json.dumps(one) for one in found)
    REFERENCES.write_text(f"[\n{lines}\n]\n")
    print(f"{len(found)} references")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--caps", type=Path)
    parser.add_argument("--references", action="store_true")
    chosen = parser.parse_args()
    today = datetime.now(UTC).date()
    write_table(today, read_caps(chosen.caps))
    if chosen.references:
        write_references(today)


if __name__ == "__main__":
    main()
