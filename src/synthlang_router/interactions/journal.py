"""`Journal`: the append-only segments of this process; a row is in it before the last byte leaves. [hot]

Any thread may append; frames are sealed and written under one lock, in one order. The drain reads them back behind
the writer, so that a log that is down costs a growing, bounded file and no memory.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from itertools import count as serial
from pathlib import Path
from typing import Final

from synthlang_router.errors import ConfigurationError
from synthlang_router.interactions.folder import bytes_under, make_folder
from synthlang_router.interactions.frames import Kind, decode_frames
from synthlang_router.interactions.record import RecordPolicy
from synthlang_router.interactions.segment import Segment
from synthlang_router.telemetry import count
from synthlang_router.vault import Unsealable, Vault

Record = tuple[Kind, bytes]

READ_BYTES: Final = 4_000_000
READ_FRAMES: Final = 500
_PASSED_OVER: Final = frozenset((Kind.PROBE, Kind.OPENED))
"""What only those who adopt the journal want to know."""
MAX_OWED: Final = 1000
"""Frames kept in memory while the disk takes none; more are lost, and counted."""


class Journal:
    """Opened and closed once a process. `backlog` is the bytes that are not in the log yet.

    `failing` says that the last frame could not be written. Rows under way are written again at the head of each
    new segment, so that older segments may go while they are still open.
    """

    def __init__(self, root: Path, vault: Vault, policy: RecordPolicy) -> None:
        self._vault = vault
        self._policy = policy
        self._root = root
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._numbers = serial(1)
        self._open: dict[str, bytes] = {}
        self._owed: deque[Record] = deque()
        self.backlog = 0
        self.others = 0
        self.failing = False
        self.appended = 0
        self.synced = 0
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder = make_folder(root, os.urandom(8).hex())
            self._segments = deque([self._new_segment()])
        except OSError as error:
            raise ConfigurationError(f"The journal folder {root} cannot be written.") from error

    @property
    def full(self) -> bool:
        """No room is left under `max_journal_bytes`, the journals of other processes counted in."""
        return self.backlog + self.others >= self._policy.max_journal_bytes

    def open_row(self, row_id: str, payload: bytes) -> bool:
        """A call for this row is about to be sent. False if it could not be written."""
        with self._lock:
            self._open[row_id] = payload
            return self._append(Kind.OPENED, payload)

    def close_row(self, row_id: str, payload: bytes) -> bool:
        """The row is known. False if it could not be written."""
        with self._lock:
            self._open.pop(row_id, None)
            return self._append(Kind.CLOSED, payload)

    def forget_row(self, row_id: str) -> None:
        """Nothing will be sent for it."""
        with self._lock:
            self._open.pop(row_id, None)

    def append(self, kind: Kind, payload: bytes) -> bool:
        """False if it could not be written: no room, or the disk took none."""
        with self._lock:
            return self._append(kind, payload)

    def owe(self, kind: Kind, payload: bytes) -> None:
        """Keep a small frame in memory until the disk takes it; the oldest is lost when there are too many."""
        with self._lock:
            if len(self._owed) >= MAX_OWED:
                self._owed.popleft()
                count("journal", "lost")
            self._owed.append((kind, payload))

    def probe(self) -> None:
        """After a failure: write what is owed, or nothing at all, to see whether the disk takes it now."""
        with self._lock:
            if self.failing or self._owed:
                self._append(Kind.PROBE, b"")

    def read(self) -> tuple[list[Record], int]:
        """The oldest frames that are not in the log yet, and the place up to which they reach."""
        self._drop_consumed()
        with self._lock:
            segment = self._segments[0]
            start, size = segment.consumed, segment.size
        data = segment.read(start, READ_BYTES)
        records, end = _decode(segment, data, start)
        if end == start and start + len(data) < size:  # one frame that is larger than READ_BYTES
            records, end = _decode(segment, segment.read(start, size - start), start)
        return records, end

    def consume(self, end: int) -> bool:
        """What `read` returned is in the log. False if that was nothing."""
        with self._lock:
            segment = self._segments[0]
            moved = end - segment.consumed
            self.backlog -= moved
            segment.consumed = end
        self._drop_consumed()
        return moved > 0

    def renew(self) -> None:
        """Begin a new segment once all of this one is in the log: what was journalled does not linger on the disk."""
        with self._lock:
            segment = self._segments[-1]
            if self.backlog == 0 and segment.size > segment.first:
                self._rotate()
        self._drop_consumed()

    def sync(self) -> None:
        """fdatasync; raises OSError. Segments before the last were synced when it was begun."""
        with self._sync_lock:
            target = self.appended  # read first: what a new segment begins with is synced with it
            self._segments[-1].sync()
            self.synced = target

    def look_around(self) -> None:
        """Measure what other processes' journals take of the bound."""
        self.others = bytes_under(self._root, but=self._folder.path)

    @property
    def root(self) -> Path:
        return self._root

    def close(self) -> None:
        """What is not in the log stays on disk and is adopted at the next start."""
        with self._lock, self._sync_lock:
            for segment in self._segments:
                if segment.consumed == segment.size and not self._open:
                    segment.discard()
                else:
                    segment.close()
            self._folder.release()

    def _append(self, kind: Kind, payload: bytes) -> bool:
        if self.full and (kind is Kind.OPENED or self._policy.on_record_failure == "serve"):
            count("journal", "full")
            return False
        try:
            if self._segments[-1].size >= self._policy.segment_bytes:
                self._rotate()
            while self._owed:
                self._write(*self._owed[0])
                self._owed.popleft()
            self._write(kind, payload)
        except OSError:
            self.failing = True
            self.backlog = sum(segment.size - segment.consumed for segment in self._segments)
            count("journal", "write_failed")
            return False
        self.failing = False
        return True

    def _write(self, kind: Kind, payload: bytes) -> None:
        written = self._segments[-1].append(kind, payload)
        self.backlog += written
        self.appended += written

    def _new_segment(self) -> Segment:
        return Segment(self._folder.segment(next(self._numbers)), self._vault.new_envelope())

    def _rotate(self) -> None:
        """Raises nothing: when no new segment is to be had, the old one grows."""
        fresh: Segment | None = None
        try:
            fresh = self._new_segment()
            written = sum(fresh.append(Kind.OPENED, payload) for payload in self._open.values())
            if self._policy.fsync != "never":
                self._segments[-1].sync()
                self._folder.sync()
        except OSError:
            count("journal", "rotate_failed")
            if fresh is not None:
                fresh.discard()
            return
        self._segments.append(fresh)
        self.backlog += written
        self.appended += written

    def _drop_consumed(self) -> None:
        done: list[Segment] = []
        with self._lock:
            while len(self._segments) > 1 and self._segments[0].consumed >= self._segments[0].size:
                done.append(self._segments.popleft())
        if done:
            with self._sync_lock:  # no descriptor is closed while it is synced
                for segment in done:
                    segment.discard()


def _decode(segment: Segment, data: bytes, start: int) -> tuple[list[Record], int]:
    records: list[Record] = []
    reached = 0
    for frame, end in decode_frames(data):
        reached = end
        if frame is None:
            count("journal", "damaged")
            continue
        if frame.kind in _PASSED_OVER:
            continue
        try:
            records.append((Kind(frame.kind), frame.payload(segment.envelope)))
        except (Unsealable, ValueError):
            count("journal", "damaged")
        if len(records) >= READ_FRAMES:
            break
    return records, start + reached
