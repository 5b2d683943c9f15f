"""JSON as tables: objects with the same keys become rows of one template, wherever they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from synthlang_router.synthlang.columns import Columns, Pattern
from synthlang_router.synthlang.grammar import END, Names
from synthlang_router.synthlang.rows import MOST_TEMPLATES, Body, Rows, define
from synthlang_router.synthlang.trees import Record, Series, Value, raw_of

_ALONE_PAYS: Final = 24  # characters of template saved per object that stands alone

Shape = tuple[str, ...]


def tabulate(root: Value, names: Names) -> Body:
    """The value with its tables, as the body of a frame."""
    groups: dict[Shape, list[Record]] = {}
    _collect(root, groups)
    patterns: dict[Shape, Pattern] = {}
    absorbed: set[Shape] = set()
    for shape, records in groups.items():  # parents come before what is inside them
        if shape not in absorbed and len(records) > 1 and len(patterns) < min(MOST_TEMPLATES, names.single):
            pattern = _pattern(records, groups, absorbed)
            if pattern is not None:
                patterns[shape] = pattern
    text = _Writer(patterns, groups, names).value(root)
    return Body(text, "".join({pattern.separator for pattern in patterns.values()}))


def _collect(root: Value, groups: dict[Shape, list[Record]]) -> None:
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            continue
        if isinstance(value, Record) and value.keys:
            groups.setdefault(value.keys, []).append(value)
        stack.extend(reversed(value.items))


def _pattern(
    records: list[Record], groups: dict[Shape, list[Record]], absorbed: set[Shape]
) -> Pattern | None:
    columns = Columns()
    _lay_out(records, columns, groups, absorbed)
    pattern = columns.pattern()
    if pattern is None:
        return None
    fixed = len(pattern.layout) - len(pattern.columns)
    return (
        pattern if fixed * (len(records) - 1) > _ALONE_PAYS * 2 and fixed > 2 * len(pattern.columns) else None
    )


def _lay_out(
    records: Sequence[Record], columns: Columns, groups: dict[Shape, list[Record]], absorbed: set[Shape]
) -> None:
    for number, key in enumerate(records[0].keys):
        columns.literal(f"{',' if number else '{'}{key}:")
        values = [record.items[number] for record in records]
        inner = _same_shape(values)
        if inner is not None and len(groups[inner[0].keys]) == len(inner) and _varied(inner):
            absorbed.add(inner[0].keys)
            _lay_out(inner, columns, groups, absorbed)
        else:
            columns.values(values)
    columns.literal("}")


def _varied(values: Sequence[Record]) -> bool:
    return any(value.raw != values[0].raw for value in values)


def _same_shape(values: Sequence[Value]) -> list[Record] | None:
    records = [value for value in values if isinstance(value, Record) and value.keys]
    if len(records) < len(values) or any(record.keys != records[0].keys for record in records):
        return None
    return records


class _Writer:
    """Writes values in the order in which they are read, so that `ditto` means the same to writer and reader."""

    def __init__(
        self, patterns: dict[Shape, Pattern], groups: dict[Shape, list[Record]], names: Names
    ) -> None:
        self._patterns = patterns
        self._names = names
        self._named: dict[Shape, str] = {}
        self._number = {
            id(record): number for shape in patterns for number, record in enumerate(groups[shape])
        }
        self._rows: Rows[Shape] = Rows()

    def value(self, value: Value) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, Series):
            return f"[{self._series(value.items)}]"
        if self._has_table(value):
            return self._table([value])
        fields = (f"{key}:{self.value(item)}" for key, item in zip(value.keys, value.items, strict=True))
        return f"{{{','.join(fields)}}}"

    def _has_table(self, value: Value) -> bool:
        return isinstance(value, Record) and value.keys in self._patterns and id(value) in self._number

    def _series(self, items: Sequence[Value]) -> str:
        out: list[str] = []
        run: list[Record] = []
        for item in items:
            if isinstance(item, Record) and self._has_table(item):
                run.append(item)
                continue
            if run:
                out.append(self._table(run))
                run = []
            out.append(self.value(item))
        if run:
            out.append(self._table(run))
        return ",".join(out)

    def _table(self, records: list[Record]) -> str:
        rows: list[str] = []
        shape: Shape = ()
        for record in records:
            name = self._name(record.keys)
            row = self._row(record)
            same = shape == record.keys and not row.startswith(tuple(self._named.values()))
            rows.append(row if same else name + row)
            shape = record.keys
        return "\n".join(rows) + END

    def _name(self, shape: Shape) -> str:
        """The name, with the definition where it is used for the first time."""
        if shape in self._named:
            return self._named[shape]
        self._named[shape] = self._names.take()
        return define(self._named[shape], self._patterns[shape])

    def _row(self, record: Record) -> str:
        pattern = self._patterns[record.keys]
        number = self._number[id(record)]
        values = [column.values[number] for column in pattern.columns]
        cells = [
            raw_of(value) if column.plain else self.value(value)
            for column, value in zip(pattern.columns, values, strict=True)
        ]
        return self._rows.row(record.keys, pattern, list(map(raw_of, values)), cells)
