"""Where JSON stands in a text as data: as the whole of it, filling a fence, or on its own after prose.

What is part of code, of a call or an assignment is not data and is left alone.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple, NoReturn

_START: Final = re.compile(r"[{\[]")
_BEGINS: Final = re.compile(
    r'\{\s*["}]|\[\s*(?:[\[{\]"]|-?[0-9][0-9.eE+-]*\s*[,\]]|(?:true|false|null)\s*[,\]])'
)
_FENCE: Final = re.compile(r"^([ \t]*)(`{3,}|~{3,})([^\n`]*)$", re.MULTILINE)
_JSON_FENCES: Final = frozenset(
    ("", "json", "jsonl", "ndjson", "json5", "jsonc", "geojson", "text", "output")
)
_BEFORE: Final = frozenset(":>：")
_NOT_BEFORE: Final = frozenset("=([,{\"'`;.\\")
_NOT_AFTER: Final = frozenset(")],;}\"'`=\\")
_SHORTEST: Final = 32  # characters; `[1, 2]` in a sentence is a word, not data
_PATIENCE: Final = 4  # characters read in vain per character of text before the search is given up
_COUNTING: Final = (
    32  # characters that the decoder counts lines over, for its error, in the time of reading one
)


class Span(NamedTuple):
    """A range of the text that is one JSON object or array."""

    start: int
    end: int


class Fence(NamedTuple):
    """The inside of a fenced block, and what the fence says it is (`?` where it is never closed)."""

    start: int
    end: int
    language: str


def find_json(text: str) -> list[Span]:
    """The JSON objects and arrays that stand in the text as data, in order, without overlap.

    Linear: a start that turns out not to be JSON costs what was read of it, and that sum is bounded.
    """
    reader = _Reader(text)
    spans: list[Span] = []
    at = 0
    for fence in find_fences(text):
        spans += reader.between(at, fence.start)
        if fence.language in _JSON_FENCES:
            spans += reader.lines(fence.start, fence.end)
        at = fence.end
    return spans + reader.between(at, len(text))


def find_fences(text: str) -> list[Fence]:
    """Fenced blocks in order; one that is never closed reaches to the end."""
    if "```" not in text and "~~~" not in text:
        return []
    found: list[Fence] = []
    opened: re.Match[str] | None = None
    for line in _FENCE.finditer(text):
        if opened is None:
            opened = line
        elif line[2].startswith(opened[2]) and not line[3].strip():
            found.append(Fence(opened.end(), line.start(), opened[3].strip().lower()))
            opened = None
    if opened is not None:
        found.append(Fence(opened.end(), len(text), "?"))
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


class _Reader:
    """Tries to read JSON at given places, with patience that runs out."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._decode = json.JSONDecoder(parse_constant=_refuse).raw_decode
        self._patience = _PATIENCE * len(text) + 1000

    def between(self, start: int, end: int) -> list[Span]:
        """JSON outside fences: on its own line or after a colon or a tag, and not part of an expression."""
        return [span for span in self._spans(start, end) if self._stands_alone(span)]

    def lines(self, start: int, end: int) -> list[Span]:
        """JSON that fills a fence, one value or many, with nothing else in between; else nothing."""
        spans = self._spans(start, end)
        at = start
        for span in [*spans, Span(end, end)]:
            if self._text[at : span.start].strip():
                return []
            at = span.end
        return spans

    def _spans(self, start: int, end: int) -> list[Span]:
        spans: list[Span] = []
        at = start
        while self._patience > 0:
            found = _START.search(self._text, at, end)
            if found is None:
                break
            at = self._read(found.start(), end)
            if at > found.start():
                spans.append(Span(found.start(), at))
            else:
                at = found.start() + 1
        return spans

    def _read(self, start: int, end: int) -> int:
        """The end of the value that starts here, or `start` where there is none."""
        if not self._may_start(start) or _BEGINS.match(self._text, start) is None:
            return start
        try:
            _, stop = self._decode(self._text, start)
        except json.JSONDecodeError as error:
            self._patience -= error.pos - start + 1 + error.pos // _COUNTING
            return start
        except (ValueError, RecursionError):  # NaN, a number of thousands of digits, thousands of brackets
            self._patience -= end - start
            return start
        if stop > end:
            self._patience -= stop - start
            return start
        return stop

    def _may_start(self, start: int) -> bool:
        before = start - 1
        while before >= 0 and self._text[before] in " \t":
            before -= 1
        return before < 0 or self._text[before] == "\n" or self._text[before] in _BEFORE

    def _stands_alone(self, span: Span) -> bool:
        if span.end - span.start < _SHORTEST:
            return False
        before = self._text[max(0, span.start - 64) : span.start].rstrip()
        after = self._text[span.end : span.end + 64].lstrip()
        return not (before and before[-1] in _NOT_BEFORE) and not (after and after[0] in _NOT_AFTER)
