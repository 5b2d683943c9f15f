"""The record in one SQLite file: metadata in narrow rows that are searched, content beside them.

`record` is the whole row; the columns before it are what is searched or changed later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from synthlang_router.backends.sqlite.wal import WalFile
from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions.record import (
    MAX_PAGE,
    Batch,
    Interaction,
    Page,
    Query,
    SealedContent,
)

MIGRATIONS: Final = (
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
)
_INSERT: Final = """
    INSERT INTO interactions (id, request_id, arrived, tenant, user, key_id, asked_model, model, provider, cache,
                              outcome, status, cost, tags, delivered, record)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING
"""
_INSERT_CONTENT: Final = """
    INSERT INTO contents (seq, prompt, answer) SELECT seq, ?, ? FROM interactions WHERE id = ?
    ON CONFLICT (seq) DO NOTHING
"""
_EQUALS: Final = (
    ("tenant", "tenant = ?"),
    ("user", "user = ?"),
    ("key_id", "key_id = ?"),
    ("model", "? IN (model, asked_model)"),
    ("provider", "provider = ?"),
    ("cache", "cache = ?"),
    ("outcome", "outcome = ?"),
    ("status", "status = ?"),
    ("min_cost", "cost >= ?"),
    ("since", "arrived >= ?"),
    ("until", "arrived < ?"),
)
"""Fields of `Query` and what they ask of a row."""
_CURSOR: Final = re.compile(r"(-?0x[0-9a-f.]{1,20}p[+-][0-9]{1,5})_([0-9]{1,18})")
_TAG: Final = "\x1f"
"""Between and around tags, so that one is found whole."""


class SqliteInteractionLog:
    """Implements `InteractionLog`. `durable`: a written batch survives power loss."""

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self._file = WalFile(path, "interactions", MIGRATIONS, durable=durable)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Interaction).decode

    def write(self, batch: Batch) -> int:
        with self._file.writing() as connection:
            before = connection.total_changes
            connection.executemany(_INSERT, map(self._values, batch.rows))
            inserted = connection.total_changes - before
            connection.executemany(_INSERT_CONTENT, ((c.prompt, c.answer, c.id) for c in batch.contents))
            connection.executemany(
                "UPDATE interactions SET delivered = 0 WHERE id = ?",
                ((row_id,) for row_id in batch.undelivered),
            )
        return inserted

    def page(self, query: Query) -> Page:
        limit = max(1, min(query.limit, MAX_PAGE))
        conditions, values = _conditions(query)
        where = " AND ".join(conditions) if conditions else "TRUE"
        with _asked(), self._file.reading() as connection:
            found = connection.execute(
                f"SELECT seq, arrived, delivered, record FROM interactions WHERE {where} "  # noqa: S608 - fixed words
                "ORDER BY arrived DESC, seq DESC LIMIT ?",
                (*values, limit + 1),
            ).fetchall()
        rows = tuple(self._row(delivered, record) for _, _, delivered, record in found[:limit])
        more = None if len(found) <= limit else f"{found[limit - 1][1].hex()}_{found[limit - 1][0]}"
        return Page(rows, more)

    def content(self, row_id: str) -> SealedContent | None:
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT prompt, answer FROM contents WHERE seq = (SELECT seq FROM interactions WHERE id = ?)",
                (row_id,),
            ).fetchone()
        return None if found is None else SealedContent(row_id, *found)

    def delete(self, *, before: float | None = None, tenant: str | None = None, limit: int = 500) -> int:
        conditions, values = _conditions(Query(tenant=tenant, until=before))
        where = " AND ".join(conditions) if conditions else "TRUE"
        with self._file.writing() as connection:
            doomed = connection.execute(
                f"SELECT seq FROM interactions WHERE {where} ORDER BY arrived LIMIT ?",  # noqa: S608 - fixed words
                (*values, limit),
            ).fetchall()
            connection.executemany("DELETE FROM contents WHERE seq = ?", doomed)
            connection.executemany("DELETE FROM interactions WHERE seq = ?", doomed)
        if doomed:
            self._file.give_back_pages()
        return len(doomed)

    def open(self) -> None:
        """Make sure of the file now: raises BackendError."""
        self._file.open()

    def close(self) -> None:
        self._file.close()

    def _values(self, row: Interaction) -> tuple[str | bytes | int | float | None, ...]:
        return (
            row.id,
            row.request_id,
            row.arrived,
            row.tenant,
            row.user,
            row.key_id,
            row.asked_model,
            row.model,
            row.provider,
            row.cache,
            row.outcome,
            row.status,
            row.cost,
            _TAG + "".join(f"{name}={value}{_TAG}" for name, value in row.tags) if row.tags else "",
            row.delivered,
            self._encode(row),
        )

    def _row(self, delivered: int, record: bytes) -> Interaction:
        row = self._decode(record)
        return (
            row
            if row.delivered == bool(delivered)
            else msgspec.structs.replace(row, delivered=bool(delivered))
        )


def _conditions(query: Query) -> tuple[list[str], list[str | float]]:
    conditions: list[str] = []
    values: list[str | float] = []
    for field, condition in _EQUALS:
        value = getattr(query, field)
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if query.key is not None:
        conditions.append(
            "seq IN (SELECT seq FROM interactions WHERE id = ? UNION SELECT seq FROM interactions WHERE request_id = ?)"
        )
        values += (query.key, query.key)
    if query.tag is not None:
        conditions.append("instr(tags, ?) > 0")
        values.append(f"{_TAG}{query.tag[0]}={query.tag[1]}{_TAG}")
    if query.before is not None:
        conditions.append("(arrived, seq) < (?, ?)")
        values += _cursor(query.before)
    return conditions, values


def _cursor(text: str) -> tuple[float, int]:
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise InvalidRequest("This is no cursor of a page.", param="before")
    try:
        return float.fromhex(found[1]), int(found[2])
    except (ValueError, OverflowError) as error:
        raise InvalidRequest("This is no cursor of a page.", param="before") from error


@contextmanager
def _asked() -> Iterator[None]:
    """Values that no row can have (an integer over 64 bits, half a surrogate pair) are the caller's fault."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        raise InvalidRequest("The query holds a value that no row can have.") from error
