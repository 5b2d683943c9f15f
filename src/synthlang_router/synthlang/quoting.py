"""What of a person's message may become a reference: lines that a program wrote, never code, a diff or their own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from synthlang_router.synthlang.json_spans import find_fences
from synthlang_router.synthlang.listings import DIFF
from synthlang_router.synthlang.references import Earlier, Reference

_LEAST_LINES: Final = 6
_MOST_SPOKEN: Final = 0.25  # of the lines: a listing may hold a comment or a docstring
_SPOKEN: Final = re.compile(
    r"\s*(?:[-*•]|[0-9]{1,3}[.)])\s|(?:\S+\s+){4,}\S*[.!?:]\s*$"
)  # an item of a list; a line of five words or more that ends as sentences do


def program_lines(text: str, pieces: Sequence[str | Reference], earlier: Earlier) -> list[str | Reference]:
    """The pieces of the text (`Earlier.split`), references to anything else but a program's lines written out again."""
    code = _code_lines(text)
    out: list[str | Reference] = []
    at = 0
    for piece in pieces:
        shown = piece if isinstance(piece, str) else earlier.lines(*piece[:4])
        end = at + shown.count("\n") + 1
        kept = isinstance(piece, Reference) and code.isdisjoint(range(at, end)) and _is_output(shown)
        if not kept and out and isinstance(out[-1], str):
            out[-1] = f"{out[-1]}\n{shown}"
        else:
            out.append(piece if kept else shown)
        at = end
    return out


def _code_lines(text: str) -> frozenset[int]:
    """The numbers of the lines in fences; of all lines where there is a diff."""
    if DIFF.search(text) is not None:
        return frozenset(range(text.count("\n") + 1))
    found: set[int] = set()
    for fence in find_fences(text):
        first = text.count("\n", 0, fence.start)
        found.update(range(first, first + text.count("\n", fence.start, fence.end) + 1))
    return frozenset(found)


def _is_output(shown: str) -> bool:
    lines = [line for line in shown.split("\n") if line and not line.isspace()]
    spoken = sum(_SPOKEN.match(line) is not None for line in lines)
    return len(lines) >= _LEAST_LINES and spoken <= _MOST_SPOKEN * len(lines)
