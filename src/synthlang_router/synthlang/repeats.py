"""Repeated passages of a frame's body as aliases: written once, named, and called by name afterwards.

Aliases begin and end where words and numbers do, and in JSON where strings or whole members do, so that what is left
can be read. Hot: the repeats are the inner nodes of the suffix tree over words, found by sorting the suffixes that
begin with a pair of words seen before (cut at a reach, and only the promising ones extended).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from synthlang_router.synthlang.grammar import DEFINE, DEFINED, SIGNS
from synthlang_router.synthlang.tokens import count_tokens

_REACH: Final = 48  # words by which suffixes are told apart
_LEAST_GAIN: Final = 4  # tokens
_SHORTEST: Final = 4  # characters
_SOON: Final = 6  # words
_PASSES: Final = 2  # the second finds repeats of what the first has named
_PIECE: Final = re.compile(rf"{DEFINED}\n|\\.| ?[^\W_]+|\s+|_|[^\w\s]", re.DOTALL)
_QUOTE: Final = '"'


def alias(body: str, names: Iterator[str], stops: str, *, json: bool) -> str:
    """The body with its worthwhile repeats named; no alias holds a sign of ours or a character of `stops`."""
    alphabet = _Alphabet(frozenset(stops + SIGNS))
    text = alphabet.spell(body)
    near = range(len(text))
    for _ in range(_PASSES):
        known = alphabet.size
        places = alphabet.in_strings(text) if json else None
        for part in _candidates(text, near, alphabet.costs(text), places, alphabet.quote):
            text = _named(text, part, alphabet, names)
        near = _around(text, known)
    return alphabet.read(_pruned(text, alphabet))


def _pruned(text, alphabet):
    for name, (opened, closed, called) in reversed(alphabet.marks.items()):
        calls = text.count(called)
        at = text.index(opened)
        depth = 0
        for e in range(at, len(text)):
            if text[e] in alphabet.opens:
                depth += 1
            elif text[e] in alphabet.closes:
                depth -= 1
                if not depth:
                    break
        part = text[at + 1 : e]
        n = len(name)
        c = count_tokens(alphabet.read(part), "o200k_base")
        if calls * (c - n) - n - 2 < PR:
            text = text[:at] + part + text[e + 1 :].replace(called, part)
            alphabet.pruned += 1
    return text


PR = 1


class _Alphabet:
    """One letter a word, so that repeats of words are repeats of letters, which Python finds fast."""

    def __init__(self, stops: frozenset[str]) -> None:
        self._stops = stops
        self._words: dict[str, str] = {}
        self._letters: dict[str, str] = {}
        self._costs: dict[str, float] = {}
        self._fresh = 0x100
        self.quote = ""
        self.name_cost = 1
        self.marks = {}
        self.opens = set()
        self.closes = set()
        self.pruned = 0

    def spell(self, body: str) -> str:
        """A word that must not be part of an alias gets a letter of its own each time."""
        letters = self._letters
        out: list[str] = []
        for word in _PIECE.findall(body):
            letter = letters.get(word)
            if letter is None:
                letter = self.letter(word, _cost(word))
                if self._stops.isdisjoint(word):
                    letters[word] = letter
            out.append(letter)
        self.quote = letters.get(_QUOTE, "")
        return "".join(out)

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

    def costs(self, text: str) -> list[float]:
        """The sum of the costs before each place."""
        costs = self._costs
        return [0.0, *accumulate([costs[letter] for letter in text])]

    def in_strings(self, text: str) -> list[bool]:
        """Whether each place of JSON is inside a string. A row of a table begins outside."""
        inside = False
        out: list[bool] = []
        ends = {letter for letter, word in self._words.items() if "\n" in word}
        for letter in text:
            out.append(inside)
            if letter == self.quote:
                inside = not inside
            elif letter in ends:
                inside = False
        return out

    def read(self, text: str) -> str:
        return "".join([self._words[letter] for letter in text])


def _cost(word: str) -> float:
    """About the tokens of a word."""
    if word.isspace():
        return 1
    if word.isdigit():
        return (len(word) + 2) // 3
    if not word[-1].isalnum():
        return 0.75
    if not word.isascii():
        return max(1, len(word) // 2)
    return 1 + (len(word) - 1) // (9 if word[0] == " " else 6)


def _around(text: str, known: int) -> list[int]:
    """The places from which one comes upon a letter that is not among the `known` soon."""
    first = chr(known)
    near: list[int] = []
    for at in [at for at, letter in enumerate(text) if letter >= first]:
        near.extend(range(max(near[-1] + 1 if near else 0, at - _SOON), at + 1))
    return near


def _candidates(
    text: str, near: Sequence[int], costs: Sequence[float], in_strings: Sequence[bool] | None, quote: str
) -> list[str]:
    """Repeats worth a look, the most promising first."""
    found: dict[str, float] = {}
    for start, size, count in _repeats(text, near):
        for head, tail in _readable(text, start, size, in_strings, quote):
            gain = (count - 1) * (costs[tail] - costs[head] - 1)
            if gain > _LEAST_GAIN:
                part = text[head:tail]
                found[part] = max(gain, found.get(part, 0))
    return sorted(found, key=lambda part: (-found[part], part))


def _repeats(text: str, near: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Start, length and number of the repeats that cannot be made longer without becoming fewer."""
    pairs = list(map(str.__add__, text, text[1:]))
    triples = ["", *map(str.__add__, pairs, text[2:])]
    often = Counter(pairs)
    same = Counter(triples)
    last = len(pairs)
    order = [at for at in near if at < last and often[pairs[at]] > max(1, same[triples[at]])]
    order.sort(key=lambda at: text[at : at + _REACH])
    stack: list[tuple[int, int]] = []
    for index in range(1, len(order) + 1):
        common = _common(text, order[index - 1], order[index]) if index < len(order) else 0
        first = index - 1
        while stack and stack[-1][1] > common:
            first, size = stack.pop()
            yield order[first], size, index - first
        if common > 1 and (not stack or stack[-1][1] < common):
            stack.append((first, common))


def _common(text: str, one: int, other: int) -> int:
    """How many letters are the same from these two places on; beyond the reach only where they also begin there."""
    above, below = text[one : one + _REACH], text[other : other + _REACH]
    if above == below:
        if one and other and text[one - 1] == text[other - 1]:
            return len(above)
        return _extended(text, one, other, len(above))
    size = 0
    for step in (16, 4, 1):
        while above[size : size + step] == below[size : size + step]:
            size += step
    return size


def _extended(text: str, one: int, other: int, size: int) -> int:
    step = size
    while step:
        if text[one + size : one + size + step] == text[other + size : other + size + step] and max(one, other) + size + step <= len(text):  # fmt: skip
            size += step
            step *= 2
        else:
            step //= 2
    return size


def _readable(
    text: str, start: int, size: int, in_strings: Sequence[bool] | None, quote: str
) -> Iterator[tuple[int, int]]:
    """The parts of a repeat that do not cut a JSON string: its whole members, and what it holds of a string."""
    end = start + size
    quotes = [at for at in range(start, end) if text[at] == quote] if in_strings is not None else []
    if not quotes or in_strings is None:
        yield start, end
        return
    if in_strings[start]:
        yield start, quotes[0]
        start = quotes[0] + 1
        quotes = quotes[1:]
    if len(quotes) % 2:
        yield quotes[-1] + 1, end
        end = quotes[-1]
    yield start, end


def _named(text: str, part: str, alphabet: _Alphabet, names: Iterator[str]) -> str:
    """The text with the part named at its first place and called at the others, where that is shorter."""
    count = text.count(part)
    if count < 2:
        return text
    words = alphabet.read(part)
    if len(words) < _SHORTEST or words.isspace():
        return text
    price = alphabet.name_cost
    if (count - 1) * (count_tokens(words, "o200k_base") - price) - price - 2 < _LEAST_GAIN:
        return text
    name = next(names, None)
    if name is None:
        return text
    alphabet.name_cost = len(name)
    opened, closed, called = (
        alphabet.letter(word, cost) for word, cost in ((name + DEFINE, 2), (DEFINED, 1), (name, len(name)))
    )
    alphabet.marks[name] = (opened, closed, called)
    alphabet.opens.add(opened)
    alphabet.closes.add(closed)
    head, _, tail = text.partition(part)
    return f"{head}{opened}{part}{closed}{tail.replace(part, called)}"
