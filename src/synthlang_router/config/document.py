"""YAML text -> plain data whose scalars are text, and the line of every key.

Built from parser events rather than by a loader, so that duplicate keys, aliases that multiply, tags and deep
nesting are refused while reading. A plain `null`, `~` or nothing is None; all other scalars stay text, because only
the setting knows whether `off` is a word, a truth value or a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

Node = dict[str, "Node"] | list["Node"] | str | None
Path = tuple[str | int, ...]

MAX_BYTES: Final = 1 << 20
MAX_NODES: Final = 100_000
MAX_DEPTH: Final = 32

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_TEXT_TAGS: Final = frozenset((None, "!", "tag:yaml.org,2002:str"))


class Unreadable(Exception):
    """The text is no configuration; `line` counts from 1."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


@dataclass(frozen=True, slots=True)
class Document:
    """The data and, by path, the line where each key or element stands."""

    data: dict[str, Node]
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int | None:
        """The line of the path, or of the nearest place above it that was written."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def parse(raw: bytes) -> Document:
    """Raises `Unreadable`."""
    if len(raw) > MAX_BYTES:
        raise Unreadable(1, f"larger than {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(raw.count(b"\n", 0, error.start) + 1, "not UTF-8") from None
    reading = _Reading(text)
    try:
        data = reading.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(1 if mark is None else mark.line + 1, error.problem or "not YAML") from None
    except yaml.YAMLError:  # a character YAML does not allow; the C reader knows no line
        raise Unreadable(1, "holds a character that YAML does not allow") from None
    return Document(data, reading.lines)


class _Reading:
    """One pass over the events of one text."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Loader)
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = 0
        self.lines: dict[Path, int] = {}

    def document(self) -> dict[str, Node]:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return {}
        data = self._node(next(self._events), ())
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise Unreadable(_line(after), "a second document; one file is one document")
        if data is not None and not isinstance(data, dict):
            raise Unreadable(1, "must be a mapping of settings")
        return {} if data is None else data

    def _node(self, event: yaml.Event, path: Path) -> Node:
        self._count(1, event)
        if len(path) > MAX_DEPTH:
            raise Unreadable(_line(event), f"nested deeper than {MAX_DEPTH}")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if not isinstance(event, yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent):
            raise Unreadable(_line(event), "not understood")
        before, value = self._nodes, self._value(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes - before + 1)
        return value

    def _value(
        self, event: yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent, path: Path
    ) -> Node:
        if event.tag not in _TEXT_TAGS:
            raise Unreadable(_line(event), f"tags such as {str(event.tag)[:40]} are not supported")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        plain = not event.style and event.tag is None
        return None if plain and event.value in _NULLS else event.value

    def _sequence(self, path: Path) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            here = (*path, len(items))
            self.lines[here] = _line(event)
            items.append(self._node(event, here))
        return items

    def _mapping(self, path: Path) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise Unreadable(_line(event), "a key must be plain text")
            if event.value == "<<" and not event.style:
                self._merge(path, event, merged)
                continue
            here = (*path, event.value)
            if event.value in own:
                raise Unreadable(
                    _line(event), f"{dotted(here)}: written twice (first in line {self.lines[here]})"
                )
            self.lines[here] = _line(event)
            own[event.value] = self._node(next(self._events), here)
        return {**merged, **own}

    def _merge(self, path: Path, key: yaml.Event, merged: dict[str, Node]) -> None:
        """`<<: *base` or `<<: [*first, *second]`: what is written here wins, then the first."""
        value = self._node(next(self._events), (*path, "<<"))
        for base in value if isinstance(value, list) else [value]:
            if not isinstance(base, dict):
                raise Unreadable(_line(key), "<< takes a mapping, or a list of mappings")
            for name, node in base.items():
                merged.setdefault(name, node)
                self.lines.setdefault((*path, name), _line(key))

    def _alias(self, event: yaml.AliasEvent) -> Node:
        if event.anchor not in self._anchors:
            raise Unreadable(_line(event), f"*{str(event.anchor)[:40]} stands for nothing before it")
        value, size = self._anchors[event.anchor]
        self._count(size, event)
        return value

    def _count(self, nodes: int, event: yaml.Event) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Unreadable(_line(event), f"more than {MAX_NODES} values, aliases counted")


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1


def dotted(path: Path) -> str:
    """A path as an operator reads it: `keys[0].name`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:80]}" for part in path)
    return "".join(sign if sign.isprintable() else "?" for sign in text.lstrip("."))
