"""`Upkeep`: what is done for the record now and then: journals of dead processes adopted, what is old deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from synthlang_router.interactions.filing import Filing
from synthlang_router.interactions.orphan import Estimate, adopt_all
from synthlang_router.interactions.record import ContentSpace, InteractionLog
from synthlang_router.telemetry import count
from synthlang_router.vault import Vault

_DAY: Final = 86_400.0
_ROWS_AT_ONCE: Final = 200
_CONTENTS_AT_ONCE: Final = 20
_ROUNDS: Final = 100
_JUMP_SECONDS: Final = 3600.0


class Upkeep:
    """Called by one thread. Raises BackendError when the log is not to be had.

    `adopted` is set once the log has all that dead processes had left.

    Rows are deleted in small transactions, so that neither readers nor the drain wait long. A wall clock that jumped
    by more than an hour is not believed for a day: a wrong date must not empty the record.
    """

    def __init__(
        self,
        root: Path,
        log: InteractionLog,
        vault: Vault,
        filing: Filing,
        *,
        retention_days: float | None,
        space: ContentSpace | None,
        max_log_bytes: int | None,
        now: Callable[[], float],
        monotonic: Callable[[], float],
        estimate: Estimate,
    ) -> None:
        self._root = root
        self._log = log
        self._vault = vault
        self._filing = filing
        self._retention_days = retention_days
        self._space = space
        self._max_log_bytes = max_log_bytes
        self._now = now
        self._monotonic = monotonic
        self._estimate = estimate
        self.adopted = threading.Event()
        self._seen = (now(), monotonic())
        self._distrusted_until = 0.0

    def __call__(self) -> None:
        adopt_all(self._root, self._vault, self._filing, self._estimate)
        self.adopted.set()
        before = self._expired_before()
        if before is not None:
            self._in_rounds(
                "expired", _ROWS_AT_ONCE, lambda: self._log.delete(before=before, limit=_ROWS_AT_ONCE)
            )
        self._in_rounds("content_dropped", _CONTENTS_AT_ONCE, self._drop_content)

    def _drop_content(self) -> int:
        """The oldest content, if the log has outgrown its bound."""
        if (
            self._space is None
            or self._max_log_bytes is None
            or self._space.used_bytes() <= self._max_log_bytes
        ):
            return 0
        return self._space.drop_contents(_CONTENTS_AT_ONCE)

    def _in_rounds(self, name: str, at_once: int, delete: Callable[[], int]) -> None:
        for _ in range(_ROUNDS):
            deleted = delete()
            if deleted:
                count("record", name, deleted)
            if deleted < at_once:
                return

    def _expired_before(self) -> float | None:
        now, monotonic = self._now(), self._monotonic()
        jump = (now - self._seen[0]) - (monotonic - self._seen[1])
        self._seen = (now, monotonic)
        if abs(jump) > _JUMP_SECONDS:
            count("record", "clock_jumped")
            self._distrusted_until = monotonic + _DAY
        if self._retention_days is None or monotonic < self._distrusted_until:
            return None
        return now - self._retention_days * _DAY
