"""Wrapped tenant keys in a SQLite file of their own: a copy of the log is no copy of the keys.

What is deleted is overwritten, in the file and in its write-ahead log.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from synthlang_router.backends.sqlite.wal import WalFile
from synthlang_router.vault import WrappedKey

MIGRATIONS: Final = (
    (
        """
        CREATE TABLE tenant_keys (
            seq INTEGER PRIMARY KEY,
            key_id BLOB NOT NULL UNIQUE,
            tenant TEXT NOT NULL,
            master_id TEXT NOT NULL,
            wrapped BLOB NOT NULL,
            created REAL NOT NULL
        ) STRICT
        """,
        "CREATE INDEX tenant_keys_by_tenant ON tenant_keys (tenant)",
    ),
)
_KEYS: Final = "SELECT key_id, tenant, master_id, wrapped, created FROM tenant_keys"
_FIND: Final = f"""
    {_KEYS} WHERE tenant = ? AND (? IS NULL OR key_id = ?) ORDER BY seq DESC LIMIT 1
"""
_PUT: Final = """
    INSERT INTO tenant_keys (key_id, tenant, master_id, wrapped, created) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key_id) DO UPDATE SET master_id = excluded.master_id, wrapped = excluded.wrapped
"""
_REPLACE: Final = "UPDATE tenant_keys SET master_id = ?, wrapped = ? WHERE key_id = ?"


class SqliteTenantKeys:
    """Implements `TenantKeys`."""

    def __init__(self, path: Path) -> None:
        self._file = WalFile(path, "tenant_keys", MIGRATIONS, durable=True, secure=True)

    def find(self, tenant: str, key_id: bytes | None = None) -> WrappedKey | None:
        with self._file.reading() as connection:
            row = connection.execute(_FIND, (tenant, key_id, key_id)).fetchone()
        return None if row is None else WrappedKey(*row)

    def put(self, key: WrappedKey, *, again: bool = False) -> None:
        with self._file.writing() as connection:
            if again:
                connection.execute(_REPLACE, (key.master_id, key.wrapped, key.key_id))
                return
            connection.execute(_PUT, (key.key_id, key.tenant, key.master_id, key.wrapped, key.created))

    def erase(self, tenant: str) -> int:
        with self._file.writing() as connection:
            erased = connection.execute("DELETE FROM tenant_keys WHERE tenant = ?", (tenant,)).rowcount
        self._file.checkpoint()
        return erased

    def every(self) -> Sequence[WrappedKey]:
        with self._file.reading() as connection:
            return [WrappedKey(*row) for row in connection.execute(f"{_KEYS} ORDER BY seq")]

    def open(self) -> None:
        """Make sure of the file now: raises BackendError."""
        self._file.open()

    def close(self) -> None:
        self._file.close()
