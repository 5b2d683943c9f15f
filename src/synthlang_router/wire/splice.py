"""Top-level members of a JSON object by position, so that one value can be changed and every other byte kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])

_KEY: Final = re.compile(rb'[\s,{]*("(?:[^"\\]|\\.)*+")\s*:\s*', re.DOTALL)
_key: Final = msgspec.json.Decoder(str)


class Member(NamedTuple):
    """`raw[start:key_end]` is what precedes the value (separator and key), `raw[value:end]` the value."""

    name: str
    start: int
    value: int
    end: int


def members(raw: bytes, fields: dict[str, msgspec.Raw]) -> Iterator[Member]:
    """The top-level members of `raw` in order, where `fields` is `raw` decoded.

    Stops early, before the object's end, where a name comes twice: the second value then stands in `fields` for
    both. Linear: every value is stepped over by its known length.
    """
    seen: set[str] = set()
    position = 0
    while (match := _KEY.match(raw, position)) is not None:
        name = _key.decode(match[1])
        value = bytes(fields[name])
        if name in seen or not raw.startswith(value, match.end()):
            return
        seen.add(name)
        end = match.end() + len(value)
        yield Member(name, position, match.end(), end)
        position = end


def replace(raw: bytes, changed: dict[str, bytes]) -> bytes:
    """`raw` with the values of some of its top-level members exchanged; names it does not have are ignored."""
    parts: list[bytes] = []
    position = 0
    for member in members(raw, FIELDS.decode(raw)):
        value = changed.get(member.name)
        if value is not None:
            parts += (raw[position : member.value], value)
            position = member.end
    parts.append(raw[position:])
    return b"".join(parts)


def without(raw: bytes, name: str) -> bytes:
    """`raw` without one top-level member and the comma it needed."""
    for member in members(raw, FIELDS.decode(raw)):
        if member.name != name:
            continue
        if b"{" not in raw[member.start : member.value].split(b'"', 1)[0]:
            return raw[: member.start] + raw[member.end :]
        brace = raw.index(b"{", member.start) + 1
        rest = raw[member.end :].lstrip()
        return raw[:brace] + (rest[1:] if rest.startswith(b",") else rest)
    return raw
