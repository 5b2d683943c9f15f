"""What the record says that a provider bills: a line for each call upstream, whoever asked and however it ended. Pure.

A row has a line for each of its calls, so that a retry, a lost race and a cut stream are on the bill of whoever
worked on them; a row of a process that died is one call with an estimate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Iterator
from typing import Final

import msgspec

from synthlang_router.interactions.reconcile import Bill, Line, add_lines
from synthlang_router.interactions.record import Interaction
from synthlang_router.interactions.rollups import DAY
from synthlang_router.models import Usage

_DATED: Final = re.compile(r"-(20\d\d-?[01]\d-?[0-3]\d)$")
_NOTHING: Final = Usage()


class Billed(msgspec.Struct, frozen=True):
    """One call. `at` is seconds since the epoch; `source` says who counted; `cost` is USD, None where nobody knows."""

    at: float
    provider: str
    model: str
    usage: Usage
    cost: float | None
    source: str


class Told(msgspec.Struct, frozen=True):
    """How many calls of one source there were, and USD of those with a known price."""

    calls: int = 0
    cost: float = 0.0


def billed_calls(rows: Iterable[Interaction]) -> Iterator[Billed]:
    """The calls of these rows that somebody may bill."""
    for row in rows:
        if row.outcome == "lost" and not row.attempts:
            usage = Usage(row.tokens.prompt or 0, row.tokens.completion or 0)
            yield Billed(row.arrived, row.provider, row.model, usage, row.cost, "estimated")
        for attempt in row.attempts:
            usage = _NOTHING if attempt.usage is None else attempt.usage
            if usage != _NOTHING or attempt.error is None:
                yield Billed(
                    row.arrived + attempt.started,
                    attempt.provider,
                    attempt.model,
                    usage,
                    attempt.cost,
                    attempt.source,
                )


def bill_of(calls: Iterable[Billed], provider: str) -> Bill:
    """By day and model. A cost that is partly unknown is None."""
    bill: Bill = {}
    unknown: set[tuple[int, str]] = set()
    for call in calls:
        if call.provider != provider:
            continue
        key = int(call.at // DAY) * DAY, call.model
        line = Line(1, call.usage.prompt_tokens, call.usage.completion_tokens, call.cost)
        bill[key] = add_lines(bill.get(key, Line(0, 0, 0, 0.0)), line)
        if call.cost is None:
            unknown.add(key)
    for key in unknown:
        bill[key] = msgspec.structs.replace(bill[key], cost=None)
    return bill


def told_by(calls: Iterable[Billed], provider: str) -> dict[str, Told]:
    """Calls and their cost by who counted them: what explains a difference that remains."""
    found: dict[str, list[float]] = {}
    for call in calls:
        if call.provider == provider:
            found.setdefault(call.source, []).append(0.0 if call.cost is None else call.cost)
    return {source: Told(len(costs), math.fsum(costs)) for source, costs in sorted(found.items())}


def undated(bill: Bill, ours: Container[str]) -> Bill:
    """The bill with its dated names (`gpt-4o-2024-08-06`) under ours (`gpt-4o`), where we have no other."""
    renamed: Bill = {}
    for (day, model), line in bill.items():
        plain = _DATED.sub("", model)
        key = day, plain if model not in ours and plain in ours else model
        renamed[key] = add_lines(renamed[key], line) if key in renamed else line
    return renamed
