"""Reconciliation: what a provider's export says of each day and model, beside what the record says. Pure.

Understood are OpenAI's usage API (its JSON pages) and tables in CSV, by the names that providers give their columns.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions.rollups import DAY

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "day": ("start_time", "date", "day", "timestamp", "usage_date_utc", "start_time_iso"),
    "model": ("model", "model_version", "snapshot_id", "line_item"),
    "requests": ("num_model_requests", "requests", "n_requests", "num_requests"),
    "prompt_tokens": ("input_tokens", "prompt_tokens", "n_context_tokens_total", "usage_input_tokens"),
    "completion_tokens": (
        "output_tokens",
        "completion_tokens",
        "n_generated_tokens_total",
        "usage_output_tokens",
    ),
    "cost": ("cost", "cost_usd", "amount_value", "amount"),
}
_MILLISECONDS_FROM: Final = 1e11


class Line(msgspec.Struct, frozen=True):
    """A day and a model; None for what is not said. `cost` is USD."""

    requests: float | None = None
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    cost: float | None = None


Bill = dict[tuple[int, str], Line]
"""By day (seconds since the epoch, UTC) and model."""


class Difference(msgspec.Struct, frozen=True):
    """`what` is a field of Line; None where one side has nothing on this day and model at all."""

    day: int
    model: str
    what: str
    ours: float | None
    theirs: float | None


def read_export(data: bytes, aliases: Mapping[str, str] | None = None) -> Bill:
    """A provider's export. `aliases` maps its model names to ours. Raises InvalidRequest."""
    text = data.decode("utf-8-sig", "replace")
    records = _from_json(text) if text.lstrip()[:1] in ("{", "[") else list(csv.DictReader(io.StringIO(text)))
    bill: Bill = {}
    for number, record in enumerate(records, 1):
        day, model = _pick(record, "day"), _pick(record, "model")
        if day is None or model is None:
            raise InvalidRequest(f"Record {number} of the export has no column for a day and a model.")
        key = _day(str(day), number), (aliases or {}).get(str(model), str(model))
        line = Line(*(_number(_pick(record, name), number) for name in Line.__struct_fields__))
        bill[key] = add_lines(bill.get(key, Line()), line)
    return bill


def differences(ours: Bill, theirs: Bill, *, tolerance: float = 0.0) -> list[Difference]:
    """Where both say something and it differs by more than a share of `tolerance`, or one has nothing."""
    found: list[Difference] = []
    for day, model in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get((day, model), Line(0, 0, 0, 0)), theirs.get((day, model), Line(0, 0, 0, 0))
        for what in Line.__struct_fields__:
            left, right = getattr(mine, what), getattr(other, what)
            if left is None or right is None:
                continue
            if not math.isclose(left, right, rel_tol=tolerance, abs_tol=1e-9):
                found.append(Difference(day, model, what, left, right))
    return found


def _from_json(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidRequest("The export is neither JSON nor CSV.") from error
    return list(_records(found if isinstance(found, list) else [found]))


def _records(found: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Pages hold buckets, buckets hold results, and what is none of them is a record."""
    for entry in found:
        if not isinstance(entry, dict):
            raise InvalidRequest("The export holds something that is no record.")
        if isinstance(entry.get("data"), list):
            yield from _records(entry["data"])
        elif isinstance(entry.get("results"), list):
            for result in _records(entry["results"]):
                amount = result.get("amount")
                value = amount.get("value") if isinstance(amount, dict) else amount
                yield {"start_time": entry.get("start_time"), **result, "amount": value}
        else:
            yield entry


def _pick(record: Mapping[str, Any], name: str) -> Any:
    for column in COLUMNS[name]:
        value = record.get(column)
        if value is not None and value != "":
            return value
    return None


def _day(text: str, number: int) -> int:
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidRequest(f"Record {number} of the export has no date that can be read.") from None
        seconds = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(seconds):
        raise InvalidRequest(f"Record {number} of the export has no date that can be read.")
    seconds = seconds / 1000 if seconds > _MILLISECONDS_FROM else seconds
    return int(seconds // DAY) * DAY


def _number(value: object, number: int) -> float | None:
    if value is None:
        return None
    try:
        return float(str(value).replace(",", "").lstrip("$"))
    except ValueError:
        raise InvalidRequest(f"Record {number} of the export has a figure that is none.") from None


def add_lines(first: Line, second: Line) -> Line:
    """What is known of both together; what one does not say is the other's."""
    pairs = ((getattr(first, name), getattr(second, name)) for name in Line.__struct_fields__)
    return Line(
        *(right if left is None else left if right is None else left + right for left, right in pairs)
    )
