"""Repeated passages of a frame's body as aliases: written once, named, and called by name afterwards.

Aliases begin and end where words and numbers do, and in JSON where strings or whole members do, so that what is left
can be read. Hot: repeats are the inner nodes of the suffix tree over words, found by sorting those suffixes that
begin with a pair of words seen more often than what stands before it (cut at a reach, and only promising ones
extended): about 1 ms per 1,000 tokens, where a suffix automaton in Python took six.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import Final, NamedTuple, Protocol

from synthlang_router.synthlang.grammar import DEFINE, DEFINED, SIGNS, Names
from synthlang_router.synthlang.json_spans import find_fences
from synthlang_router.synthlang.tokens import count_tokens

MAX_BODY: Final = (
    262_144  # characters; a longer body keeps its repeats (200 bytes of keys per word would be held)
)
_REACH: Final = 48  # words by which suffixes are told apart
_MOST_TRIES: Final = 300  # candidates looked at in one pass, each at the price of a search through the text
_SEED: Final = 3  # words that must come again for a place to be looked at
_SOON: Final = 12  # words before a name at which the second pass begins to look
_QUOTE: Final = '"'


class Taste(NamedTuple):
    """What makes a repeat worth a name: tokens gained, and words, unless it comes often.

    The second pass finds repeats of what the first has named. `thorough` is one pass more, and each through all of
    the text again: a tenth more is found in half as much time again.
    """

    gain: int
    words: int
    often: int
    thorough: bool = False


_Repeat = tuple[int, int, int]  # where it stands first, of how many words it is, how often it comes


class _Mark(NamedTuple):
    opened: str
    closed: str
    called: str


def alias(body: str, names: Names, taste: Taste, *, stops: str = "", json: bool = False) -> str:
    """The body with its worthwhile repeats named; no alias holds a sign of ours or a character of `stops`."""
    if len(body) > MAX_BODY:
        return body
    alphabet = _Alphabet(frozenset(stops + SIGNS + "".join(names.taken)))
    text = alphabet.spell(_words_of(body, json=json))
    places, repeats = _first_look(text, taste)
    for _ in range(3 if taste.thorough else 2):
        known = alphabet.size
        costs = alphabet.costs(text)
        repeats += _repeats(text, places, costs, taste.gain)
        shape = _Strings(text, alphabet) if json else _Lines(text, alphabet)
        for part in _candidates(text, repeats, costs, shape, taste):
            if not names:
                break
            text = _named(text, part, alphabet, names, taste)
        if alphabet.size == known:
            break
        if taste.thorough:
            places, repeats = _first_look(text, taste)
        else:
            places, repeats = _before_names(text, chr(known)), []
    return alphabet.read(text)


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


def _words_of(body: str, *, json: bool) -> list[str]:
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
        return _words(rf"{DEFINED}\n|\\[^\n]| ?[^\W_]+|\s+|_|[^\w\s]")
    uncut = [pattern for sign, pattern in _UNCUT if sign in body]
    return _words("|".join([f"{DEFINED}\n", *uncut, r" ?[^\W_]+", r"\n\s*|\s+|_|[^\w\s]"]))


@cache
def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class _Alphabet:
    """One letter a word, so that repeats of words are repeats of letters, which Python finds fast."""

    def __init__(self, stops: frozenset[str]) -> None:
        self._stops = stops
        self._words: dict[str, str] = {}
        self._costs: dict[str, float] = {}
        self._fresh = 0x100
        self.quote = ""
        self.line_ends: frozenset[str] = frozenset()
        self.price = 1  # tokens of the next name

    def spell(self, words: list[str]) -> str:
        """A word that must not be part of an alias gets a letter of its own each time."""
        letters = {
            word: self.letter(word, _cost(word))
            for word in dict.fromkeys(words)
            if self._stops.isdisjoint(word)
        }
        text = "".join([letters.get(word) or self.letter(word, 1) for word in words])
        self.quote = letters.get(_QUOTE, "")
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

    def mark(self, name: str) -> _Mark:
        self.price = len(name)
        return _Mark(self.letter(name + DEFINE, 2), self.letter(DEFINED, 1), self.letter(name, len(name)))

    def costs(self, text: str) -> list[float]:
        """The sum of the costs before each place."""
        costs = self._costs
        return [0.0, *accumulate([costs[letter] for letter in text])]

    def read(self, text: str) -> str:
        return "".join([self._words[letter] for letter in text])


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


def _candidates(
    text: str, repeats: Sequence[_Repeat], costs: Sequence[float], shape: _Shape, taste: Taste
) -> list[str]:
    """Repeats worth a look, the most promising first."""
    found: dict[str, float] = {}
    for start, size, count in repeats:
        for head, tail in shape.parts(start, start + size):
            gain = (count - 1) * (costs[tail] - costs[head] - 1)
            if gain > taste.gain and (tail - head >= taste.words or count >= taste.often):
                part = text[head:tail]
                found[part] = max(gain, found.get(part, 0))
    return sorted(found, key=lambda part: (-found[part], part))[:_MOST_TRIES]


def _repeats(text: str, places: list[int], costs: Sequence[float], least: float) -> list[_Repeat]:
    """The repeats from these places on that cannot be made longer without becoming fewer, and may pay."""
    found: list[_Repeat] = []
    places.sort(key=lambda at: text[at : at + _REACH])
    keys = [text[at : at + _REACH] for at in places]
    keys.append("")  # ends what is still open
    places.append(-1)
    stack: list[tuple[int, int]] = []
    top = 0
    for index in range(1, len(keys)):
        above, below = keys[index - 1], keys[index]
        common = 0
        if above[:_SEED] == below[:_SEED]:
            common = _common(text, places[index - 1], places[index], above, below)
        first = index - 1
        while top > common:
            first, size = stack.pop()
            start, count = places[first], index - first
            if (count - 1) * (costs[start + size] - costs[start] - 1) > least:
                found.append((start, size, count))
            top = stack[-1][1] if stack else 0
        if top < common:
            stack.append((first, common))
            top = common
    return found


def _first_look(text: str, taste: Taste) -> tuple[list[int], list[_Repeat]]:
    """The places where a longer repeat may begin, and the short repeats that come often: start, length and number.

    A repeat that always follows the same word is part of a longer one, which is found at that word.
    """
    pairs = list(map(str.__add__, text, text[1:]))
    seeds = list(map(str.__add__, pairs, text[2:]))
    before = ["", *map(str.__add__, text, seeds[1:])]
    often, same = Counter(seeds), Counter(before)
    places = [at for at, seed in enumerate(seeds) if often[seed] > 1 and often[seed] > same[before[at]]]
    short = [
        (text.index(part), len(part), count)
        for counts in (Counter(text), Counter(pairs))
        for part, count in counts.items()
        if count >= taste.often
    ]
    return places, short


def _before_names(text: str, first: str) -> list[int]:
    """The places from which one soon comes upon a letter that is not older than `first`."""
    near: list[int] = []
    for at in [at for at, letter in enumerate(text) if letter >= first]:
        near.extend(range(max(near[-1] + 1 if near else 0, at - _SOON), at + 1))
    return near


def _common(text: str, one: int, other: int, above: str, below: str) -> int:
    """How many letters two suffixes share, beyond the reach only where they do not follow the same letter."""
    if above == below:
        if one and other and text[one - 1] == text[other - 1]:
            return len(above)
        return _extended(text, one, other, len(above))
    size = _SEED
    while above[size : size + 8] == below[size : size + 8]:
        size += 8
    while above[size : size + 1] == below[size : size + 1]:
        size += 1
    return size


def _extended(text: str, one: int, other: int, size: int) -> int:
    limit = len(text) - max(one, other)
    step = size
    while step:
        if size + step <= limit and text.startswith(text[one + size : one + size + step], other + size):
            size += step
            step *= 2
        else:
            step //= 2
    return size


class _Shape(Protocol):
    """What a repeat must not cut."""

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int]]: ...


class _Lines:
    """Text: a repeat goes without the line ends around it."""

    def __init__(self, text: str, alphabet: _Alphabet) -> None:
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

    def __init__(self, text: str, alphabet: _Alphabet) -> None:
        self._text = text
        self._quote = alphabet.quote
        self._quotes = [0, *accumulate([letter == alphabet.quote for letter in text])]
        self._lines = [0, *(at + 1 for at, letter in enumerate(text) if letter in alphabet.line_ends)]

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        quotes = self._quotes
        count = quotes[end] - quotes[start]
        if not count:
            yield start, end
            return
        line = self._lines[bisect_right(self._lines, start) - 1]  # a row of a table begins outside of strings
        if (quotes[start] - quotes[line]) % 2:
            first = self._text.index(self._quote, start)
            yield start, first
            start, count = first + 1, count - 1
        if count % 2:
            last = self._text.rindex(self._quote, start, end)
            yield last + 1, end
            end = last
        yield start, end


def _named(text: str, part: str, alphabet: _Alphabet, names: Names, taste: Taste) -> str:
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
