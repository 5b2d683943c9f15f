"""Masking: personal data and secrets become placeholders before content is kept. Pure.

A value has the same placeholder wherever it stands in one request, so that the record still says who is who.
Secrets (keys of known shapes, private keys) are masked always, the rest where the operator wants it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from synthlang_router.interactions.detectors import DETECTORS, Detectors, Kind, Span, may_hold_secret

ALWAYS: Final[tuple[Kind, ...]] = ("SECRET",)
EVERYTHING: Final[tuple[Kind, ...]] = tuple(DETECTORS)
_PIECE: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)(?:"|\\?\Z)|[^"]+', re.DOTALL)
"""A JSON string (or the beginning of one that was cut), or what is between strings."""
_GRAMMAR: Final = re.compile(r"[\s\[\]{}:,0-9+\-.eEtrufalsn]*\Z")
"""What is between strings in JSON: numbers stay numbers."""
_SHORTEST: Final = 6
"""`a@b.de`: no detector finds anything shorter."""


class Placeholders:
    """Names for the values of one request: `[EMAIL_1]`, `[EMAIL_2]`, ..."""

    __slots__ = ("_counts", "_names", "_taken", "detectors", "originals")

    def __init__(self, taken: frozenset[str] = frozenset(), detectors: Detectors = DETECTORS) -> None:
        """`taken` are names that already stand in the text and mean something else, or nothing."""
        self.detectors = detectors
        self._names: dict[tuple[Kind, str], str] = {}
        self._counts: dict[Kind, int] = {}
        self._taken = taken
        self.originals: dict[str, str] = {}

    def name(self, kind: Kind, value: str) -> str:
        found = self._names.get((kind, value))
        if found is None:
            found = self._names[kind, value] = self._next(kind)
            self.originals[found] = value
        return found

    def _next(self, kind: Kind) -> str:
        while True:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = f"[{kind}_{self._counts[kind]}]"
            if name not in self._taken:
                return name


def find(text: str, kinds: Sequence[Kind], detectors: Detectors = DETECTORS) -> list[Span]:
    """What is to be masked, in order and without overlap: of two that do, the one of the earlier kind."""
    taken: list[Span] = []
    for kind in kinds:
        found = sorted(detectors[kind](text))
        taken = _without_overlap(taken, found)
    return taken


def mask_text(text: str, names: Placeholders, kinds: Sequence[Kind] = EVERYTHING) -> str:
    """The text with placeholders."""
    spans = find(text, kinds, names.detectors)
    if not spans:
        return text
    parts: list[str] = []
    position = 0
    for span in spans:
        parts += (text[position : span.start], names.name(span.kind, text[span.start : span.end]))
        position = span.end
    return "".join((*parts, text[position:]))


def mask_json(body: bytes, names: Placeholders, kinds: Sequence[Kind] = EVERYTHING) -> bytes:
    """The strings of a JSON text with placeholders; bytes of strings without any stay as they are.

    The text may be cut anywhere behind its beginning, or be no JSON at all.
    """
    if kinds == ALWAYS and not may_hold_secret(body):
        return body
    text = body.decode("utf-8", "surrogateescape")
    return _PIECE.sub(lambda found: _piece(found, names, kinds), text).encode("utf-8", "surrogateescape")


def mask_fragment(body: bytes, names: Placeholders, kinds: Sequence[Kind] = EVERYTHING) -> bytes:
    """A piece from the midst of a JSON text, as the text it is: where strings begin in it nobody knows."""
    if kinds == ALWAYS and not may_hold_secret(body):
        return body
    text = body.decode("utf-8", "surrogateescape")
    return mask_text(text, names, kinds).encode("utf-8", "surrogateescape")


def _piece(found: re.Match[str], names: Placeholders, kinds: Sequence[Kind]) -> str:
    raw, inner = found.group(), found[1]
    if len(raw) < _SHORTEST:
        return raw
    if inner is None:
        return raw if _GRAMMAR.match(raw) else mask_text(raw, names, kinds)
    text = _unescaped(inner) if "\\" in inner else inner
    if text is None:
        return raw[:1] + mask_text(raw[1:], names, kinds)
    masked = mask_text(text, names, kinds)
    if masked is text or masked == text:
        return raw
    encoded = msgspec.json.encode(masked.encode("utf-8", "replace").decode()).decode()
    return encoded if raw.endswith('"') and len(raw) > 1 else encoded[:-1]


def _unescaped(inner: str) -> str | None:
    try:
        return msgspec.json.decode(f'"{inner}"'.encode(), type=str)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def _without_overlap(taken: list[Span], found: list[Span]) -> list[Span]:
    """Both in order; what overlaps one that is taken, or the one before it, is left out."""
    merged: list[Span] = []
    place = 0
    for span in found:
        while place < len(taken) and taken[place].end <= span.start:
            merged.append(taken[place])
            place += 1
        behind_last = not merged or merged[-1].end <= span.start
        if behind_last and (place == len(taken) or span.end <= taken[place].start):
            merged.append(span)
    return merged + taken[place:]
