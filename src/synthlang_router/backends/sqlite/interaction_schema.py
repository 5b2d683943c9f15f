"""The tables of the record, version by version. A released version is never changed; the next one is added."""

from __future__ import annotations

from typing import Final

from synthlang_router.backends.sqlite import rollups
from synthlang_router.backends.sqlite.wal import Migrations

MIGRATIONS: Final[Migrations] = (
    (
        """
        CREATE TABLE interactions (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            request_id TEXT NOT NULL,
            arrived REAL NOT NULL,
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            key_id TEXT NOT NULL,
            asked_model TEXT NOT NULL,
            model TEXT NOT NULL,
            provider TEXT NOT NULL,
            cache TEXT,
            outcome TEXT NOT NULL,
            status INTEGER NOT NULL,
            cost REAL,
            tags TEXT NOT NULL,
            delivered INTEGER NOT NULL,
            record BLOB NOT NULL
        ) STRICT
        """,
        "CREATE INDEX interactions_by_time ON interactions (arrived)",
        "CREATE INDEX interactions_by_tenant ON interactions (tenant, arrived)",
        "CREATE INDEX interactions_by_request ON interactions (request_id)",
        "CREATE TABLE contents (seq INTEGER PRIMARY KEY, prompt BLOB, answer BLOB) STRICT",
    ),
    (
        "ALTER TABLE interactions ADD COLUMN project TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX interactions_by_key ON interactions (key_id, arrived)",
        *(rollups.create(table) for table, _, _ in rollups.TABLES),
        "CREATE TABLE rolled_up (until_hour INTEGER NOT NULL) STRICT",
        "INSERT INTO rolled_up VALUES (0)",
        rollups.sum_up_everything,
    ),
)
"""`record` is the whole row; the columns before it are what is searched or changed later. `rolled_up` says up to which
hour rows were deleted: sums before it cannot be made again."""
