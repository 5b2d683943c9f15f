"""The record in one SQLite file: metadata in narrow rows that are searched, content beside them, sums over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from synthlang_router.backends.sqlite import rollups
from synthlang_router.backends.sqlite.interaction_schema import MIGRATIONS
from synthlang_router.backends.sqlite.interaction_search import TAG, asked, search, which_to_delete
from synthlang_router.backends.sqlite.wal import WalFile
from synthlang_router.interactions.record import Batch, Interaction, Page, Query, SealedContent
from synthlang_router.interactions.rollups import HOUR, UsageQuery, UsageRow, roll_up

_INSERT: Final = """
    INSERT INTO interactions (id, request_id, arrived, tenant, user, key_id, asked_model, model, provider, cache,
                              outcome, status, cost, tags, delivered, record, project)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING
"""
_INSERT_CONTENT: Final = """
    INSERT INTO contents (seq, prompt, answer) SELECT seq, ?, ? FROM interactions WHERE id = ?
    ON CONFLICT (seq) DO NOTHING
"""
_UNDELIVERED: Final = "UPDATE interactions SET delivered = 0 WHERE id = ?"
_DROP_CONTENTS: Final = "DELETE FROM contents WHERE seq IN (SELECT seq FROM contents ORDER BY seq LIMIT ?)"
_CONTENT: Final = (
    "SELECT prompt, answer FROM contents WHERE seq = (SELECT seq FROM interactions WHERE id = ?)"
)


class SqliteInteractionLog:
    """Implements `InteractionLog`, `ContentSpace` and `RollUps`. `durable`: a written batch survives power loss."""

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self._file = WalFile(path, "interactions", MIGRATIONS, durable=durable)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Interaction).decode

    def write(self, batch: Batch) -> int:
        with self._file.writing() as connection:
            new = [row for row in batch.rows if connection.execute(_INSERT, self._values(row)).rowcount == 1]
            connection.executemany(_INSERT_CONTENT, ((c.prompt, c.answer, c.id) for c in batch.contents))
            connection.executemany(_UNDELIVERED, ((row_id,) for row_id in batch.undelivered))
            rollups.add(connection, roll_up(new))
        return len(new)

    def page(self, query: Query) -> Page:
        with asked(), self._file.reading() as connection:
            found, more = search(connection, query)
        return Page(tuple(self._row(delivered, record) for delivered, record in found), more)

    def content(self, row_id: str) -> SealedContent | None:
        with asked(), self._file.reading() as connection:
            found = connection.execute(_CONTENT, (row_id,)).fetchone()
        return None if found is None else SealedContent(row_id, *found)

    def delete(
        self,
        *,
        before: float | None = None,
        tenant: str | None = None,
        user: str | None = None,
        row: str | None = None,
        limit: int = 500,
    ) -> int:
        where, values = which_to_delete(before, tenant, user, row)
        erasing = (tenant, user, row) != (None, None, None)
        with asked(), self._file.writing() as connection:
            connection.execute(f"PRAGMA secure_delete = {'ON' if erasing else 'FAST'}").fetchone()
            doomed = connection.execute(
                f"SELECT seq, arrived FROM interactions WHERE {where} ORDER BY arrived LIMIT ?",  # noqa: S608
                (*values, limit),
            ).fetchall()
            for table in ("contents", "interactions"):
                connection.executemany(f"DELETE FROM {table} WHERE seq = ?", ((seq,) for seq, _ in doomed))  # noqa: S608
            if tenant is not None and user is None and row is None:
                rollups.forget_tenant(connection, tenant)
            if doomed:
                rollups.keep_sums_until(connection, int(doomed[-1][1] // HOUR) + 1)
        if doomed:
            self._file.give_back_pages()
            if erasing:  # what is overwritten in the file would still stand in the write-ahead log
                self._file.checkpoint()
        return len(doomed)

    def used_bytes(self) -> int:
        with self._file.reading() as connection:
            pages, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def drop_contents(self, limit: int = 200) -> int:
        with self._file.writing() as connection:
            dropped = connection.execute(_DROP_CONTENTS, (limit,)).rowcount
        if dropped:
            self._file.give_back_pages()
        return dropped

    def usage(self, query: UsageQuery) -> Sequence[UsageRow]:
        with asked(), self._file.reading() as connection:
            return rollups.usage(connection, query)

    def rebuild(self) -> int:
        with self._file.reading() as connection:
            days = rollups.days(connection)
        summed = 0
        for day in days:
            with self._file.writing() as connection:  # a day at a time: writers come in between
                summed += rollups.sum_up_day(connection, day)
        return summed

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
            TAG + "".join(f"{name}={value}{TAG}" for name, value in row.tags) if row.tags else "",
            row.delivered,
            self._encode(row),
            row.project,
        )

    def _row(self, delivered: int, record: bytes) -> Interaction:
        row = self._decode(record)
        return (
            row
            if row.delivered == bool(delivered)
            else msgspec.structs.replace(row, delivered=bool(delivered))
        )
