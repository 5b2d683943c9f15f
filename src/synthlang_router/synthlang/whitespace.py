"""White space between JSON tokens: dropped, and put back byte for byte.

Numbers, strings, key order and duplicate keys are never looked into. What was dropped is kept as a style where the
text is written the way a common printer writes it (a code of a few characters), else as a list of the gaps that
differ from what the gaps before them lead one to expect.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

_LEXEME: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_SPACE: Final = " \t\n\r"


class Minified(NamedTuple):
    """`style` is what `restore` needs beside the text; empty where nothing was dropped."""

    text: str
    style: str


def minify(text: str) -> Minified:
    """A valid JSON value without the white space between its tokens (and none around them)."""
    lexemes = _LEXEME.findall(text)
    bare = "".join(lexemes)
    if len(bare) == len(text):
        return Minified(text, "")
    return Minified(bare, _style_of(text, lexemes))


def restore(bare: str, style: str, limit: int) -> str:
    """The text `minify` was given, which is known to have at most `limit` characters.

    Raises ValueError where it has more, or the style is none of ours.
    """
    if not style:
        return bare
    lexemes = _LEXEME.findall(bare)
    text = _fill(lexemes, json.loads(style), limit) if style[0] == "[" else _render(lexemes, style, limit)
    if text is None:
        raise ValueError
    return text


def _style_of(text: str, lexemes: list[str]) -> str:
    for style in _candidates(text, lexemes):
        if _render(lexemes, style, len(text)) == text:
            return style
    return json.dumps(_surprises(text, lexemes), ensure_ascii=False, separators=(",", ":"))


def _candidates(text: str, lexemes: list[str]) -> list[str]:
    """Styles the first gaps point to: `d` is `", "` and `": "`; `i2+4` indents by 2 in a block that starts at 4."""
    first = text[len(lexemes[0]) : text.index(lexemes[1], len(lexemes[0]))]
    if "\n" not in first:
        return ["d"] if first == "" else []
    inner = first[first.rindex("\n") + 1 :]
    last = text[text.rindex("\n") + 1 : -1]
    unit = inner.removeprefix(last)
    if not unit or unit.strip(unit[0]) or unit[0] not in " \t" or last.strip(unit[0]):
        return []
    code = ("i" if unit[0] == " " else "t") + str(len(unit)) + (f"+{len(last)}" if last else "")
    return ["r" + code] if "\r\n" in first else [code]


def _render(lexemes: list[str], style: str, limit: int) -> str | None:
    """None where it would be longer than the limit."""
    if style == "d":
        return "".join(map(_SPACED.get, lexemes, lexemes))
    match = _INDENTED.fullmatch(style)
    if match is None:
        return None
    fill = " " if match[2] == "i" else "\t"
    edge = ("\r\n" if match[1] else "\n") + fill * int(match[4] or 0)
    return _indent(lexemes, edge, fill * int(match[3]), limit)


_INDENTED: Final = re.compile(r"(r?)([it])([0-9]{1,2})(?:\+([0-9]{1,4}))?")
_SPACED: Final = {",": ", ", ":": ": "}


def _indent(lexemes: list[str], edge: str, unit: str, limit: int) -> str | None:
    out: list[str] = []
    edges = [edge]  # by depth
    depth, opened = 0, False
    for lexeme in lexemes:
        if lexeme in _CLOSING:
            depth -= 1
            gap = "" if opened else edges[depth]
            out += (gap, lexeme)
            opened = False
        else:
            gap = edges[depth] if opened or lexeme == "," else ""
            out += (_MARKS[lexeme], gap) if lexeme in _MARKS else (gap, lexeme)
            opened = lexeme in _OPENING
            if opened:
                depth += 1
                if depth == len(edges):
                    edges.append(edge + unit * min(depth, limit))
        limit -= len(gap)
        if limit < 0:
            return None
    return "".join(out)


_OPENING: Final = frozenset("{[")
_CLOSING: Final = frozenset("}]")
_MARKS: Final = {",": ",", ":": ": "}


def _kind(lexeme: str) -> str:
    return lexeme if lexeme in "{}[],:" else "v"


def _surprises(text: str, lexemes: list[str]) -> list[int | str]:
    """`[distance, gap, distance, gap, ...]`: the gaps that are not as the last one in the same place was."""
    known: dict[str, str] = {}
    found: list[int | str] = []
    at, since, where, depth = 0, 0, "", 0
    for lexeme in lexemes:
        kind = _kind(lexeme)
        start = at
        while text[start] in _SPACE:
            start += 1
        depth -= kind in "}]"
        where = f"{where}{kind}{depth}"
        gap = text[at:start]
        if known.get(where, "") != gap:
            found += (since, gap)
            known[where] = gap
            since = 0
        else:
            since += 1
        depth += kind in "{["
        at = start + len(lexeme)
        where = kind
    return [*found, text[at:]] if at < len(text) else found


def _fill(lexemes: list[str], surprises: list[int | str], limit: int) -> str | None:
    known: dict[str, str] = {}
    out: list[str] = []
    left = iter(surprises)
    due = next(left, None)
    where, depth = "", 0
    for lexeme in lexemes:
        kind = _kind(lexeme)
        depth -= kind in "}]"
        where = f"{where}{kind}{depth}"
        if due == 0:
            known[where] = str(next(left, ""))
            due = next(left, None)
        elif isinstance(due, int):
            due -= 1
        gap = known.get(where, "")
        limit -= len(gap)
        if limit < 0:
            return None
        out += (gap, lexeme)
        depth += kind in "{["
        where = kind
    return "".join(out) + (due if isinstance(due, str) else "")
