"""Roll-ups: what rows add up to, by hour and by who, what and how; pure sums, added to when a row is written.

Every sum is whole (nano-dollars, tokens, counts), so that roll-ups rebuilt from the rows equal those that grew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, Protocol

import msgspec

from synthlang_router.interactions.record import Interaction
from synthlang_router.interactions.sketch import bucket, merge

HOUR: Final = 3600
DAY: Final = 86_400
NANO: Final = 1_000_000_000
Dimension = Literal["tenant", "project", "key_id", "model", "provider", "status"]
DIMENSIONS: Final[tuple[Dimension, ...]] = ("tenant", "project", "key_id", "model", "provider", "status")
SUMS: Final = (
    "requests",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reused_tokens",
    "saved_tokens",
    "cost_nano",
    "saved_nano",
    "unpriced",
    "hits",
    "semantic_hits",
    "coalesced",
    "misses",
    "bypassed",
)
_KINDS: Final = {
    "HIT": "hits",
    "SEMANTIC-HIT": "semantic_hits",
    "COALESCED": "coalesced",
    "MISS": "misses",
    "BYPASS": "bypassed",
}


class Place(msgspec.Struct, frozen=True, gc=False, order=True):
    """Which cell a row falls into. `hour` counts from the epoch.

    `model` is empty for a request that was not routed: its name is whatever a client made up.
    """

    hour: int
    tenant: str
    project: str
    key_id: str
    model: str
    provider: str
    status: int


class Sums(msgspec.Struct, gc=False):
    """What a cell holds. `reused_tokens` came out of the cache; `unpriced` requests have a cost nobody knows.

    `latency` and `first_token` are sketches in milliseconds.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reused_tokens: int = 0
    saved_tokens: int = 0
    cost_nano: int = 0
    saved_nano: int = 0
    unpriced: int = 0
    hits: int = 0
    semantic_hits: int = 0
    coalesced: int = 0
    misses: int = 0
    bypassed: int = 0
    latency: dict[int, int] = {}
    first_token: dict[int, int] = {}

    def add(self, row: Interaction) -> None:
        tokens, cost = row.tokens, row.cost
        prompt = 0 if tokens.prompt is None else tokens.prompt
        completion = 0 if tokens.completion is None else tokens.completion
        self.requests += 1
        if row.usage_source == "cache":
            self.reused_tokens += prompt + completion
        else:
            self.prompt_tokens += prompt
            self.completion_tokens += completion
            self.cached_tokens += tokens.cached
        if row.tokens_saved is not None:
            self.saved_tokens += row.tokens_saved
        if cost is None:
            self.unpriced += 1
        else:
            self.cost_nano += nano(cost)
        for _, usd in row.saved:
            self.saved_nano += nano(usd)
        self._add_kind(row.cache)
        if row.outcome != "lost":
            number = bucket(row.timings.total)
            self.latency[number] = self.latency.get(number, 0) + 1
        if row.timings.first_token is not None:
            number = bucket(row.timings.first_token)
            self.first_token[number] = self.first_token.get(number, 0) + 1

    def _add_kind(self, cache: str | None) -> None:
        name = None if cache is None else _KINDS.get(cache)
        if name is not None:
            setattr(self, name, getattr(self, name) + 1)

    def merge(self, other: Sums) -> None:
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        merge(self.latency, other.latency)
        merge(self.first_token, other.first_token)


class UsageQuery(msgspec.Struct, frozen=True, gc=False):
    """Sums from `since` (inclusive) until `until` (exclusive), seconds since the epoch, cut to whole hours.

    One row for each `every` (None: the whole time) and each combination of `by`; filters as in `Query`. Without
    `sketches` latencies are left empty, which takes a third of the time.
    """

    since: float
    until: float
    every: Literal["hour", "day"] | None = "day"
    by: tuple[Dimension, ...] = ()
    tenant: str | None = None
    project: str | None = None
    key_id: str | None = None
    model: str | None = None
    provider: str | None = None
    status: int | None = None
    sketches: bool = True


class UsageRow(msgspec.Struct, frozen=True, gc=False):
    """`start` is seconds since the epoch, `by` the values of the query's `by` in its order."""

    start: int
    by: tuple[str | int, ...]
    sums: Sums


class RollUps(Protocol):
    """Where sums are kept. Raises BackendError."""

    def usage(self, query: UsageQuery) -> Sequence[UsageRow]:
        """In the order of time."""
        ...

    def rebuild(self) -> int:
        """Sum up all rows again; how many there were. Hours of which rows were deleted stay as they are."""
        ...


def nano(usd: float) -> int:
    """Whole nano-dollars: what is summed."""
    return round(usd * NANO)


def place_of(row: Interaction) -> Place:
    return Place(
        max(0, int(row.arrived // HOUR)),
        row.tenant,
        row.project,
        row.key_id,
        row.model if row.provider else "",
        row.provider,
        row.status,
    )


def roll_up(rows: Iterable[Interaction]) -> dict[Place, Sums]:
    """The cells that these rows add to."""
    cells: dict[Place, Sums] = {}
    for row in rows:
        place = place_of(row)
        sums = cells.get(place)
        if sums is None:
            sums = cells[place] = Sums()
        sums.add(row)
    return cells


def coarser(cells: dict[Place, Sums], keep: Sequence[Dimension], hours: int) -> dict[Place, Sums]:
    """The same sums over `hours` at a time, and over everything that is not kept."""
    found: dict[Place, Sums] = {}
    for place, sums in cells.items():
        fields: dict[str, int | str] = {
            name: getattr(place, name) if name in keep else type(getattr(place, name))()
            for name in DIMENSIONS
        }
        wider = msgspec.structs.replace(place, hour=place.hour - place.hour % hours, **fields)
        into = found.get(wider)
        if into is None:
            into = found[wider] = Sums()
        into.merge(sums)
    return found
