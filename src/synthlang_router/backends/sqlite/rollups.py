"""Roll-ups in SQLite: tables of one shape, each row of the log in all of them.

`hourly` has every dimension; `daily` the same by day, so that a month takes a 24th; `hourly_tenants` tenants only and
`hourly_all` none, which is what a chart asks for first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from synthlang_router.interactions.record import Interaction
from synthlang_router.interactions.rollups import (
    DAY,
    DIMENSIONS,
    HOUR,
    SUMS,
    Dimension,
    Place,
    Sums,
    UsageQuery,
    UsageRow,
    coarser,
    roll_up,
)
from synthlang_router.interactions.sketch import merge, pack, unpack

HOURS_A_DAY: Final = 24
TABLES: Final[tuple[tuple[str, tuple[Dimension, ...], int], ...]] = (
    ("hourly", DIMENSIONS, 1),
    ("daily", DIMENSIONS, HOURS_A_DAY),
    ("hourly_tenants", ("tenant",), 1),
    ("hourly_all", (), 1),
)
"""Name, dimensions kept, hours a row covers."""
_KEY: Final = ("hour", *DIMENSIONS)
_COLUMNS: Final = (*_KEY, *SUMS, "latency", "first_token")
MAX_ROWS: Final = 100_000
_AT_ONCE: Final = 5_000
_decode: Final = msgspec.msgpack.Decoder(Interaction).decode


def create(table: str) -> str:
    """The statement that makes a table."""
    texts = "".join(f"{name} TEXT NOT NULL, " for name in DIMENSIONS[:-1])
    sums = "".join(f"{name} INTEGER NOT NULL, " for name in SUMS)
    return (
        f"CREATE TABLE {table} (hour INTEGER NOT NULL, {texts}status INTEGER NOT NULL, {sums}"
        f"latency BLOB NOT NULL, first_token BLOB NOT NULL, PRIMARY KEY ({', '.join(_KEY)})) STRICT, WITHOUT ROWID"
    )


def add(connection: sqlite3.Connection, cells: dict[Place, Sums]) -> None:
    """Add to all tables, within the caller's transaction."""
    for table, keep, hours in TABLES:
        _add(connection, table, cells if hours == 1 and keep == DIMENSIONS else coarser(cells, keep, hours))


def _add(connection: sqlite3.Connection, table: str, cells: dict[Place, Sums]) -> None:
    where = " AND ".join(f"{name} = ?" for name in _KEY)
    for place, sums in cells.items():
        key = _key(place)
        found = connection.execute(f"SELECT latency, first_token FROM {table} WHERE {where}", key).fetchone()  # noqa: S608
        latency, first_token = dict(sums.latency), dict(sums.first_token)
        if found is not None:
            merge(latency, unpack(found[0]))
            merge(first_token, unpack(found[1]))
        connection.execute(
            _UPSERT.format(table),
            (*key, *(getattr(sums, name) for name in SUMS), pack(latency), pack(first_token)),
        )


_UPSERT: Final = (
    f"INSERT INTO {{}} ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608
    f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)
    + ", latency = excluded.latency, first_token = excluded.first_token"
)


def forget_tenant(connection: sqlite3.Connection, tenant: str) -> None:
    """What remains of it is in the sums over all tenants, where nobody can tell it apart."""
    for table, keep, _ in TABLES:
        if "tenant" in keep:
            connection.execute(f"DELETE FROM {table} WHERE tenant = ?", (tenant,))  # noqa: S608


def keep_sums_until(connection: sqlite3.Connection, hour: int) -> None:
    """Rows before this hour were deleted: what they added up to is no longer made anew."""
    connection.execute("UPDATE rolled_up SET until_hour = max(until_hour, ?)", (hour,))


def days(connection: sqlite3.Connection) -> list[int]:
    """Days since the epoch of which sums can be made from the rows."""
    kept = connection.execute("SELECT until_hour FROM rolled_up").fetchone()[0]
    found = connection.execute(
        "SELECT DISTINCT CAST(arrived / ? AS INTEGER) FROM interactions UNION SELECT hour / ? FROM hourly_all",
        (float(DAY), HOURS_A_DAY),
    )
    return sorted(day for (day,) in found if day * HOURS_A_DAY >= kept)


def sum_up_day(connection: sqlite3.Connection, day: int) -> int:
    """Make the sums of a day anew, within the caller's transaction; how many rows it has."""
    first = day * HOURS_A_DAY
    for table, _, _ in TABLES:
        connection.execute(
            f"DELETE FROM {table} WHERE hour >= ? AND hour < ?",  # noqa: S608
            (first, first + HOURS_A_DAY),
        )
    found = connection.execute(
        "SELECT record FROM interactions WHERE arrived >= ? AND arrived < ?", (day * DAY, (day + 1) * DAY)
    )
    summed = 0
    while batch := found.fetchmany(_AT_ONCE):
        add(connection, roll_up(_decode(record) for (record,) in batch))
        summed += len(batch)
    return summed


def sum_up_everything(connection: sqlite3.Connection) -> None:
    """Of a database that had no sums yet."""
    for day in days(connection):
        sum_up_day(connection, day)


def usage(connection: sqlite3.Connection, query: UsageQuery) -> list[UsageRow]:
    """At most MAX_ROWS."""
    connection.create_aggregate("merged", 1, Merged)  # type: ignore[arg-type] # typeshed wants int results
    table = _table(query)
    start = "hour" if query.every == "hour" else "hour - hour % 24" if query.every == "day" else "NULL"
    groups = [name for name in ("start", *query.by) if name != "start" or query.every is not None]
    conditions, values = ["hour >= ?", "hour < ?"], [int(query.since // HOUR), int(-(-query.until // HOUR))]
    filters = [(name, getattr(query, name)) for name in DIMENSIONS if getattr(query, name) is not None]
    conditions += [f"{name} = ?" for name, _ in filters]
    found = connection.execute(
        f"SELECT {start} AS start, {''.join(name + ', ' for name in query.by)}"  # noqa: S608 - names from code
        f"{', '.join(f'sum({name})' for name in SUMS)}, {_merged(query, 'latency')}, {_merged(query, 'first_token')} "
        f"FROM {table} WHERE {' AND '.join(conditions)} "
        + (f"GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)} " if groups else "")
        + "LIMIT ?",
        (*values, *(value for _, value in filters), MAX_ROWS),
    ).fetchall()
    first = int(query.since // HOUR)
    return [_usage_row(row, len(query.by), first) for row in found if row[1 + len(query.by)] is not None]


class Merged:
    """The SQL aggregate that merges sketches."""

    def __init__(self) -> None:
        self.sketch: dict[int, int] = {}

    def step(self, data: bytes) -> None:
        merge(self.sketch, unpack(data))

    def finalize(self) -> bytes:
        return pack(self.sketch)


def _merged(query: UsageQuery, column: str) -> str:
    return f"merged({column})" if query.sketches else f"x'{pack({}).hex()}'"


def _table(query: UsageQuery) -> str:
    """The coarsest that has what is asked."""
    asked = {name for name in DIMENSIONS if getattr(query, name) is not None} | set(query.by)
    if asked <= {"tenant"}:
        return "hourly_tenants" if asked else "hourly_all"
    aligned = query.since % DAY == 0 and query.until % DAY == 0
    return "daily" if aligned and query.every != "hour" else "hourly"


def _usage_row(row: Sequence[int | str | bytes | None], by: int, first: int) -> UsageRow:
    start, groups, counts = row[0], row[1 : 1 + by], row[1 + by : -2]
    sums = msgspec.convert(dict(zip(SUMS, counts, strict=True)), Sums)
    sums.latency, sums.first_token = (unpack(data) for data in row[-2:] if isinstance(data, bytes))
    values = tuple(value for value in groups if isinstance(value, int | str))
    return UsageRow((start if isinstance(start, int) else first) * HOUR, values, sums)


def _key(place: Place) -> tuple[int | str, ...]:
    return tuple(getattr(place, name) for name in _KEY)
