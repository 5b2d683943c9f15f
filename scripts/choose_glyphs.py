"""Which signs cost one token everywhere: prints the evidence behind the table in `synthlang/grammar.py`.

A sign qualifies where it is one token alone in every shipped encoding and adds at most two tokens in every place
where the notation puts it. `--check` exits with 1 if a sign of the grammar does not qualify.
"""

from __future__ import annotations

import sys
import unicodedata

from synthlang_router.synthlang.grammar import NAMES, PREFIX, SIGNS
from synthlang_router.synthlang.tokens import ENCODINGS, count_tokens

PLACES = (
    ("foo", "bar"),
    ("/", "users"),
    ('":"', '"'),
    ("\n", "12"),
    ("12", "\n"),
    (" ", " x"),
    ("}", "{"),
    ("a", " b"),
)


def costs(sign: str) -> list[int]:
    """Tokens of the sign alone, per encoding."""
    return [count_tokens(sign, name) for name in ENCODINGS]


def added(sign: str) -> float:
    """Tokens the sign adds where it is put between others, on average over places and encodings."""
    total = 0
    for name in ENCODINGS:
        for left, right in PLACES:
            total += (
                count_tokens(left + sign + right, name) - count_tokens(left, name) - count_tokens(right, name)
            )
    return total / (len(ENCODINGS) * len(PLACES))


def candidates() -> list[str]:
    """Signs of the basic plane that are no letters, digits or spaces and are one token in every encoding."""
    signs = [chr(code) for code in range(0xA1, 0x10000) if not 0xD800 <= code < 0xE000]
    shaped = [sign for sign in signs if unicodedata.category(sign)[0] in "PS" or sign in NAMES]
    return [sign for sign in shaped if max(costs(sign)) == 1]


def main(arguments: list[str]) -> int:
    used = SIGNS + NAMES + PREFIX
    for sign in candidates():
        role = "sign" if sign in SIGNS else "name" if sign in NAMES else "prefix" if sign == PREFIX else ""
        print(f"{sign}  U+{ord(sign):04X}  added {added(sign):.2f}  {role:6}  {unicodedata.name(sign)}")
    bad = [sign for sign in used if max(costs(sign)) > 1 or added(sign) > 2]
    print(f"{len(used)} signs in use, {len(bad)} of them cost more: {' '.join(bad)}")
    return 1 if "--check" in arguments and bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
