"""JSON as a tree of ranges: every value keeps the bytes it was written with."""

from __future__ import annotations

import re
from typing import Final

_LEXEME: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]|[^\s"{}\[\],:]+', re.DOTALL)


MAX_DEPTH: Final = 64


class TooDeep(ValueError):
    """Nested deeper than a person, or a walk by recursion, could follow."""


class Record:
    """A JSON object: its keys as written (quotes included) and their values, side by side."""

    __slots__ = ("items", "keys", "raw")

    def __init__(self) -> None:
        self.keys: tuple[str, ...] = ()
        self.items: list[Value] = []
        self.raw = ""


class Series:
    """A JSON array."""

    __slots__ = ("items", "raw")

    def __init__(self) -> None:
        self.items: list[Value] = []
        self.raw = ""


Value = str | Record | Series


def raw_of(value: Value) -> str:
    return value if isinstance(value, str) else value.raw


def parse(text: str) -> Value:
    """The tree of a JSON text without white space that is known to be valid.

    Raises TooDeep.
    """
    root = Series()
    node: Record | Series = root
    stack: list[tuple[Record | Series, int]] = []
    for match in _LEXEME.finditer(text):
        lexeme = match[0]
        if lexeme in "{[":
            child = Record() if lexeme == "{" else Series()
            node.items.append(child)
            stack.append((node, match.start()))
            if len(stack) > MAX_DEPTH:
                raise TooDeep
            node = child
        elif lexeme in "}]":
            parent, start = stack.pop()
            node.raw = text[start : match.end()]
            if isinstance(node, Record):
                node.keys = tuple(map(raw_of, node.items[::2]))
                node.items = node.items[1::2]
            node = parent
        else:
            node.items.append(lexeme)
    return root.items[0]
