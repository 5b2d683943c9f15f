"""API keys in one SQLite file, shared by the gateway and the commands beside it.

A revision number, raised in the transaction of every change, tells watchers in other processes to reload.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from synthlang_router.auth.keys import ApiKey, KeySnapshot
from synthlang_router.backends.sqlite.database import Database

MIGRATIONS: Final = (
    (
        """
        CREATE TABLE IF NOT EXISTS api_keys (
            key_id TEXT PRIMARY KEY,
            digest BLOB NOT NULL UNIQUE,
            record TEXT NOT NULL,
            created REAL NOT NULL,
            revoked REAL,
            used REAL
        ) STRICT
        """,
        "CREATE TABLE IF NOT EXISTS key_revision (revision INTEGER NOT NULL) STRICT",
        "INSERT INTO key_revision SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM key_revision)",
    ),
)

_PUT: Final = """
    INSERT INTO api_keys (key_id, digest, record, created, revoked, used) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (digest) DO UPDATE SET record = excluded.record
"""
_REVISE: Final = "UPDATE key_revision SET revision = revision + 1"
_STORED_APART: Final = ("key_id", "digest", "created", "revoked", "used")


class SqliteKeyStore:
    """`async with SqliteKeyStore(path) as store`."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, concern="keys", migrations=MIGRATIONS)

    async def __aenter__(self) -> SqliteKeyStore:
        await self._database.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.close()

    async def snapshot(self, since: int | None = None) -> KeySnapshot | None:
        return await self._database.read(partial(_snapshot, since))

    async def put(self, keys: Sequence[ApiKey], *, since: int | None = None) -> bool:
        rows = [(key.key_id, key.digest, _encode(key), key.created, key.revoked, key.used) for key in keys]

        def put(connection: sqlite3.Connection) -> bool:
            if since is not None and _revision(connection) != since:
                return False
            connection.executemany(_PUT, rows)
            connection.execute(_REVISE)
            return True

        return await self._database.write(put)

    async def revoke(self, key_id: str, now: float) -> bool:
        def revoke(connection: sqlite3.Connection) -> bool:
            connection.execute(_REVISE)
            return (
                connection.execute(
                    "UPDATE api_keys SET revoked = ? WHERE key_id = ? AND revoked IS NULL", (now, key_id)
                ).rowcount
                == 1
            )

        return await self._database.write(revoke)

    async def touch(self, used: Mapping[str, float]) -> None:
        rows = [(when, key_id) for key_id, when in used.items()]

        def touch(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "UPDATE api_keys SET used = max(coalesce(used, 0), ?) WHERE key_id = ?", rows
            )

        await self._database.write(touch)


def _revision(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT revision FROM key_revision").fetchone()[0])


def _snapshot(since: int | None, connection: sqlite3.Connection) -> KeySnapshot | None:
    revision = _revision(connection)
    if revision == since:
        return None
    rows = connection.execute(
        "SELECT key_id, digest, created, revoked, used, record FROM api_keys"
    ).fetchall()
    return KeySnapshot(revision, tuple([_decode(row) for row in rows]))


def _encode(key: ApiKey) -> str:
    """The record as JSON; the standard library's, because an unlimited limit is `Infinity`."""
    record: dict[str, Any] = msgspec.to_builtins(key)
    return json.dumps({name: value for name, value in record.items() if name not in _STORED_APART})


def _decode(row: tuple[str, bytes, float, float | None, float | None, str]) -> ApiKey:
    key_id, digest, created, revoked, used, record = row
    fields: dict[str, Any] = json.loads(record)
    fields.update(key_id=key_id, digest=digest, created=created, revoked=revoked, used=used)
    return msgspec.convert(fields, ApiKey)
