"""Many texts of one pattern as a template and rows: what is equal goes into the template, what differs into cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from synthlang_router.synthlang.counters import COUNTS, difference, following
from synthlang_router.synthlang.grammar import AGAIN, COUNTER, LETTERS, RUNNING, SEPARATORS, SLOT, letter_for
from synthlang_router.synthlang.trees import Value, raw_of

_SAMPLE: Final = 40  # rows that are looked at to decide how a column is written
_CLEARLY: Final = 0.8
_BETWEEN: Final = re.compile(r"([^\w.\-+%~]+)")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_RUN: Final = 3  # rows; fewer are numbers that happen to follow one another
_MOST_WORDS: Final = 24
_PIECE: Final = re.compile(r"\d{1,3}|\w|\W")


class Column(NamedTuple):
    """One slot: a value for each row; `plain` where all are single texts, `counts` where they are shown as sums."""

    values: Sequence[Value]
    plain: bool
    counts: bool


class Pattern(NamedTuple):
    """A template ready to be written: its text with slots, what separates cells, and the columns to fill them."""

    separator: str
    layout: str
    columns: tuple[Column, ...]


class Columns:
    """Takes literals and columns from left to right and makes the pattern of them."""

    def __init__(self) -> None:
        self._parts: list[str | Column] = []

    def literal(self, text: str) -> None:
        self._parts.append(text)

    def values(self, values: Sequence[Value]) -> None:
        """Values that stand in one place: a literal where they are all the same."""
        raws = [raw_of(value) for value in values]
        if all(raw[0] == '"' for raw in raws):
            self._parts.append('"')
            self.texts([raw[1:-1] for raw in raws])
            self._parts.append('"')
        elif all(isinstance(value, str) for value in values):
            self.texts(raws)
        elif raws.count(raws[0]) == len(raws):
            self._parts.append(raws[0])
        else:
            self._parts.append(Column(values, plain=False, counts=False))

    def texts(self, texts: list[str]) -> None:
        """Texts that stand in one place: what they begin and end with in common goes into the template."""
        if texts.count(texts[0]) == len(texts):
            self._parts.append(texts[0])
            return
        head, tail = _common(texts)
        inner = [text[len(head) : len(text) - len(tail)] for text in texts]
        if head and _countable(texts) and _cost(_sums(texts)) < _cost(inner):
            head = tail = ""
            inner = texts
        self._parts += (head, Column(inner, plain=True, counts=_counts(inner)), tail)

    def pattern(self) -> Pattern | None:
        """None where nothing differs, or no separator is free."""
        layout: list[str] = []
        columns: list[Column] = []
        known: dict[tuple[Value, ...], int] = {}
        for part in _shared_words(self._parts):
            if isinstance(part, str):
                layout.append(part)
                continue
            if part.plain and _runs(part.values):
                layout.append(f"{RUNNING}{part.values[0]}")
                continue
            place = known.setdefault(tuple(part.values), len(columns)) if part.plain else len(columns)
            if place < min(len(columns), len(LETTERS)):
                layout.append(AGAIN + letter_for(place))
            else:
                columns.append(part)
                layout.append(COUNTER if part.counts else SLOT)
        used = {letter for column in columns[:-1] for value in column.values for letter in raw_of(value)}
        separator = next((sign for sign in SEPARATORS if sign not in used), None)
        if not columns or separator is None:
            return None
        return Pattern(separator, "".join(layout), tuple(columns))


def _shared_words(parts: Sequence[str | Column]) -> list[str | Column]:
    """The parts with columns cut where that isolates a word that is always the same, or is in another column too."""
    words = [
        _words(part) if isinstance(part, Column) and part.plain and not part.counts else None
        for part in parts
    ]
    seen = Counter(column for split in words if split is not None for column in split[::2])
    out: list[str | Column] = []
    for part, split in zip(parts, words, strict=True):
        if split is None or len(split) == 1:
            out.append(part)
        else:
            out += _cut(split, seen)
    return out


def _words(column: Column) -> list[tuple[str, ...]] | None:
    """The column as columns of words and of what is between them, None where the rows differ in the latter."""
    rows = [_BETWEEN.split(str(value)) for value in column.values]
    first = rows[0]
    if len(first) > _MOST_WORDS or any(len(row) != len(first) or row[1::2] != first[1::2] for row in rows):
        return None
    return list(zip(*rows, strict=True))


def _cut(split: list[tuple[str, ...]], seen: Counter[tuple[str, ...]]) -> Iterator[str | Column]:
    """Words that are not shared stay together with what is between them."""
    run: list[tuple[str, ...]] = []
    for place, words in enumerate(split):
        fixed = words.count(words[0]) == len(words)
        if place % 2 == 0 and (fixed or seen[words] > 1):
            yield from _joined(run)
            run = []
            yield words[0] if fixed else Column(words, plain=True, counts=_counts(list(words)))
        else:
            run.append(words)
    yield from _joined(run)


def _joined(run: list[tuple[str, ...]]) -> Iterator[str | Column]:
    texts = ["".join(row) for row in zip(*run, strict=True)]
    if texts and texts.count(texts[0]) == len(texts):
        yield texts[0]
    elif texts:
        head, tail = (run[0][0], run[-1][0]) if len(run) > 1 else ("", "")
        head = head if head and all(words == head for words in run[0]) else ""
        tail = tail if tail and all(words == tail for words in run[-1]) else ""
        yield head
        yield Column([text[len(head) : len(text) - len(tail)] for text in texts], plain=True, counts=False)
        yield tail


def _common(texts: list[str]) -> tuple[str, str]:
    """The common beginning and end, cut where a word begins or ends."""
    head = _whole_words(_begin(texts), texts)
    rests = [text[len(head) :][::-1] for text in texts]
    tail = _whole_words(_begin(rests), rests)
    return head, tail[::-1]


def _begin(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    size = 0
    for size, (one, other) in enumerate(zip(first, last, strict=False), 1):
        if one != other:
            return first[: size - 1]
    return first[:size]


def _whole_words(head: str, texts: list[str]) -> str:
    size = len(head)
    if any(text[size : size + 1].isalnum() for text in texts):
        while size and head[size - 1].isalnum():
            size -= 1
    return head[:size]


def _countable(texts: list[str]) -> bool:
    return COUNTS.fullmatch(texts[0]) is not None and all(COUNTS.fullmatch(text) for text in texts)


def _runs(values: Sequence[Value]) -> bool:
    """Whether each value is the whole number after the one before it."""
    texts = [str(value) for value in values]
    return (
        len(texts) >= _RUN
        and _NUMBER.fullmatch(texts[0]) is not None
        and all(_NUMBER.fullmatch(text) and text == following(above) for above, text in pairwise(texts))
    )


def _counts(texts: list[str]) -> bool:
    """Whether sums are clearly shorter than the values themselves."""
    return _countable(texts) and _cost(_sums(texts)) < _CLEARLY * _cost(texts)


def _sums(texts: list[str]) -> list[str]:
    return [texts[0], *map(difference, texts[:_SAMPLE], texts[1:_SAMPLE])]


def _cost(texts: list[str]) -> int:
    """About the tokens of some cells that hold numbers: a token for up to three digits, and for each sign."""
    return sum(len(_PIECE.findall(text)) for text in texts[:_SAMPLE])
