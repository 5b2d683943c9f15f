"""`Database`: a `WalFile` behind one worker thread, for callers on the event loop.

The standard library's sqlite3 blocks, and a lock held by another process may block it for `PATIENCE` seconds; the
event loop never waits for either.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from synthlang_router.backends.sqlite.wal import Migrations, WalFile
from synthlang_router.errors import BackendError

PATIENCE: Final = 5.0
"""Seconds a write waits for another process's."""
_PAUSE: Final = 0.02
_LOCKED: Final = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
T = TypeVar("T")


class Database:
    """`concern` names the schema; several concerns may share one file. All commits survive power loss."""

    def __init__(self, path: Path, *, concern: str, migrations: Migrations) -> None:
        self._concern = concern
        self._file = WalFile(path, concern, migrations, durable=True)
        self._worker: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """Raises BackendError where the file cannot be used."""
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=self._concern)
        try:
            await self._run(partial(_patiently, self._file.open))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Waits for the work under way."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.get_running_loop().run_in_executor(worker, self._file.close)
            worker.shutdown(wait=False)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work(connection)` in the worker thread, on one state of the file. Raises BackendError."""

        def look() -> T:
            with self._file.reading() as connection:
                connection.execute("BEGIN")
                try:
                    return work(connection)
                finally:
                    connection.execute("ROLLBACK")

        return await self._run(look)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work(connection)` in the worker thread, in one transaction. Raises BackendError with nothing written."""

        def change() -> T:
            with self._file.writing() as connection:
                return work(connection)

        return await self._run(partial(_patiently, change))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._worker is None:
            raise BackendError(f"The {self._concern} database is not open.")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        except (sqlite3.Error, OSError) as error:
            raise BackendError(f"The {self._concern} database is not to be had at the moment.") from error


def _patiently(work: Callable[[], T]) -> T:
    """Again and again while another process holds the lock. In the worker thread."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except BackendError as error:
            cause = error.__cause__
            locked = isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode in _LOCKED
            if not locked or time.monotonic() > ends:
                raise
            time.sleep(_PAUSE)
