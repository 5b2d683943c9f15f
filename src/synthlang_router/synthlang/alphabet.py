"""A body as a string of one letter a word, so that repeats of words are repeats of letters, which Python finds fast."""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from typing import Final, NamedTuple

from synthlang_router.synthlang.grammar import DEFINE, DEFINED
from synthlang_router.synthlang.json_spans import find_fences

_QUOTES: Final = frozenset(('"', '":', ',"', '{"'))  # the words of JSON that hold the quote of a string
_DIFF_LINE: Final = r"(?:[-+ @\\]|index |new |old |deleted |similarity |rename |copy |Binary )[^\n]*"
_UNCUT: Final = (
    ("diff --git ", rf"(?m:^diff --git [^\n]*(?:\n{_DIFF_LINE})*)"),
    ("\n+++ ", rf"(?m:^--- [^\n]*\n\+\+\+ [^\n]*(?:\n{_DIFF_LINE})*)"),
    ("://", r"""[ ]?(?:https?|ftp|file)://[^\s<>"'`)\]}「」]+"""),
    ("@", r"[ ]?[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"),
    ("{{", r"[ ]?\{\{[^{}\n]{1,64}\}\}"),
    ("{", r"[ ]?\$?\{[^{}\n]{1,64}\}"),
    ("`", r"[ ]?`[^`\n]{1,200}`"),
)
"""What is never cut in text (code, diffs, addresses, placeholders), and the sign without which it cannot be there."""


def words_of(body: str, *, json: bool) -> list[str]:
    """The body as words, of which a fenced block is one."""
    pattern = _word_in(body, json=json)
    if json or "```" not in body:
        return pattern.findall(body)
    words: list[str] = []
    at = 0
    for fence in find_fences(body):
        words += pattern.findall(body[at : fence.start])
        if fence.end > fence.start:
            words.append(body[fence.start : fence.end])
        at = fence.end
    return words + pattern.findall(body[at:])


def _word_in(body: str, *, json: bool) -> re.Pattern[str]:
    """The pattern of a word. The line end after a definition belongs to the definition."""
    if json:
        return _words(rf'{DEFINED}\n|\\[^\n]|":|[,{{]"| ?[^\W_]+|\s+|_|[^\w\s]')
    uncut = [pattern for sign, pattern in _UNCUT if sign in body]
    return _words("|".join([f"{DEFINED}\n", *uncut, r" ?[^\W_]+", r"\n\s*|\s+|_|[^\w\s]"]))


@cache
def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class Mark(NamedTuple):
    """The letters of a name: where its definition begins, where that ends, and where it is called."""

    opened: str
    closed: str
    called: str


class Alphabet:
    """The letters given out so far, with their words and about what they cost.

    `quotes` and `line_ends` are the letters of those words, `price` the tokens of the next name.
    """

    def __init__(self, stops: frozenset[str]) -> None:
        self._stops = stops
        self._words: dict[str, str] = {}
        self._costs: dict[str, float] = {}
        self._fresh = 0x100
        self.quotes: frozenset[str] = frozenset()
        self.line_ends: frozenset[str] = frozenset()
        self.price = 1

    def spell(self, words: list[str]) -> str:
        """A word that must not be part of an alias gets a letter of its own each time."""
        letters = {
            word: self.letter(word, _cost(word))
            for word in dict.fromkeys(words)
            if self._stops.isdisjoint(word)
        }
        if len(letters) == len(set(words)):
            text = "".join(map(letters.__getitem__, words))
        else:
            text = "".join([letters.get(word) or self.letter(word, 1) for word in words])
        self.quotes = frozenset(letter for letter, word in self._words.items() if word in _QUOTES)
        self.line_ends = frozenset(letter for letter, word in self._words.items() if "\n" in word)
        return text

    @property
    def size(self) -> int:
        """The code of the next letter."""
        return self._fresh

    def letter(self, word: str, cost: float) -> str:
        letter = chr(self._fresh)
        self._fresh += 1 if self._fresh != 0xD7FF else 0x801
        self._words[letter] = word
        self._costs[letter] = cost
        return letter

    def mark(self, name: str) -> Mark:
        self.price = len(name)
        return Mark(self.letter(name + DEFINE, 2), self.letter(DEFINED, 1), self.letter(name, len(name)))

    def costs(self, text: str) -> list[float]:
        """The sum of the costs before each place."""
        costs = self._costs
        return [0.0, *accumulate(map(costs.__getitem__, text))]

    def read(self, text: str) -> str:
        return "".join(map(self._words.__getitem__, text))


def _cost(word: str) -> float:
    """About the tokens of a word."""
    if word.isspace():
        return 1
    if word.isdigit():
        return (len(word) + 2) // 3
    if not word[-1].isalnum():
        return 0.75 if len(word) == 1 else len(word) / 3
    if not word.isascii():
        return max(1, len(word) // 2)
    return 1 + (len(word) - 1) // (9 if word[0] == " " else 6)
