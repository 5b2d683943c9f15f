"""Export: rows into a file format, a piece at a time. The registry names the formats; one may need an extra."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import islice
from typing import Final, cast

from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.record import Query
from synthlang_router.interactions.shown import content_of, describe, walk

Row = dict[str, object]
Writer = Callable[[Iterator[list[Row]]], Iterator[bytes]]
"""From batches of rows to the bytes of a file."""
BATCH: Final = 500
FORMATS: Final = {
    "jsonl": ("synthlang_router.interactions.export:json_lines", "application/x-ndjson"),
    "parquet": ("synthlang_router.interactions.export_parquet:parquet", "application/vnd.apache.parquet"),
}


def export(opened: OpenedRecord, query: Query, *, form: str, content: bool) -> Iterator[tuple[int, bytes]]:
    """How many rows were read so far, and the next piece of the file. Raises InvalidRequest before the first one."""
    write = writer(form)
    return _pieces(opened, query, write, content=content)


def writer(form: str) -> Writer:
    """Raises InvalidRequest for a format that is not known, or whose library is not installed."""
    if form not in FORMATS:
        raise InvalidRequest(f"A format is one of {', '.join(FORMATS)}.", param="format")
    module, _, name = FORMATS[form][0].partition(":")
    try:
        return cast(Writer, getattr(import_module(module), name))
    except ModuleNotFoundError:
        raise InvalidRequest(
            f"{form} needs the extra `export`: pip install 'synthlang-router[export]'.", param="format"
        ) from None


def json_lines(batches: Iterator[list[Row]]) -> Iterator[bytes]:
    """A line a row."""
    for rows in batches:
        yield b"".join(
            json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass") + b"\n"
            for row in rows
        )


def _pieces(
    opened: OpenedRecord, query: Query, write: Writer, *, content: bool
) -> Iterator[tuple[int, bytes]]:
    read = 0

    def batches() -> Iterator[list[Row]]:
        nonlocal read
        rows = (
            {**describe(row), **content_of(opened, row)} if content else describe(row)
            for row in walk(opened, query)
        )
        for batch in _batched(rows):
            read += len(batch)
            yield batch

    for piece in write(batches()):
        yield read, piece


def _batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH)):
        yield batch
