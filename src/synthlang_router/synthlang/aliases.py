"""Repeated passages of a frame's body as aliases: written once, named, and called by name afterwards.

Aliases begin and end where words and numbers do, and in JSON where strings or whole members do, so that what is left
can be read.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple, Protocol

from synthlang_router.synthlang.alphabet import Alphabet, words_of
from synthlang_router.synthlang.grammar import SIGNS, Names
from synthlang_router.synthlang.repeats import Look, Repeat, before_letters, first_look, repeats_from
from synthlang_router.synthlang.tokens import count_tokens

MAX_BODY: Final = 262_144
"""Characters; a longer body keeps its repeats (about 200 bytes a word would be held to sort them)."""

_MOST_TRIES: Final = 300  # candidates looked at in one pass, each at the price of a search through the text


class Taste(NamedTuple):
    """What makes a repeat worth a name: tokens gained, and words, unless it comes often.

    The second pass finds repeats of what the first has named. `thorough` is one pass more, and each through all of
    the text again: a tenth more is found in half as much time again.
    """

    gain: int
    words: int
    often: int
    look: Look
    thorough: bool = False


def alias(body: str, names: Names, taste: Taste, *, stops: str = "", json: bool = False) -> str:
    """The body with its worthwhile repeats named; no alias holds a sign of ours or a character of `stops`."""
    if len(body) > MAX_BODY:
        return body
    alphabet = Alphabet(frozenset(stops + SIGNS + "".join(names.taken)))
    text = alphabet.spell(words_of(body, json=json))
    places, repeats = first_look(text, taste.often, taste.look)
    for _ in range(3 if taste.thorough else 2):
        known = alphabet.size
        costs = alphabet.costs(text)
        repeats += repeats_from(text, places, costs, taste.gain, taste.look)
        shape = _Strings(text, alphabet) if json else _Lines(text, alphabet)
        for part in _candidates(text, repeats, costs, shape, taste):
            if not names:
                break
            text = _named(text, part, alphabet, names, taste)
        if alphabet.size == known:
            break
        if taste.thorough:
            places, repeats = first_look(text, taste.often, taste.look)
        else:
            places, repeats = before_letters(text, chr(known)), []
    return alphabet.read(text)


def _candidates(
    text: str, repeats: Sequence[Repeat], costs: Sequence[float], shape: _Shape, taste: Taste
) -> list[str]:
    """Repeats worth a look, the most promising first."""
    found: dict[str, float] = {}
    for start, size, count in repeats:
        if (count - 1) * (costs[start + size] - costs[start] - 1) <= taste.gain:
            continue  # nor would a part of it
        for head, tail in shape.parts(start, start + size):
            gain = (count - 1) * (costs[tail] - costs[head] - 1)
            if gain > taste.gain and (tail - head >= taste.words or count >= taste.often):
                part = text[head:tail]
                found[part] = max(gain, found.get(part, 0))
    return sorted(found, key=lambda part: (-found[part], part))[:_MOST_TRIES]


class _Shape(Protocol):
    """What a repeat must not cut."""

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int]]: ...


class _Lines:
    """Text: a repeat goes without the line ends around it."""

    def __init__(self, text: str, alphabet: Alphabet) -> None:
        self._text = text
        self._ends = alphabet.line_ends

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        while start < end and self._text[start] in self._ends:
            start += 1
        while start < end and self._text[end - 1] in self._ends:
            end -= 1
        if start < end:
            yield start, end


class _Strings:
    """JSON: of a repeat the whole members, and what it holds of a string at its ends, are taken apart."""

    def __init__(self, text: str, alphabet: Alphabet) -> None:
        quotes, ends = alphabet.quotes, alphabet.line_ends
        self._quotes = [0, *accumulate(map(quotes.__contains__, text))]
        self._lines = [0, *(at + 1 for at, letter in enumerate(text) if letter in ends)] if ends else [0]

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        quotes = self._quotes
        count = quotes[end] - quotes[start]
        if not count:
            yield start, end
            return
        line = self._lines[bisect_right(self._lines, start) - 1]  # a row of a table begins outside of strings
        if (quotes[start] - quotes[line]) % 2:
            first = bisect_left(quotes, quotes[start] + 1, start) - 1
            yield start, first
            start, count = first + 1, count - 1
        if count % 2:
            last = bisect_left(quotes, quotes[end], start) - 1
            yield last + 1, end
            end = last
        yield start, end


def _named(text: str, part: str, alphabet: Alphabet, names: Names, taste: Taste) -> str:
    """The text with the part named at its first place and called at the others, where that is shorter."""
    count = text.count(part)
    if count < 2 or (len(part) < taste.words and count < taste.often):
        return text
    words = alphabet.read(part)
    price = alphabet.price
    if words.isspace() or (count - 1) * (count_tokens(words, "o200k_base") - price) - price - 2 < taste.gain:
        return text
    mark = alphabet.mark(names.take())
    head, _, tail = text.partition(part)
    return f"{head}{mark.opened}{part}{mark.closed}{tail.replace(part, mark.called)}"
