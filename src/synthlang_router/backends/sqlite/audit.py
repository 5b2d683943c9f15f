"""The audit log in a SQLite file of its own, which refuses to change or delete an entry."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final

from synthlang_router.auth.audit import Deed, Entry, next_entry
from synthlang_router.backends.sqlite.database import Database

MIGRATIONS: Final = (
    (
        "CREATE TABLE audit (number INTEGER PRIMARY KEY, deed BLOB NOT NULL, chain BLOB NOT NULL) STRICT",
        "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'entries stay'); END",
        "CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'entries stay'); END",
    ),
)
_ENTRY: Final = "SELECT number, deed, chain FROM audit"
MAX_READ: Final = 1000


class SqliteAuditLog:
    """`async with SqliteAuditLog(path, key=...) as log`. Implements `AuditLog`; several processes may append."""

    def __init__(self, path: Path, *, key: bytes) -> None:
        self._database = Database(path, concern="audit", migrations=MIGRATIONS)
        self._key = key

    async def __aenter__(self) -> SqliteAuditLog:
        await self._database.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.close()

    async def append(self, deed: Deed) -> Entry:
        def append(connection: sqlite3.Connection) -> Entry:
            row = connection.execute(f"{_ENTRY} ORDER BY number DESC LIMIT 1").fetchone()
            entry = next_entry(self._key, None if row is None else Entry(*row), deed)
            connection.execute("INSERT INTO audit VALUES (?, ?, ?)", (entry.number, entry.deed, entry.chain))
            return entry

        return await self._database.write(append)

    async def read(self, *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        return await self._database.read(partial(_read, "number > ? ORDER BY number", after, limit))

    async def newest(self, *, before: int | None = None, limit: int = 100) -> Sequence[Entry]:
        first = 2**62 if before is None else before
        return await self._database.read(partial(_read, "number < ? ORDER BY number DESC", first, limit))


def _read(which: str, number: int, limit: int, connection: sqlite3.Connection) -> list[Entry]:
    rows = connection.execute(f"{_ENTRY} WHERE {which} LIMIT ?", (number, min(limit, MAX_READ)))
    return [Entry(*row) for row in rows.fetchall()]
