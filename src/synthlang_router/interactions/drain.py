"""`Drain`: the thread that carries the journal into the log, and takes over what dead processes left.

It comes round four times a second (a row is visible within one), not at each request: waking a thread costs more
CPU than writing a row. While the log is down it tries again ever more slowly and the journal grows.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from synthlang_router.errors import BackendError
from synthlang_router.interactions.content import Content, keep
from synthlang_router.interactions.entry import LateContent
from synthlang_router.interactions.filing import Filing
from synthlang_router.interactions.frames import Kind
from synthlang_router.interactions.journal import Journal
from synthlang_router.interactions.media import elide_media
from synthlang_router.interactions.record import RecordPolicy
from synthlang_router.models import CompressionLevel
from synthlang_router.telemetry import count, report_unforeseen

TICK: Final = 0.25
_MAX_PAUSE: Final = 4.0
_UPKEEP_SECONDS: Final = 30.0
MAX_LATE_BYTES: Final = 64_000_000


class Late(msgspec.Struct, frozen=True, gc=False):
    """Bodies too large for the event loop, on their way into the journal."""

    id: str
    tenant: str
    prompt: bytes
    answer: bytes | None
    level: CompressionLevel | None = None
    model: str = ""

    @property
    def size(self) -> int:
        return len(self.prompt) + (0 if self.answer is None else len(self.answer))


class Drain:
    """Started once, closed once. `upkeep` is called every half minute in this thread, and may raise BackendError."""

    def __init__(
        self,
        journal: Journal,
        filing: Filing,
        policy: RecordPolicy,
        *,
        monotonic: Callable[[], float],
        upkeep: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._filing = filing
        self._policy = policy
        self._monotonic = monotonic
        self._upkeep = upkeep
        self._late: deque[Late] = deque()
        self._late_taken = 0  # by the event loop only
        self._late_done = 0  # by the thread only
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record-drain", daemon=True)
        self._next_upkeep = self._next_sync = monotonic()

    def start(self) -> None:
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Write what is left, for at most `seconds`; the rest stays in the journal."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        deadline, left = self._monotonic() + seconds, -1
        while self._guarded_round() and self._journal.backlog != left and self._monotonic() < deadline:
            left = self._journal.backlog

    def take(self, late: Late) -> None:
        """Over `MAX_LATE_BYTES` under way the content is not kept, and counted."""
        if self._late_taken - self._late_done + late.size > MAX_LATE_BYTES:
            count("record", "content_left_out")
            return
        self._late_taken += late.size
        self._late.append(late)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = TICK if self._guarded_round() else min(_MAX_PAUSE, max(TICK, pause * 2))

    def _guarded_round(self) -> bool:
        try:
            return self.round()
        except Exception as error:  # noqa: BLE001 - a thread that died of one bad round would end the record
            report_unforeseen("record-drain", error)
            return False

    def round(self) -> bool:
        """Everything there is to do now. False if the log was not to be had."""
        self._journal.probe()
        while self._late:
            self._journal_late(self._late.popleft())
        self._keep_synced()
        try:
            while self._move():
                pass
            if self._monotonic() >= self._next_upkeep:
                self._next_upkeep = self._monotonic() + _UPKEEP_SECONDS
                self._journal.renew()
                self._journal.look_around()
                self._upkeep()
        except BackendError:
            count("record", "log_unavailable")
            return False
        return True

    def _move(self) -> bool:
        """One batch from the journal into the log; False when there is none."""
        records, end = self._journal.read()
        self._filing.file(records)
        return self._journal.consume(end)

    def _journal_late(self, late: Late) -> None:
        limit = self._policy.max_content_bytes
        answer = None if late.answer is None else keep(elide_media(late.answer), limit)
        content = Content(keep(elide_media(late.prompt), limit), answer)
        frame = LateContent(late.id, late.tenant, content, late.level, late.model)
        self._late_done += late.size
        if not self._journal.append(Kind.CONTENT, msgspec.msgpack.encode(frame)):
            count("record", "content_left_out")

    def _keep_synced(self) -> None:
        if self._policy.fsync != "interval" or self._monotonic() < self._next_sync:
            return
        self._next_sync = self._monotonic() + self._policy.fsync_seconds
        if self._journal.synced < self._journal.appended:
            try:
                self._journal.sync()
            except OSError:
                count("journal", "sync_failed")
