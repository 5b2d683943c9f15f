"""Which lines of a text are code or data: there every character counts, white space included."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from synthlang_router.cache.surface_layout import free_form, free_line, is_python

_CODE: Final = re.compile(
    r"[;{}\\]\s*$|[=!<>]=|->|=>|::|\+\+|&&|\|\||\w\(\S*\)\s*[:{;]|\w\[\w*\]|^\s*[@$#>|*]|</|/>|<\w+>|\b\w+\s=\s\S"
    r"|^\s*(?:def|class|import|from|return|if|for|while|else|elif|try|do|done|fi|end)\b.*[:;]\s*$"
    r"|^\s*(?:select\b.+\bfrom|insert into|update\b.+\bset|delete from|(?:create|alter|drop) (?:table|view|index))\b"
    r"|^\s*(?:SELECT|FROM|WHERE|AND|OR|JOIN|LEFT JOIN|INNER JOIN|GROUP BY|ORDER BY|HAVING|SET|VALUES|LIMIT)\b"
    r"|^(?:from|where|group by|order by|having|left join|inner join) .*[;=(.]"
    r"|^\s*-?\s*[\w.\-]+:(?:\s\S+)?$|^\s*npm\b|\s{3,}\S|\t|^\s*<|=\"|\$\w|\$\{|^\w+\(.*\)$|^[{}\])]",
)
_FENCE: Final = "```"
_WRAPPED_AT: Final = 50
"""Characters: prose goes on in lower case after a longer line without a meaning in the line end."""


class Line(NamedTuple):
    text: str
    is_code: bool
    breaks: bool
    """The line end before it separates: it may not be replaced by a space."""
    depth_change: str
    """`+` or `-` signs: how the indentation of code moved since the code line before."""


def read_lines(text: str) -> Iterator[Line]:
    """The lines that are not blank; a block of code in free layout comes as one. Prose carries no depth."""
    if "\n" not in text:
        yield Line(text, text.startswith(_FENCE), False, "")
        return
    lines = text.split("\n")
    block: list[str] = []
    previous = ""
    for raw, is_code in zip(lines, _coded(lines), strict=True):
        if not raw.strip():
            continue
        if is_code:
            block.append(raw)
            continue
        yield from _code_lines(block)
        block = []
        yield Line(raw.strip(), False, not (len(previous) >= _WRAPPED_AT and raw[0].islower()), "")
        previous = raw
    yield from _code_lines(block)


def _coded(lines: list[str]) -> list[bool]:
    """Which lines are code: by their looks, within a fence, or shut in between lines that are."""
    coded, fenced = [], False
    for raw in lines:
        fence = raw.lstrip().startswith(_FENCE)
        coded.append(fenced or fence or raw[:1] in (" ", "\t") or _CODE.search(raw) is not None)
        fenced ^= fence
    for at in range(1, len(lines) - 1):
        coded[at] |= (
            coded[at + 1] and (coded[at - 1] or lines[at + 1].strip() == "{") and bool(lines[at].strip())
        )
    return coded


def _code_lines(block: list[str]) -> Iterator[Line]:
    if not block:
        return
    free = free_form(block)
    if free is not None:
        yield Line(free, True, True, "")
        return
    python, depths = is_python(block), [0]
    for raw in block:
        change = _depth_change(depths, raw)
        yield Line(free_line(raw.strip()) if python else raw.strip(), True, True, change)


def _depth_change(depths: list[int], raw: str) -> str:
    """Indentation by levels, as Python reads it: two spaces or four are the same step."""
    depth = len(raw) - len(raw.lstrip())
    if depth > depths[-1]:
        depths.append(depth)
        return "+"
    change = ""
    while depth < depths[-1]:
        depths.pop()
        change += "-"
    return change
