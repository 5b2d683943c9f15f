"""`Hit`: a near question that was answered, as long as verdicts on it may come; `RecentHits` holds them, bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from synthlang_router.cache.entry import CacheEntry
from synthlang_router.cache.error_budget import Chance
from synthlang_router.telemetry import count

MAX_RECENT: Final = 4_096
REPEATED_WITHIN: Final = 600.0
"""Seconds in which the same question with `no-cache` says that the answer was no good."""


class Hit(msgspec.Struct, frozen=True):
    """`row` is the id of the request's row, `exact` the digest of its question; `features` None: the verifier's word.

    `audited`: its coin fell. `reported`: a client said its word, and the audit is still to say its own.
    """

    row: str
    tenant: str
    scope: bytes
    exact: bytes
    question: str
    vector: bytes
    entry: CacheEntry
    chance: Chance
    features: tuple[float, ...] | None
    audited: bool
    at: float
    reported: bool = False

    @property
    def verified(self) -> bool:
        return self.features is None


class RecentHits:
    """By row and by question. A hit is judged once by its audit and once by its client."""

    def __init__(self) -> None:
        self._by_row: OrderedDict[str, Hit] = OrderedDict()
        self._by_question: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._by_row)

    def add(self, hit: Hit) -> None:
        self._by_row[hit.row] = hit
        self._by_question[hit.exact] = hit.row
        if len(self._by_row) > MAX_RECENT:
            self._forget(next(iter(self._by_row)))
            count("cache_hits_forgotten")

    def find(self, row: str) -> Hit | None:
        """The hit of this row, unless it was judged or forgotten."""
        return self._by_row.get(row)

    def take(self, row: str, tenant: str) -> Hit | None:
        """The hit of this row, once; None where there is none, or it is another tenant's."""
        hit = self._by_row.get(row)
        if hit is None or hit.tenant != tenant:
            return None
        self._forget(row)
        return hit

    def report(self, row: str, tenant: str) -> Hit | None:
        """The hit of this row for a client's word on it, once.

        One whose audit is under way stays for it: were it gone, clients could choose which verdicts are counted.
        """
        hit = self._by_row.get(row)
        if hit is None or hit.tenant != tenant or hit.reported:
            return None
        if hit.audited:
            self._by_row[row] = msgspec.structs.replace(hit, reported=True)
        else:
            self._forget(row)
        return hit

    def report_repeated(self, exact: bytes, tenant: str, now: float) -> Hit | None:
        """The hit that answered this very question a moment ago."""
        row = self._by_question.get(exact)
        hit = None if row is None else self._by_row.get(row)
        if hit is None or now - hit.at > REPEATED_WITHIN:
            return None
        return self.report(hit.row, tenant)

    def _forget(self, row: str) -> None:
        hit = self._by_row.pop(row)
        if self._by_question.get(hit.exact) == row:
            del self._by_question[hit.exact]
