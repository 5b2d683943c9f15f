"""What the record says that an account has spent: the roll-ups, once the journals of dead processes are in them."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from msgspec import structs

from synthlang_router.auth.budgets import History
from synthlang_router.backends.memory.budgets import no_history
from synthlang_router.config import Settings
from synthlang_router.errors import BackendError
from synthlang_router.interactions import InteractionLog
from synthlang_router.interactions.rollups import RollUps, UsageQuery
from synthlang_router.telemetry import count

ADOPTED_WITHIN: Final = 5.0
"""Seconds that are waited for the journals of dead processes; afterwards what they had set aside counts as spent."""
_END_OF_TIME: Final = 1e10


def history_of(
    settings: Settings,
    log: InteractionLog,
    adopted: threading.Event,
    keys_of: Callable[[str], Sequence[str]],
) -> History:
    """What the ledger asks; nothing is known where no rows are written."""
    return RecordedSpending(log, adopted, keys_of) if settings.interactions.enabled else no_history


class RecordedSpending:
    """Roll-ups know keys, tenants and projects; of tags they know nothing. `keys_of` an account are those rotated."""

    def __init__(
        self, log: InteractionLog, adopted: threading.Event, keys_of: Callable[[str], Sequence[str]]
    ) -> None:
        self._keys_of = keys_of
        self._rollups = cast(RollUps, log)  # the registered log keeps both ports
        self._adopted = adopted

    async def __call__(self, account: str, since: float) -> Mapping[int, int] | None:
        queries = self._queries(account, since)
        if not queries:
            return None
        try:
            return await asyncio.to_thread(self._read, queries)
        except BackendError:
            count("budget_history", "unavailable")
            return None

    def _read(self, queries: Sequence[UsageQuery]) -> Mapping[int, int] | None:
        if not self._adopted.wait(ADOPTED_WITHIN):
            count("budget_history", "not_adopted")
            return None
        spent: Counter[int] = Counter()
        for query in queries:
            for row in self._rollups.usage(query):
                spent[row.start] += row.sums.cost_nano
        return spent

    def _queries(self, account: str, since: float) -> Sequence[UsageQuery]:
        """For the hours of an account; none for one that roll-ups do not know."""
        kind, _, name = account.partition(":")
        hours = UsageQuery(since, _END_OF_TIME, every="hour", sketches=False)
        if kind == "key":
            return [structs.replace(hours, key_id=key_id) for key_id in self._keys_of(name)]
        if kind == "tenant":
            return [structs.replace(hours, tenant=name)]
        if kind == "project":
            tenant, _, project = name.partition("/")
            return [structs.replace(hours, tenant=tenant, project=project)]
        return ()
