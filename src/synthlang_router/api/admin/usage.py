"""`/admin/v1/usage`: requests, tokens, money and latencies by hour or day, from the roll-ups."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from synthlang_router.api.admin.action import Action, Actions, Call, Listed, Nothing, Reply
from synthlang_router.errors import InvalidRequest, NotFound
from synthlang_router.interactions.moments import moment
from synthlang_router.interactions.rollups import DIMENSIONS, HOUR, Dimension, RollUps, UsageQuery
from synthlang_router.interactions.shown_usage import described

Text = Annotated[str, Meta(max_length=200)]
MAX_ROWS: Final = 10_000


class UsageAsked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Times are 30m, 12h, 7d (ago) or ISO dates; `by` names dimensions, separated by commas."""

    since: Text = "30d"
    until: Text | None = None
    every: Literal["hour", "day", "all"] = "day"
    by: Text = ""
    tenant: Text | None = None
    project: Text | None = None
    key_id: Text | None = None
    model: Text | None = None
    provider: Text | None = None
    status: int | None = None
    latencies: bool = False


class Usage:
    """`clock` is seconds since the epoch."""

    def __init__(self, rollups: RollUps, clock: Callable[[], float]) -> None:
        self._rollups = rollups
        self._clock = clock

    def actions(self) -> Actions:
        return (
            Action(
                "GET", "/usage", "read-only", "usage.show", "Requests, tokens and money", self.show,
                query=UsageAsked, gives=Listed[dict[str, Any]],
            ),
        )  # fmt: skip

    async def show(self, call: Call[UsageAsked, Nothing]) -> Reply:
        query = _query(call, self._clock())
        rows = await asyncio.to_thread(self._rollups.usage, query)
        if len(rows) > MAX_ROWS:
            raise InvalidRequest(f"That is over {MAX_ROWS} rows; ask for less time or fewer dimensions.")
        data = tuple(described(row, query.by) for row in rows)
        return Reply(Listed(data=data, has_more=False, next=None))


def _query(call: Call[UsageAsked, Nothing], now: float) -> UsageQuery:
    asked = call.query
    if call.tenant is not None and asked.tenant not in (None, call.tenant):
        raise NotFound("There is no such tenant.")
    since, until = moment(asked.since, now), moment(asked.until, now)
    return UsageQuery(
        now if since is None else since,
        now + HOUR if until is None else until,
        every=None if asked.every == "all" else asked.every,
        by=_dimensions(asked.by),
        tenant=asked.tenant if call.tenant is None else call.tenant,
        project=asked.project,
        key_id=asked.key_id,
        model=asked.model,
        provider=asked.provider,
        status=asked.status,
        sketches=asked.latencies,
    )


def _dimensions(text: str) -> tuple[Dimension, ...]:
    known: dict[str, Dimension] = {name: name for name in DIMENSIONS}
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise InvalidRequest(f"`by` is any of {', '.join(DIMENSIONS)}.", param="by")
    return tuple(dict.fromkeys(known[name] for name in names))
