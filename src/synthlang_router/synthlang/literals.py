"""Where the texts stand in a raw `messages` array, and how to put others in their place.

Only the bytes of the replaced string literals change; white space, key order, escapes and duplicates elsewhere stay
as the client wrote them. A literal is replaced only where one of the known escape habits writes the original
literal again, byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

import msgspec

Escapes = Literal["r", "u", "g"]

_LEXEME: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_SPLIT: Final = re.compile("[<>&\u2028\u2029]")


class Node(NamedTuple):
    """A JSON value by its place: `kind` is o(bject), a(rray), s(tring) or v(alue); `keys` go with `items`."""

    kind: str
    start: int
    end: int
    keys: tuple[bytes, ...]
    items: tuple[Node, ...]

    def get(self, key: bytes) -> Node | None:
        """The value of a key that is there exactly once; None where it is absent or ambiguous."""
        if self.kind != "o" or self.keys.count(key) != 1:
            return None
        return self.items[self.keys.index(key)]


class Slot(NamedTuple):
    """A text a message holds: the byte range of its literal (quotes included), who says it, in which message.

    `changeable` where it may be written otherwise; the others are there to be referred to. `alone` where it is all
    the text of its message.
    """

    start: int
    end: int
    role: str
    message: int
    changeable: bool
    alone: bool


class _Open:
    """A container under construction."""

    __slots__ = ("items", "keys", "kind", "start")

    def __init__(self, kind: str, start: int) -> None:
        self.kind = kind
        self.start = start
        self.keys: list[bytes] = []
        self.items: list[Node] = []


def parse(raw: bytes) -> Node:
    """The tree of a JSON text that is already known to be valid."""
    root = _Open("a", 0)
    stack = [root]
    for match in _LEXEME.finditer(raw):
        head = raw[match.start()]
        if head in b"{[":
            stack.append(_Open("o" if head == 0x7B else "a", match.start()))
        elif head in b"}]":
            done = stack.pop()
            values = done.items
            node = Node(done.kind, done.start, match.end(), tuple(done.keys), tuple(values))
            stack[-1].items.append(node)
        elif head == 0x3A:  # a colon: what was just read as a string is a key
            key = stack[-1].items.pop()
            stack[-1].keys.append(raw[key.start + 1 : key.end - 1])
        elif head != 0x2C:
            kind = "s" if head == 0x22 else "v"
            stack[-1].items.append(Node(kind, match.start(), match.end(), (), ()))
    return root.items[0]


def text_slots(raw: bytes) -> list[Slot]:
    """The texts of all messages, in order.

    Changeable are those of user, system, developer and tool messages, never the model's own, and none of a message
    or its parts that carry `cache_control`. What is not a text (tool calls, images, audio) is left out, as is a
    message with an ambiguous key.
    """
    slots: list[Slot] = []
    for number, message in enumerate(parse(raw).items):
        role = message.get(b"role")
        content = message.get(b"content")
        if role is None or content is None:
            continue
        name = raw[role.start + 1 : role.end - 1].decode("ascii", "replace")
        free = name in _ROLES and b"cache_control" not in message.keys and not _has_cache_control(content)
        found = list(_texts(raw, content, name))
        slots += [Slot(node.start, node.end, by, number, free, len(found) == 1) for node, by in found]
    return slots


_ROLES: Final = frozenset(("user", "system", "developer", "tool", "function"))
_PARTS: Final[Mapping[bytes, bytes]] = {
    b'"text"': b"text",
    b'"input_text"': b"text",
    b'"tool_result"': b"content",
}


def _has_cache_control(content: Node) -> bool:
    return any(b"cache_control" in part.keys or _has_cache_control(part) for part in content.items)


def _texts(raw: bytes, content: Node, role: str) -> Iterator[tuple[Node, str]]:
    if content.kind == "s":
        yield content, role
    elif content.kind == "a":
        for part in content.items:
            kind = part.get(b"type")
            field = None if kind is None else _PARTS.get(raw[kind.start : kind.end])
            inner = None if field is None else part.get(field)
            if inner is not None:
                yield from _texts(raw, inner, "tool" if field == b"content" else role)


def splice(raw: bytes, changes: Mapping[int, bytes], slots: list[Slot]) -> bytes:
    """The array with the literal of slot `i` replaced by `changes[i]`."""
    pieces: list[bytes] = []
    at = 0
    for index, slot in enumerate(slots):
        literal = changes.get(index)
        if literal is not None:
            pieces += (raw[at : slot.start], literal)
            at = slot.end
    pieces.append(raw[at:])
    return b"".join(pieces)


def text_of(raw: bytes, slot: Slot) -> str:
    return msgspec.json.decode(raw[slot.start : slot.end], type=str)


def literal(text: str, escapes: Escapes) -> bytes:
    """A JSON string as a client of that habit writes it: r(aw UTF-8), u(\\uXXXX for all but ASCII), g(o's)."""
    return _WRITERS[escapes](text)


def escapes_of(literal_bytes: bytes, text: str) -> Escapes | None:
    """The first habit that writes exactly this literal, None where none does."""
    for name, write in _WRITERS.items():
        if write(text) == literal_bytes:
            return name
    return None


def _go(text: str) -> bytes:
    plain = json.dumps(text, ensure_ascii=False)
    return _SPLIT.sub(lambda match: f"\\u{ord(match[0]):04x}", plain).encode()


_WRITERS: Final[Mapping[Escapes, Callable[[str], bytes]]] = {
    "r": lambda text: json.dumps(text, ensure_ascii=False).encode(),
    "u": lambda text: json.dumps(text).encode(),
    "g": _go,
}
