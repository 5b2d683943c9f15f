"""`CacheFile`: sealed entries in a SQLite file, written in batches by a thread of its own, read by any.

What stands in the file in the clear is a tenant's name, when an entry expires and how large it is: digests of
questions could be guessed, so they are sealed with the rest. An entry is safe once its batch is committed, some
20 ms after it was put; a process that dies loses no more than that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from synthlang_router.backends.sqlite.wal import WalFile
from synthlang_router.cache.entry import CacheEntry
from synthlang_router.errors import BackendError
from synthlang_router.telemetry import count
from synthlang_router.vault import Unsealable, Vault

MIGRATIONS: Final = (
    (
        """
        CREATE TABLE cache_entries (
            id INTEGER PRIMARY KEY,
            tenant TEXT NOT NULL,
            expires REAL NOT NULL,
            head BLOB NOT NULL,
            body BLOB NOT NULL
        ) STRICT
        """,
        "CREATE INDEX cache_entries_by_expiry ON cache_entries (expires)",
    ),
)
MAX_PENDING: Final = 4_000
"""Changes that wait for the writer; more of them are not kept on disk."""
_BATCH: Final = 256
_GATHER: Final = 0.02
"""Seconds the writer waits for more before it commits."""
PATIENCE: Final = 10.0
"""Seconds a purge waits for the disk."""
_PAUSE: Final = 1.0
"""Seconds after a commit that failed."""
_HEAD, _BODY = "cache head", "cache body"


class Head(msgspec.Struct, frozen=True, array_like=True):
    """What must be known of an entry to find it and to choose what to give up."""

    digest: bytes
    scope: bytes
    stored: float
    size: int
    worth: int
    answer: bytes
    vector: bytes | None
    tags: tuple[tuple[str, str], ...]


class CacheFile:
    """Rows are numbered by the caller, upwards. Nothing here waits for the disk but `read`, `load` and `flush`."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._file = WalFile(path, "cache", MIGRATIONS, secure=True)
        self._vault = vault
        self._changes = threading.Condition()
        self._pending: dict[int, tuple[CacheEntry, Head] | None] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        self._working = False

    @property
    def pending(self) -> int:
        return len(self._pending)

    def write(self, row: int, entry: CacheEntry, head: Head) -> bool:
        """Keep it, soon; False where too much waits already."""
        with self._changes:
            full = len(self._pending) >= MAX_PENDING
        if full:
            count("cache_writes_dropped")
            return False
        return self._change(row, (entry, head))

    def erase(self, row: int) -> None:
        """Never dropped: what waits is at most all there is."""
        self._change(row, None)

    def waiting(self, row: int) -> CacheEntry | None:
        """An entry that is not on disk yet."""
        change = self._pending.get(row)
        return None if change is None else change[0]

    def read(self, row: int, tenant: str) -> CacheEntry | None:
        """From disk, in the caller's thread; None where it is gone. Raises BackendError."""
        with self._file.reading() as connection:
            found = connection.execute("SELECT body FROM cache_entries WHERE id = ?", (row,)).fetchone()
        if found is None:
            return None
        try:
            plain = self._vault.open(found[0], tenant=tenant, purpose=_BODY, row=str(row))
        except Unsealable:
            count("cache_unsealable")
            return None
        return msgspec.msgpack.decode(plain, type=CacheEntry)

    def load(self, now: float) -> Iterator[tuple[int, str, float, Head]]:
        """Row, tenant, expiry and head of all that is not expired, the oldest first; the rest is erased."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM cache_entries WHERE expires <= ?", (now,))
        with self._file.reading() as connection:
            rows = connection.execute("SELECT id, tenant, expires, head FROM cache_entries ORDER BY id")
            for row, tenant, expires, sealed in rows:
                try:
                    plain = self._vault.open(sealed, tenant=tenant, purpose=_HEAD, row=str(row))
                    yield row, tenant, expires, msgspec.msgpack.decode(plain, type=Head)
                except (Unsealable, msgspec.DecodeError):
                    count("cache_unsealable")
                    self.erase(row)

    def flush(self) -> None:
        """Once all that was put before is on disk. In the caller's thread. Raises BackendError after PATIENCE."""
        with self._changes:
            if not self._changes.wait_for(lambda: not self._pending or self._closed, PATIENCE):
                raise BackendError("The cache's file cannot be written at the moment.")

    def close(self) -> None:
        """Writes what waits."""
        with self._changes:
            self._closed = True
            self._changes.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._file.close()

    def _change(self, row: int, change: tuple[CacheEntry, Head] | None) -> bool:
        with self._changes:
            if self._closed:
                return False
            self._pending[row] = change
            if self._thread is None:
                # A daemon, so that a process that dies without close() does not hang on it.
                self._thread = threading.Thread(target=self._work, name="cache writer", daemon=True)
                self._thread.start()
            if len(self._pending) == 1:
                self._changes.notify_all()
        return True

    def _work(self) -> None:
        while True:
            with self._changes:
                self._changes.wait_for(lambda: self._pending or self._closed)
                if not self._pending:
                    return
                if len(self._pending) < _BATCH and not self._closed:
                    self._changes.wait_for(lambda: len(self._pending) >= _BATCH or self._closed, _GATHER)
                batch = dict(list(self._pending.items())[:_BATCH])
            written = self._commit(batch)
            with self._changes:
                if written or self._closed:
                    for row, change in batch.items():
                        if self._pending.get(row, _GONE) is change:
                            del self._pending[row]
                    self._changes.notify_all()
                else:
                    self._changes.wait_for(lambda: self._closed, _PAUSE)

    def _commit(self, batch: dict[int, tuple[CacheEntry, Head] | None]) -> bool:
        try:
            rows = [self._sealed(row, *change) for row, change in batch.items() if change is not None]
            with self._file.writing() as connection:
                gone = [(row,) for row, change in batch.items() if change is None]
                connection.executemany("DELETE FROM cache_entries WHERE id = ?", gone)
                connection.executemany("INSERT OR REPLACE INTO cache_entries VALUES (?, ?, ?, ?, ?)", rows)
        except BackendError as error:
            count("cache_writes_failed", error.error_code or "")
            return False
        return True

    def _sealed(self, row: int, entry: CacheEntry, head: Head) -> tuple[int, str, float, bytes, bytes]:
        return (
            row,
            entry.tenant,
            entry.expires,
            self._seal(msgspec.msgpack.encode(head), entry.tenant, _HEAD, row),
            self._seal(msgspec.msgpack.encode(entry), entry.tenant, _BODY, row),
        )

    def _seal(self, plain: bytes, tenant: str, purpose: str, row: int) -> bytes:
        return self._vault.seal(plain, tenant=tenant, purpose=purpose, row=str(row))


_GONE: Final = (None, None)
