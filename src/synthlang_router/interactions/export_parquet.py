"""Rows as Parquet: flat columns, what is nested as JSON. The only user of pyarrow, which the extra `export` brings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
_TEXT: Final = pa.string()
_COUNT: Final = pa.int64()
_NUMBER: Final = pa.float64()
_COLUMNS: Final[tuple[tuple[str, Any, Callable[[Row], object]], ...]] = (
    ("id", _TEXT, lambda row: row["id"]),
    ("request_id", _TEXT, lambda row: row["request_id"]),
    ("arrived", pa.timestamp("ms", tz="UTC"), lambda row: datetime.fromisoformat(row["arrived"])),
    *((name, _TEXT, lambda row, name=name: row[name]) for name in ("tenant", "user", "key_id", "project")),
    *(
        (name, _TEXT, lambda row, name=name: row[name])
        for name in ("kind", "dialect", "asked_model", "model")
    ),
    *((name, _TEXT, lambda row, name=name: row[name]) for name in ("provider", "route_reason", "outcome")),
    ("status", _COUNT, lambda row: row["status"]),
    *((name, _TEXT, lambda row, name=name: row[name]) for name in ("error", "finish_reason", "cache")),
    *((name, pa.bool_(), lambda row, name=name: row[name]) for name in ("stream", "delivered", "simulated")),
    *(
        (f"{name}_tokens", _COUNT, lambda row, name=name: row["tokens"].get(name))
        for name in ("prompt", "completion", "cached", "cache_write", "reasoning")
    ),
    ("usage_source", _TEXT, lambda row: row["usage_source"]),
    ("cost", _NUMBER, lambda row: row["cost"]),
    *(
        (f"{name}_ms", _NUMBER, lambda row, name=name: row["timings"].get(name))
        for name in ("queue", "cache", "first_token", "total")
    ),
    *((name, _TEXT, lambda row, name=name: json.dumps(row[name])) for name in ("saved", "tags", "attempts")),
    ("prompt", _TEXT, lambda row: row.get("prompt")),
    ("answer", _TEXT, lambda row: row.get("answer")),
)
_SCHEMA: Final = pa.schema([(name, kind) for name, kind, _ in _COLUMNS])


def parquet(batches: Iterator[list[Row]]) -> Iterator[bytes]:
    """A row group a batch, so that nothing but a batch is in memory."""
    sink = _Pieces()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), _SCHEMA, compression="zstd") as file:
        for rows in batches:
            columns = [pa.array([of(row) for row in rows], kind) for _, kind, of in _COLUMNS]
            file.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA))
            yield sink.take()
    yield sink.take()


class _Pieces:
    """A file that is only written, and taken away as it grows."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
