"""Code whose layout is free: the same tokens mean the same program, however they are spaced and broken.

Rule: only where the language is recognised as one of these kinds; the white space of all other code (shell,
YAML, make files, logs) is kept to the character.
"""

import re
from collections.abc import Sequence
from typing import Final

_TOKEN: Final = re.compile(
    r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|//[^\n]*|--\s[^\n]*|/\*.*?\*/|[^\W]+(?:\.\d+)?|[-+*/%=<>!&|^~?:@$\\`'\"]+|\n|\S",
    re.DOTALL,
)
_SQL: Final = re.compile(
    r"\s*(?:select|insert into|update|delete from|create table|alter table|with)\b", re.IGNORECASE
)
_SQL_WORDS: Final = frozenset(
    "select distinct from where and or not in is null like between exists as on using join left right inner outer full "
    "cross group by order having limit offset union all asc desc insert into values update set delete create table "
    "alter add drop primary key foreign references unique default case when then else end with over partition true "
    "false date interval".split()
)
_PYTHON: Final = re.compile(
    r"^\s*(?:(?:async )?def \w+\(.*|class \w+.*|for .+ in .+|while .+|if .+|with .+|try|else|elif .+):\s*(?:#.*)?$|^\s*(?:from [\w.]+ )?import [\w., ]+$",
    re.MULTILINE,
)
_BRACES: Final = re.compile(r"[;{}]\s*$", re.MULTILINE)
_NOT_BRACES: Final = re.compile(
    r"\$|`|</|^\s*\\|^\s*(?:- )?[\w.\-]+:(?:\s[^;,{}]*)?$|^\s*(?:fi|done|then|do|esac|echo|end|begin)\b|[│├└]|^\s*return\s*$|^\s*npm\b|^\s*#!",
    re.MULTILINE,
)
_JOIN: Final = "\x1f"


def free_form(lines: Sequence[str]) -> str | None:
    """One line of tokens for a block of code lines, or None where the layout has to stay."""
    block = "\n".join(lines)
    if _SQL.match(block) is not None and "$$" not in block:
        return _JOIN.join(_sql(_TOKEN.findall(block)))
    if _PYTHON.search(block) is not None and '"""' not in block and "'''" not in block:
        return None
    if _BRACES.search(block) is None or _NOT_BRACES.search(block) is not None:
        return None
    return _JOIN.join(_braced(_TOKEN.findall(_preprocessed(block))))


def is_python(lines: Sequence[str]) -> bool:
    """Spaces within a line are free; lines and their depth are not."""
    block = "\n".join(lines)
    return (
        _PYTHON.search(block) is not None
        and '"""' not in block
        and "'''" not in block
        and "\\\n" not in block
    )


def free_line(line: str) -> str:
    return _JOIN.join(_TOKEN.findall(line))


def _sql(tokens: Sequence[str]) -> list[str]:
    """Keywords and function names have no case; names and strings keep theirs."""
    words = [word for word in tokens if word != "\n"]
    follower = [*words[1:], ""]
    folded = [
        word.lower() if word.lower() in _SQL_WORDS or after == "(" else word
        for word, after in zip(words, follower, strict=True)
    ]
    return folded[:-1] if folded[-1:] == [";"] else folded


_LOOSE: Final = frozenset("{}()[];,")


def _braced(tokens: Sequence[str]) -> list[str]:
    """A line end is free beside a bracket, a comma or a semicolon; elsewhere it may end a statement."""
    result: list[str] = []
    for piece in tokens:
        if piece == "\n" and (not result or result[-1] in _LOOSE or result[-1] == "\n"):
            continue
        if piece in _LOOSE and result and result[-1] == "\n":
            result.pop()
        result.append(piece)
    return result


def _preprocessed(block: str) -> str:
    """A preprocessor line is one token: its end counts, and the spaces within it collapse."""
    return re.sub(
        r"^\s*#[^\n]*",
        lambda match: '"' + " ".join(match[0].split()).replace('"', "\x1e") + '";',
        block,
        flags=re.MULTILINE,
    )


_CALL: Final = re.compile(r"(?<=[\w)\]])[(\[{]|\((?=\s*-?\d[\d.]*\s*,)")
_CLOSES: Final = {"(": ")", "[": "]", "{": "}"}
_LONGEST_CALL: Final = 300
_MOST_CALLS: Final = 50


def compact(line: str) -> str:
    """A line of prose whose calls, indices and tuples of numbers have no free spaces: f(a, b), f(a,b)."""
    parts, at = [], 0
    for _ in range(_MOST_CALLS):
        match = _CALL.search(line, at)
        if match is None:
            break
        start = match.start()
        end = _closing(line, start)
        parts += [line[at:start], _packed(line[start:end])]
        at = end
    return "".join([*parts, line[at:]])


def _closing(line: str, start: int) -> int:
    """After the bracket that closes the one at `start`; just after `start` where none does."""
    expected: list[str] = []
    for at in range(start, min(len(line), start + _LONGEST_CALL)):
        if line[at] in _CLOSES:
            expected.append(_CLOSES[line[at]])
        elif line[at] == expected[-1]:
            expected.pop()
            if not expected:
                return at + 1
    return start + 1


def _packed(span: str) -> str:
    """Spaces are kept within strings and between two words."""
    packed = ""
    for token in _TOKEN.findall(span):
        between = packed[-1:].isalnum() and token[0].isalnum()
        packed += " " + token if between else token
    return packed
