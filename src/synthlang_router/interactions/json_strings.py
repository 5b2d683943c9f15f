"""The strings of a JSON text by position, each with the key it stands under: one can be changed, all else stays. [hot]"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*+:)?|[{}\[\],]', re.DOTALL)


class JsonString(NamedTuple):
    """`text[start:end]` is what stands between the quotes, as it is written there."""

    start: int
    end: int
    key: str


def strings(text: str) -> Iterator[JsonString]:
    """All values that are strings, in order; elements of an array stand under the array's key. Linear."""
    keys: list[str] = []
    key = ""
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first == '"':
            if token[2] is None:
                yield JsonString(token.start(1), token.end(1), key)
            else:
                key = token[1]
        elif first in "{[":
            keys.append(key)
        elif first == ",":
            key = keys[-1] if keys else ""
        elif keys:
            key = keys.pop()


def changed(text: str, change: Callable[[str, str], str]) -> str:
    """The text with each string replaced by `change(inner, key)`; `inner` and its replacement as written in JSON."""
    parts: list[str] = []
    position = 0
    for found in strings(text):
        inner = text[found.start : found.end]
        new = change(inner, found.key)
        if new is not inner:
            parts += (text[position : found.start], new)
            position = found.end
    if not parts:
        return text
    parts.append(text[position:])
    return "".join(parts)


def written(plain: str) -> str:
    """A text as it is written between the quotes of a JSON string."""
    return msgspec.json.encode(plain.encode("utf-8", "replace").decode()).decode()[1:-1]


def read(inner: str) -> str | None:
    """What is written between the quotes; None where it is no string."""
    if "\\" not in inner:
        return inner
    try:
        return msgspec.json.decode(f'"{inner}"'.encode(), type=str)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
