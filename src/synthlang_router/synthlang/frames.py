"""Reading the notation: frames back to the text they stand for.

Three steps, each the plain reverse of what the encoder did: names are replaced by what they were defined as,
tables by their rows put into the template, and the JSON is printed in its style again.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from synthlang_router.synthlang.counters import advance, following
from synthlang_router.synthlang.grammar import (
    AGAIN,
    CLOSE,
    COUNTER,
    DEFINE,
    DEFINED,
    DITTO,
    EARLIER,
    END,
    JOINERS,
    LEGEND,
    LETTERS,
    LINES,
    LITERAL,
    NAME,
    OPEN,
    RUNNING,
    SLOT,
    TEXT,
    VERSION,
    unescape,
)
from synthlang_router.synthlang.references import Earlier
from synthlang_router.synthlang.trees import Value, parse, raw_of
from synthlang_router.synthlang.whitespace import restore

MAX_GROWTH: Final = 4096
"""A text stands for at most so many times its own length: what the encoder writes stays far below."""

MAX_CHARACTERS: Final = 67_108_864
"""And for at most so many characters, those made on the way included."""

_MAX_NESTING: Final = 64  # of definitions in definitions; the encoder's are a few deep

_MARK: Final = re.compile(f"({NAME}){DEFINE}|{DEFINED}|{NAME}")
_SLOTS: Final = re.compile(f"{AGAIN}([{LETTERS}])|{RUNNING}( *[0-9]+)|[{SLOT}{COUNTER}]")

_REFERENCE: Final = re.compile(r"([0-9]{1,9}):([0-9]{1,9})-([0-9]{1,9})([+-][0-9]{1,6})?(?= |$)")


class BrokenFrame(ValueError):
    """Not a text this version wrote."""


class Budget:
    """What may still be made of a text that came from outside: short texts can be written that stand for terabytes."""

    __slots__ = ("left",)

    def __init__(self, size: int) -> None:
        self.left = min(MAX_CHARACTERS, MAX_GROWTH * (size + 16))

    def spend(self, characters: int) -> None:
        """Raises BrokenFrame when it is used up."""
        self.left -= characters
        if self.left < 0:
            raise BrokenFrame


class Template(NamedTuple):
    """`parts` are the texts around the slots; `slots` hold the cell's place, and whether it counts.

    `numbers` are the first of the numbers that run by themselves; their places count from the end: -1, -2.
    """

    separator: str
    parts: tuple[str, ...]
    slots: tuple[tuple[int, bool], ...]
    cells: int
    numbers: tuple[str, ...]


def read_text(text: str, earlier: Earlier | None = None, budget: Budget | None = None) -> str:
    """The original of a text that may hold frames. `earlier` are the originals of the messages before it.

    Raises BrokenFrame where the text is not in this notation, or stands for too much.
    """
    budget = Budget(len(text)) if budget is None else budget
    out: list[str] = []
    at = 0
    while (start := text.find(OPEN, at)) >= 0:
        out.append(text[at:start])
        kind = start + len(OPEN) + len(VERSION)
        if text[start + len(OPEN) : kind] != VERSION:
            raise BrokenFrame
        if text[kind : kind + 1] == LITERAL:
            out.append(OPEN)
            at = kind + 1
            continue
        end = text.find(CLOSE, kind)
        if end < 0:
            raise BrokenFrame
        out.append(_read(text[kind:end], earlier, budget))
        at = end + 1
    out.append(text[at:])
    return "".join(out)


def _read(frame: str, earlier: Earlier | None, budget: Budget) -> str:
    try:
        if frame[:1] == EARLIER:
            return _read_reference(frame, earlier, budget)
        return _read_frame(frame, budget)
    except (IndexError, KeyError, ValueError, RecursionError) as error:
        raise BrokenFrame from error


def _read_reference(frame: str, earlier: Earlier | None, budget: Budget) -> str:
    match = _REFERENCE.match(frame, 1)
    if match is None or earlier is None:
        raise BrokenFrame
    text = earlier.lines(*map(int, match.groups("0")))
    budget.spend(len(text))
    return text


def _read_frame(frame: str, budget: Budget) -> str:
    head, _, body = frame.partition("\n")
    kind, style = head[:1], head[1:]
    if kind not in JOINERS:
        raise BrokenFrame
    plain, templates = _expand_names(body.removeprefix(LEGEND + "\n"), budget)
    text = unescape(_Tables(plain, templates, JOINERS[kind], budget).read())
    if kind == TEXT:
        return text
    values = [raw_of(value) for value in _items(text)] if kind == LINES else [text]
    out: list[str] = []
    for value in values:
        out.append(restore(value, style, budget.left))
        budget.spend(len(out[-1]))
    return "\n".join(out)


def _items(array: str) -> list[Value]:
    value = parse(array)
    if isinstance(value, str):
        raise BrokenFrame
    return value.items


def _expand_names(body: str, budget: Budget) -> tuple[str, dict[str, Template]]:
    """The body without definitions: aliases replaced by their texts, templates told apart by their slots."""
    if DEFINE not in body and DEFINED not in body:
        return body, {}
    aliases: dict[str, str] = {}
    templates: dict[str, Template] = {}
    open_names: list[str] = []
    texts: list[list[str]] = [[]]
    at = 0
    for mark in _MARK.finditer(body):
        texts[-1].append(body[at : mark.start()])
        at = mark.end()
        if mark[0][-1] == DEFINE:
            open_names.append(mark[1])
            texts.append([])
            if len(texts) > _MAX_NESTING:
                raise BrokenFrame
        elif mark[0] == DEFINED:
            name, text = open_names.pop(), "".join(texts.pop())
            if _SLOTS.search(text):
                templates[name] = _template(text)
                at += body.startswith("\n", at)
            else:
                aliases[name] = text
            texts[-1].append(aliases.get(name, name))
        else:
            text = aliases.get(mark[0], mark[0])
            texts[-1].append(text)
            budget.spend(len(text))
    texts[-1].append(body[at:])
    if open_names:
        raise BrokenFrame
    return "".join(texts[0]), templates


def _template(layout: str) -> Template:
    parts: list[str] = []
    slots: list[tuple[int, bool]] = []
    numbers: list[str] = []
    cells, at = 0, 1
    for match in _SLOTS.finditer(layout, 1):
        parts.append(layout[at : match.start()])
        at = match.end()
        if match[1]:
            slots.append((LETTERS.index(match[1]), False))
        elif match[2]:
            slots.append((~len(numbers), False))
            numbers.append(match[2])
        else:
            slots.append((cells, match[0] == COUNTER))
            cells += 1
    return Template(layout[0], (*parts, layout[at:]), tuple(slots), cells, tuple(numbers))


class _Tables:
    """A body whose tables are replaced by their rows, read from left to right."""

    def __init__(self, body: str, templates: dict[str, Template], joiner: str, budget: Budget) -> None:
        self._body = body
        self._templates = templates
        self._joiner = joiner
        self._budget = budget
        self._above: dict[str, list[str]] = {}
        self._clock = ""
        self._numbers = {name: template.numbers for name, template in templates.items()}
        names = "|".join(templates)
        self._name = re.compile(names)
        self._stops = {
            separator: re.compile(f"[{re.escape(separator)}\n{END}]|{names}")
            for separator in ("", *(template.separator for template in templates.values()))
        }

    def read(self) -> str:
        if not self._templates:
            return self._body
        out: list[str] = []
        at = 0
        while (match := self._name.search(self._body, at)) is not None:
            out.append(self._body[at : match.start()])
            table, at = self._table(match.start())
            out.append(table)
        out.append(self._body[at:])
        return "".join(out)

    def _table(self, at: int) -> tuple[str, int]:
        """The rows from the name at `at` to END, or to the end of the body."""
        rows: list[str] = []
        name = ""
        while True:
            match = self._name.match(self._body, at)
            if match is not None:
                name, at = match[0], match.end()
            row, at = self._row(name, at)
            rows.append(row)
            if self._body[at : at + 1] != "\n":
                return self._joiner.join(rows), at + 1
            at += 1

    def _row(self, name: str, at: int) -> tuple[str, int]:
        template = self._templates[name]
        cells: list[str] = []
        for number in range(template.cells):
            last = number == template.cells - 1
            cell, at = self._cell("" if last else template.separator, at)
            cells.append(cell)
            at += not last
        self._resolve(name, template, cells)
        out = [template.parts[0]]
        for part, (slot, _) in zip(template.parts[1:], template.slots, strict=True):
            out += (cells[slot], part)
        self._budget.spend(sum(map(len, out)))
        return "".join(out), at

    def _cell(self, separator: str, at: int) -> tuple[str, int]:
        """What stands before the separator, the line end or END, tables inside it replaced."""
        out: list[str] = []
        while True:
            match = self._stops[separator].search(self._body, at)
            if match is None:
                out.append(self._body[at:])
                return "".join(out), len(self._body)
            out.append(self._body[at : match.start()])
            if match[0] not in self._templates:
                return "".join(out), match.start()
            table, at = self._table(match.start())
            out.append(table)

    def _resolve(self, name: str, template: Template, cells: list[str]) -> None:
        """Cells that are given by those of rows before, and the numbers that run by themselves, filled in.

        The first counter of a row goes on from the last first counter of any template, the others from their own.
        """
        above = self._above.get(name)
        clock_read = False
        for slot, counts in template.slots:
            if counts and not clock_read:
                cells[slot] = self._clock = advance(self._clock, cells[slot]) if self._clock else cells[slot]
                clock_read = True
            elif counts and above is not None:
                cells[slot] = advance(above[slot], cells[slot])
            elif slot >= 0 and cells[slot] == DITTO:
                cells[slot] = self._above[name][slot]
        self._above[name] = list(cells)
        cells += reversed(self._numbers[name])
        self._numbers[name] = tuple(map(following, self._numbers[name]))
