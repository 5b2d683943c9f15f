"""A `Query` as SQL: what indices find, and what is sifted from a bounded number of rows.

A page is never more work than SIFTED rows, however rare what is asked: it may come back short, with where to go on.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions.record import MAX_PAGE, Query

SIFTED: Final = 10_000
TAG: Final = "\x1f"
"""Between and around tags, so that one is found whole."""
_CURSOR: Final = re.compile(r"(-?0x[0-9a-f.]{1,20}p[+-]?[0-9]{1,5})_([0-9]{1,18})")
_FOUND: Final = (
    ("tenant", "tenant = ?"),
    ("key_id", "key_id = ?"),
    ("since", "arrived >= ?"),
    ("until", "arrived < ?"),
)
_SIFTED: Final = (
    ("user", "user = ?"),
    ("project", "project = ?"),
    ("model", "? IN (model, asked_model)"),
    ("provider", "provider = ?"),
    ("cache", "cache = ?"),
    ("outcome", "outcome = ?"),
    ("status", "status = ?"),
    ("min_cost", "cost >= ?"),
)
_BY_ID: Final = """
    seq IN (SELECT seq FROM interactions WHERE id = ? UNION SELECT seq FROM interactions WHERE request_id = ?)
"""
Conditions = tuple[str, list[str | float]]


def found_by_index(query: Query) -> Conditions:
    """The part of a query that indices answer."""
    conditions, values = _equal(query, _FOUND)
    if query.key is not None:
        conditions.append(_BY_ID)
        values += (query.key, query.key)
    if query.before is not None:
        conditions.append("(arrived, seq) < (?, ?)")
        values += _cursor(query.before)
    return _joined(conditions), values


def sifted(query: Query) -> Conditions:
    """The part for which rows are looked at."""
    conditions, values = _equal(query, _SIFTED)
    if query.tag is not None:
        conditions.append("instr(tags, ?) > 0")
        values.append(f"{TAG}{query.tag[0]}={query.tag[1]}{TAG}")
    return _joined(conditions), values


def which_to_delete(
    before: float | None, tenant: str | None, user: str | None, row: str | None
) -> Conditions:
    """Rows that fit everything given."""
    given = (("arrived < ?", before), ("tenant = ?", tenant), ("user = ?", user), ("id = ?", row))
    conditions = [condition for condition, value in given if value is not None]
    return _joined(conditions), [value for _, value in given if value is not None]


def search(connection: sqlite3.Connection, query: Query) -> tuple[Sequence[tuple[int, bytes]], str | None]:
    """(delivered, record) of each row, and where the next page begins."""
    limit = max(1, min(query.limit, MAX_PAGE))
    where, values = found_by_index(query)
    sift, sift_values = sifted(query)
    looked_at = f"SELECT seq, arrived FROM interactions WHERE {where} ORDER BY arrived DESC, seq DESC LIMIT ?"  # noqa: S608
    if sift != "TRUE":
        where, values = f"seq IN (SELECT seq FROM ({looked_at}))", [*values, SIFTED]  # noqa: S608 - fixed words
    found = connection.execute(
        f"SELECT seq, arrived, delivered, record FROM interactions WHERE {sift} AND {where} "  # noqa: S608
        "ORDER BY arrived DESC, seq DESC LIMIT ?",
        (*sift_values, *values, limit + 1),
    ).fetchall()
    rows = [(delivered, record) for _, _, delivered, record in found[:limit]]
    if len(found) > limit:
        return rows, _place(found[limit - 1][1], found[limit - 1][0])
    if sift == "TRUE":
        return rows, None
    last = connection.execute(f"{looked_at} OFFSET ?", (*values[:-1], 1, SIFTED - 1)).fetchone()
    return rows, None if last is None else _place(last[1], last[0])


@contextmanager
def asked() -> Iterator[None]:
    """Values that no row can have (an integer over 64 bits, half a surrogate pair) are the caller's fault."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        raise InvalidRequest("The query holds a value that no row can have.") from error


def _equal(query: Query, wanted: Sequence[tuple[str, str]]) -> tuple[list[str], list[str | float]]:
    given = [(condition, getattr(query, field)) for field, condition in wanted]
    return (
        [condition for condition, value in given if value is not None],
        [value for _, value in given if value is not None],
    )


def _joined(conditions: Sequence[str]) -> str:
    return " AND ".join(conditions) if conditions else "TRUE"


def _place(arrived: float, seq: int) -> str:
    """Exact, and of characters that a URL's query leaves as they are."""
    return f"{arrived.hex().replace('p+', 'p')}_{seq}"


def _cursor(text: str) -> tuple[float, int]:
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise InvalidRequest("This is no cursor of a page.", param="before")
    try:
        return float.fromhex(found[1]), int(found[2])
    except (ValueError, OverflowError) as error:
        raise InvalidRequest("This is no cursor of a page.", param="before") from error
