"""Generated texts of every shape the notation knows, and with everything that could be in its way."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import NamedTuple

from synthlang_router.synthlang.codec import LosslessLevel
from synthlang_router.synthlang.grammar import LEGEND, NAMES, SIGNS

WORDS = "alpha beta gamma delta user request timeout connection error the of and to id name value https://x.org/a/b?c=1 a@b.co {x} ${y} `z` don't 12 3.14 -7 2024-05-06 12:34:56 10.0.0.1 é 中文 😀 null true".split()  # fmt: skip
NASTY = [*SIGNS, *NAMES, *"\"'\\|,;:^+-=[]{}()<>#%&*@!?~`\t ", "†", "†a", "】", "【1t\n", "【1=", "「」", "¿a", "\u2028", "\u0085", "\r", "\x00", LEGEND, "<|endoftext|>", "+1", "^", "  ", "00", "\u200d", "ſ", "\\n", "\\u00e9"]  # fmt: skip


def word(rng: random.Random) -> str:
    if rng.random() < 0.04:
        return str(rng.choice(NASTY))
    return str(rng.choice(WORDS)) if rng.random() < 0.7 else str(rng.randrange(10 ** rng.randrange(1, 12)))


def phrase(rng: random.Random, most: int = 8) -> str:
    return " ".join(word(rng) for _ in range(rng.randrange(most)))


def scalar(rng: random.Random) -> object:
    return rng.choice(
        (
            None,
            True,
            False,
            rng.randrange(100),
            rng.random(),
            10**12 + rng.randrange(9),
            phrase(rng),
            word(rng),
            "",
        )
    )


def shaped(rng: random.Random, keys: list[str], depth: int) -> object:
    return {key: tree(rng, depth - 1) if rng.random() < 0.2 else scalar(rng) for key in keys}


def tree(rng: random.Random, depth: int) -> object:
    roll = rng.random()
    if depth <= 0 or roll < 0.2:
        return scalar(rng)
    keys = rng.sample(
        ["id", "name", "full_url", "a b", 'x"y', "nested_value", "●", "", "tags", "created_at"],
        rng.randrange(1, 6),
    )
    if roll < 0.7:
        constant = scalar(rng)
        rows = [shaped(rng, keys, depth) for _ in range(rng.choice((2, 5, 12)))]
        for row in rows:
            if isinstance(row, dict) and rng.random() < 0.7:
                row[keys[0]] = constant
        return rows
    return shaped(rng, keys, depth) if roll < 0.9 else [tree(rng, depth - 1) for _ in range(rng.randrange(4))]


def as_json(rng: random.Random) -> str:
    indent = rng.choice((None, None, 2, 4, "\t"))
    text = json.dumps(tree(rng, 4), indent=indent, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.2:
        text = text.replace(": ", rng.choice((":", " : ", ":  ")))
    around = rng.choice(("", "", "Look:\n", "```json\n", "data: "))
    return around + text + rng.choice(("", "\n", "\n```", "\nWhat is it?"))


def as_json_lines(rng: random.Random) -> str:
    keys = rng.sample(["id", "level", "msg", "at"], 3)
    return "\n".join(json.dumps(shaped(rng, keys, 2)) for _ in range(rng.randrange(1, 9)))


def as_log(rng: random.Random) -> str:
    kinds = [(phrase(rng, 9), phrase(rng, 5)) for _ in range(rng.randrange(1, 4))]
    second, lines = rng.randrange(86_400), []
    for _ in range(rng.randrange(3, 14)):
        second = (second + rng.randrange(3)) % 86_400 if rng.random() < 0.9 else rng.randrange(86_400)
        stamp = (
            f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}{rng.choice(('', '', '.123', ',7'))}"
        )
        begin, end = rng.choice(kinds)
        day = "May 1 " if rng.random() < 0.9 else rng.choice(("", "2024-01-02T"))
        lines.append(f"{day}{stamp} {begin} {rng.choice((word(rng), rng.randrange(999)))} {end}")
        if rng.random() < 0.05:
            lines.append(phrase(rng))
    return "\n".join(lines) + rng.choice(("", "\n"))


def as_listing(rng: random.Random) -> str:
    first = rng.choice((1, 8, 95, 998))
    lines = [
        f"{number:>{rng.choice((0, 4))}}{':'} {phrase(rng)}"
        for number in range(first, first + rng.randrange(3, 12))
    ]
    return "\n".join([phrase(rng), *lines, *lines[: rng.randrange(4)], phrase(rng)])


def as_text(rng: random.Random) -> str:
    passages = [phrase(rng, 30) for _ in range(rng.randrange(1, 4))]
    label = rng.choice(("[{}] ", "Document {}: ", "Q: ", "Alice: ", "<doc id={}>"))
    return "\n\n".join(
        label.format(number) + rng.choice(passages) + phrase(rng) for number in range(rng.randrange(2, 9))
    )


def as_fields(rng: random.Random) -> str:
    mark = rng.choice((",", "\t", ";"))
    kinds = [
        rng.choice((word, lambda r: str(r.randrange(1000)), lambda r: "same"))
        for _ in range(rng.randrange(2, 6))
    ]
    rows = [[kind(rng).replace("\n", "") for kind in kinds] for _ in range(rng.randrange(3, 12))]
    return "\n".join(mark.join(row) for row in [[f"name{n}" for n in range(len(kinds))], *rows])


def mutated(rng: random.Random, text: str) -> str:
    for _ in range(rng.choice((0, 0, 0, 1, 2, 5))):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice((rng.choice(NASTY), "")) + text[at + rng.randrange(2) :]
    return text.replace("\n", "\r\n") if rng.random() < 0.03 else text


SHAPES: tuple[Callable[[random.Random], str], ...] = (
    as_json,
    as_json_lines,
    as_log,
    as_fields,
    as_listing,
    as_text,
)


class Case(NamedTuple):
    """A text of a message, and what came before it."""

    text: str
    role: str
    level: LosslessLevel
    earlier: tuple[str, ...]


def case(seed: int) -> Case:
    rng = random.Random(seed)
    text = mutated(rng, "\n".join(rng.choice(SHAPES)(rng) for _ in range(rng.choice((1, 1, 2)))))
    level: LosslessLevel = rng.choice(("exact", "readable", "session"))
    earlier = (mutated(rng, text) if rng.random() < 0.5 else as_text(rng),)
    return Case(text, rng.choice(("user", "tool", "system")), level, earlier)


def column(rng: random.Random) -> Callable[[], str]:
    """Values of one kind, such as tokenizers split in very different ways."""
    digits, size = 10 ** rng.randrange(1, 16), rng.randrange(2, 12)
    kinds: tuple[Callable[[], str], ...] = (
        lambda: str(rng.randrange(digits)),
        lambda: rng.randbytes(size).hex(),
        lambda: str(rng.choice(WORDS)),
        lambda: "中文字"[: rng.randrange(4)],
        lambda: "😀" * rng.randrange(3),
        lambda: "same",
        lambda: " " * rng.randrange(4),
        lambda: f"{rng.random():.{size}f}",
    )
    return rng.choice(kinds)


def large(seed: int) -> str:
    """A table of many rows in one of the shapes data comes in."""
    rng = random.Random(seed)
    columns = [column(rng) for _ in range(rng.randrange(1, 6))]
    rows = [[value() for value in columns] for _ in range(rng.randrange(20, 120))]
    records = [{f"key{place}": value for place, value in enumerate(row)} for row in rows]
    shapes = (
        json.dumps(records, indent=rng.choice((None, 1, 2, 4)), ensure_ascii=rng.random() < 0.5),
        "\n".join(json.dumps(record) for record in records),
        "\n".join("\t".join(("x", *row)) for row in [[f"name{n}" for n in range(len(columns))], *rows]),
        "\n".join(f"10:{n // 60:02}:{n % 60:02} INFO {' '.join(row)}" for n, row in enumerate(rows)),
        "\n".join(f"{n}: {' '.join(row)}" for n, row in enumerate(rows, rng.randrange(99))),
    )
    return rng.choice(shapes)
