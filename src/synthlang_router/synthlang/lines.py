"""Lines of one pattern as tables: log lines as templates and columns, numbered listings without their numbers."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from synthlang_router.synthlang.columns import Columns, Pattern
from synthlang_router.synthlang.counters import following
from synthlang_router.synthlang.grammar import END, RUNNING, SLOT, Names
from synthlang_router.synthlang.json_spans import find_fences
from synthlang_router.synthlang.rows import MOST_TEMPLATES, Body, Rows, define, whole_line

_WORD: Final = re.compile(
    r"(\d\d?:\d\d?:\d\d?(?:[.,:]\d{1,9})?(?!\w)|\d\d?\.\d\d?\.\d\d?\.\d{1,9}(?!\w)|[\w.+]+)", re.ASCII
)
_VARIES: Final = re.compile(
    r"\d\d?:\d\d?:\d\d?(?:[.,:]\d{1,9})?(?!\w)|(?<![\w.+])[A-Za-z_.+]*\d[\w.+]*", re.ASCII
)
_ANY: Final = "\0"
_ALIKE: Final = 0.6  # of the words of two kinds of lines must be the same for them to share a template
_NEIGHBOURS: Final = 8  # kinds of lines a new kind is compared with
_NUMBERED: Final = re.compile(r"^( *\d{1,6})([:|\t]|\. |\) |\| )(?=(.*))", re.MULTILINE)
_SHORTEST_RUN: Final = 5


_ANY_LINE: Final = Pattern(" ", SLOT, ())


class _Kind:
    """Lines with the same delimiters and mostly the same words."""

    __slots__ = ("fields", "lines", "words")

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.lines: list[int] = []
        self.fields: list[list[str]] = []


class _Row(NamedTuple):
    kind: int
    number: int


def tabulate_lines(lines: Sequence[str], names: Names) -> Body | None:
    """The lines as one table, None where they have too little in common."""
    kinds = _kinds(lines)
    kinds.sort(key=lambda kind: -len(kind.lines))
    patterns = [_pattern(kind) for kind in kinds[: max(0, min(MOST_TEMPLATES, names.single) - 1)]]
    patterns += [None] * (len(kinds) - len(patterns))
    where: dict[int, _Row] = {}
    for number, kind in enumerate(kinds):
        if patterns[number] is not None:
            where.update((line, _Row(number, place)) for place, line in enumerate(kind.lines))
    if len(where) * 2 < len(lines):
        return None
    text = _write(lines, patterns, where, names)
    return Body(text, "".join({pattern.separator for pattern in patterns if pattern is not None}))


def _kinds(lines: Sequence[str]) -> list[_Kind]:
    """The lines by kind. First by their text with everything that has a digit masked, then by likeness."""
    by_mask: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        by_mask.setdefault(_VARIES.sub(_ANY, line), []).append(index)
    kinds: dict[tuple[str, ...], list[_Kind]] = {}
    for members in sorted(by_mask.values(), key=len, reverse=True):
        fields = _WORD.split(lines[members[0]])
        words = [_ANY if _VARIES.fullmatch(word) else word for word in fields[1::2]]
        near = kinds.setdefault(tuple(fields[::2]), [])
        kind = next((kind for kind in near[:_NEIGHBOURS] if _alike(kind.words, words)), None)
        if kind is None:
            kind = _Kind(words)
            near.append(kind)
        kind.lines += members
    found = [kind for near in kinds.values() for kind in near]
    for kind in found:
        kind.lines.sort()
        kind.fields = [_WORD.split(lines[index]) for index in kind.lines]
    return [kind for kind in found if len({len(fields) for fields in kind.fields}) == 1]


def _alike(one: list[str], other: list[str]) -> bool:
    same = sum(map(str.__eq__, one, other))
    return same >= _ALIKE * len(one)


def _pattern(kind: _Kind) -> Pattern | None:
    if len(kind.lines) < 2:
        return None
    columns = Columns()
    for place, texts in enumerate(zip(*kind.fields, strict=True)):
        if place % 2:
            columns.texts(list(texts))
        else:
            columns.literal(texts[0])
    pattern = columns.pattern()
    if pattern is None:
        return None
    fixed = len(pattern.layout) - len(pattern.columns)
    return pattern if fixed * (len(kind.lines) - 1) > 40 + fixed // 8 else None


def _write(
    lines: Sequence[str], patterns: Sequence[Pattern | None], where: dict[int, _Row], names: Names
) -> str:
    rows: list[str] = []
    named: dict[int, str] = {}
    cells: Rows[int] = Rows()
    last = -2
    for index, line in enumerate(lines):
        kind, number = where.get(index, (-1, 0))
        pattern = patterns[kind] if kind >= 0 else None
        head = ""
        if kind not in named:
            named[kind] = names.take()
            head = define(named[kind], _ANY_LINE if pattern is None else pattern)
        elif kind != last:
            head = named[kind]
        last = kind
        if pattern is None:
            rows.append(head + whole_line(line))
            continue
        texts = [str(column.values[number]) for column in pattern.columns]
        rows.append(head + cells.row(kind, pattern, texts, texts))
    return "\n".join(rows) + END


def number_runs(text: str, names: Names) -> str:
    """The text with the numbers of numbered lines left out, where at least five follow one another."""
    out: list[str] = []
    at = 0
    fences = find_fences(text)
    for run in _runs(text):
        place = bisect_right(fences, run[0].start(), key=lambda fence: fence.start) - 1
        if place >= 0 and run[0].start() <= fences[place].end:
            continue
        if not names.single or len(names.taken) == MOST_TEMPLATES:
            break
        first = run[0]
        pattern = Pattern(" ", f"{RUNNING}{first[1]}{first[2]}{SLOT}", ())
        rows = "\n".join(whole_line(line[3]) for line in run)
        out += (text[at : first.start()], define(names.take(), pattern), rows, END)
        at = run[-1].end(3)
    return "".join(out) + text[at:]


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    run: list[re.Match[str]] = []
    for line in _NUMBERED.finditer(text):
        if run and (
            line.start() != run[-1].end(3) + 1 or line[2] != run[-1][2] or line[1] != following(run[-1][1])
        ):
            if len(run) >= _SHORTEST_RUN:
                yield run
            run = []
        run.append(line)
    if len(run) >= _SHORTEST_RUN:
        yield run
