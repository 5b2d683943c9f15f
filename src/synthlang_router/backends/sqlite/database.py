"""`Database`: one SQLite file, worked on by one thread that owns the connection.

The standard library's sqlite3 blocks, and a lock held by another process may block it for `BUSY_SECONDS`; the event
loop never waits for either. WAL lets readers go on while a command writes. Each concern numbers its own schema.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from synthlang_router.errors import BackendError

BUSY_SECONDS: Final = 5.0
T = TypeVar("T")


class Database:
    """`open` makes the file with mode 0600 where it is missing, and brings the schema of `concern` up to date."""

    def __init__(self, path: Path, *, concern: str, migrations: Sequence[str]) -> None:
        self._path = path
        self._concern = concern
        self._migrations = migrations
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=concern)
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    async def open(self) -> None:
        try:
            await self._do(self._open)
        except BaseException:
            self._worker.shutdown(wait=False)
            raise

    async def close(self) -> None:
        await self._do(self._close)
        self._closed = True
        self._worker.shutdown(wait=False)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work(connection)` in the thread; it minds its own transaction."""
        return await self._do(lambda: work(self._opened()))

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work(connection)` in the thread, as one transaction."""
        return await self._do(partial(self._write, work))

    async def _do(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise BackendError(f"The {self._concern} database is closed.")
        with _translated(self._concern):
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with _transaction(self._opened()) as connection:
            return work(connection)

    def _open(self) -> None:
        self._path.touch(mode=0o600, exist_ok=True)
        self._connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        with _transaction(self._connection) as connection:
            self._migrate(connection)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_versions (concern TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"
        )
        row = connection.execute(
            "SELECT version FROM schema_versions WHERE concern = ?", (self._concern,)
        ).fetchone()
        version = 0 if row is None else row[0]
        if version > len(self._migrations):
            raise BackendError(f"The database {self._path.name} was made by a newer version of the gateway.")
        for migration in self._migrations[version:]:
            for statement in migration.split(";"):
                connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT (concern) DO UPDATE SET version = excluded.version",
            (self._concern, len(self._migrations)),
        )

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise BackendError(f"The {self._concern} database is not open.")
        return self._connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _translated(concern: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise BackendError(f"The {concern} database is not to be had.") from error
