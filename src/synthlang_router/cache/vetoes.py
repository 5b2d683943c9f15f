"""Differences that forbid serving whatever a model thinks of the pair: numbers, names, code, units, opposites, order.

Rule: a veto is right by construction on what it names; likeness of meaning is not its business. It reads the same
tokens as the alignment, so that 3 and three, kg and kilogram, 3 p.m. and 15:00 are one already.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from synthlang_router.cache.alignment_pair import Pair
from synthlang_router.cache.surface import EXACT, NUMBER, SYMBOL, WORD, Token
from synthlang_router.cache.surface_case import case_is_free
from synthlang_router.cache.surface_reading import Reading
from synthlang_router.cache.vetoes_names import names_differ
from synthlang_router.cache.vetoes_tables import veto_tables

Veto = Callable[[Pair], bool]
_PART: Final = re.compile(r"[^\W_]+")
_HALF: Final = 0.5
_MOSTLY: Final = 0.7
"""Share of content words in common from which on their order counts."""


ORDER: Final = "order"
"""The one veto that a model very sure of its case may overrule: an office's address, the address of the office."""


def veto(pair: Pair) -> str | None:
    """The first veto that holds, by name, `ORDER` last; None where a model may be asked."""
    return next((name for name, holds in VETOES.items() if holds(pair)), None)


def _other_language(pair: Pair) -> bool:
    """The vetoes and the model know English only."""
    return not pair.english


def _numbers(pair: Pair) -> bool:
    """Other numbers, or the same in another order. A small one in letters on one side only may be a way of speaking."""
    left, right = list(_figures_of(pair.left)), list(_figures_of(pair.right))
    one, other = [token.canon for token in left], [token.canon for token in right]
    if one == other:
        return False
    more, less = Counter(one) - Counter(other), Counter(other) - Counter(one)
    if (more and less) or not (more or less):
        return True
    spelled = {token.canon for token in (*left, *right) if token.text.isalpha()}
    return not all(
        number in spelled and number.removeprefix("#") in _SMALL_NUMBERS for number in more or less
    )


def _figures_of(reading: Reading) -> Iterator[Token]:
    """ "one" is mostly a pronoun."""
    found = (t for t in reading.tokens if t.kind == NUMBER or t.canon.startswith("#") or t.text in _ROMAN)
    return (t for t in found if not (t.canon == "1" and t.text.isalpha()))


_SMALL_NUMBERS: Final = frozenset({"0", "1", "2", "3"})
_ROMAN: Final = frozenset("II III IV VI VII VIII IX XI XII".split())


def _code(pair: Pair) -> bool:
    """Code, an address or an identifier that the other side does not hold, or holds in another place."""
    left, right = _pieces(pair.left), _pieces(pair.right)
    if sorted(left) == sorted(right):
        return bool(left) and _figures(pair.left) != _figures(pair.right)
    one, other = _missing(left, pair.right), _missing(right, pair.left)
    if one and other:
        return True
    return not all(_in_parts(piece, pair.right) for piece in one) or not all(
        _in_parts(piece, pair.left) for piece in other
    )


def _figures(reading: Reading) -> list[str]:
    """All that is no word, in its order: "0 2 * * 1" is not "0 2 1 * *"."""
    return [token.canon for token in reading.tokens if token.kind in (EXACT, SYMBOL, NUMBER)]


def _pieces(reading: Reading) -> list[str]:
    found = (t for t in reading.tokens if t.kind in (EXACT, SYMBOL) or (t.kind == WORD and _is_identifier(t)))
    return [token.text.casefold().strip(".,;:") for token in found]


def _missing(pieces: list[str], there: Reading) -> list[str]:
    packed = "".join(token.text.casefold() for token in there.tokens)
    return [piece for piece in pieces if piece not in packed]


def _in_parts(piece: str, there: Reading) -> bool:
    """events(user_id) is held by a text with the words events and user_id."""
    parts = _PART.findall(piece)
    words = set(_PART.findall(" ".join(token.text.casefold() for token in there.tokens)))
    return bool(parts) and words.issuperset(parts)


def _is_identifier(token: Token) -> bool:
    return any(letter.isdigit() for letter in token.canon) and not token.canon.startswith("#")


def _quotation(pair: Pair) -> bool:
    one, other = (
        " ".join(t.canon for t in reading.tokens if t.quoted) for reading in (pair.left, pair.right)
    )
    return bool(one) and bool(other) and one != other


def _units(pair: Pair) -> bool:
    """Each side measures in something the other does not."""
    one, other = (_words(reading) & veto_tables().units for reading in (pair.left, pair.right))
    return bool(one - other) and bool(other - one)


def _opposites(pair: Pair) -> bool:
    """One side says hot where the other says cold; raised and reducing count as raise and reduce."""
    left, right = _words(pair.left), _words(pair.right)
    for one, other in veto_tables().opposites:
        here, there = (_has(left, one), _has(left, other)), (_has(right, one), _has(right, other))
        if here != there and here[0] != here[1] and there[0] != there[1]:
            return True
    return False


def _has(words: set[str], stem: str) -> bool:
    if stem in words:
        return True
    bare = stem.removesuffix("e")
    return len(bare) >= _SHORTEST_STEM and any(
        word.startswith(bare) and word[len(bare) :] in _ENDINGS for word in words
    )


_SHORTEST_STEM: Final = 4
_ENDINGS: Final = frozenset("s es ed d ing er ens ened ening ly".split())


def _case(pair: Pair) -> bool:
    """MW and mW, Tt and tt: the model reads no capitals."""
    left, right = _spellings(pair.left), _spellings(pair.right)
    for canon in left.keys() & right.keys():
        one, other = left[canon], right[canon]
        for text in one.keys() ^ other.keys():
            here = one.get(text, next(iter(one.values())))
            there = other.get(text, next(iter(other.values())))
            if not case_is_free(pair.left, here, pair.right, there, pair.lexicon):
                return True
    return False


def _spellings(reading: Reading) -> dict[str, dict[str, int]]:
    """For each word the ways it is written, and where."""
    found: dict[str, dict[str, int]] = {}
    for at, token in enumerate(reading.tokens):
        if token.kind == WORD:
            found.setdefault(token.canon, {}).setdefault(token.text, at)
    return found


def _direction(pair: Pair) -> bool:
    """From A on one side, from B on the other, where both know A and B."""
    left, right = _words(pair.left), _words(pair.right)
    for word in veto_tables().directions:
        one, other = _after(word, pair.left), _after(word, pair.right)
        if one and other and one != other and (other in left or one in right):
            return True
    return False


def _after(word: str, reading: Reading) -> str:
    """The first content word after `word`; empty where there is none."""
    small, found = veto_tables().small, False
    for token in reading.tokens:
        if found and token.canon not in small:
            return token.canon
        found = found or token.canon == word
    return ""


def _negation(pair: Pair) -> bool:
    """One negation more, in texts that have half their words in common: reworded ones negate as they like."""
    negations = veto_tables().negations
    one, other = (sum(t.canon in negations for t in reading.tokens) for reading in (pair.left, pair.right))
    left, right = (set(_content(reading)) - negations for reading in (pair.left, pair.right))
    return one % 2 != other % 2 and len(left & right) >= _HALF * len(left | right)


def _classes(pair: Pair) -> bool:
    """Of a closed class (units, quantifiers, formats, question words) each side has a word the other lacks."""
    left, right = _words(pair.left), _words(pair.right)
    for members in veto_tables().classes.values():
        one, other = ({members[word] for word in words if word in members} for words in (left, right))
        if one - other and other - one:
            return True
    return False


def _order(pair: Pair) -> bool:
    """Mostly the same words in another order: who does what to whom."""
    left, right = list(_content(pair.left)), list(_content(pair.right))
    shared = [word for word in dict.fromkeys(left) if word in right]
    if len(shared) < _MOSTLY * max(len(set(left)), len(set(right))):
        return False
    return shared != [word for word in dict.fromkeys(right) if word in left]


def _one_word(pair: Pair) -> bool:
    """The texts are one but for a single word, and no rule explains that one: mostly it is the point."""
    left, right = ([t.canon for t in reading.tokens if t.canon] for reading in (pair.left, pair.right))
    if len(left) != len(right):
        return False
    return sum(one != other for one, other in zip(left, right, strict=True)) == 1


def _content(reading: Reading) -> Iterator[str]:
    small = veto_tables().small
    return (token.canon for token in reading.tokens if token.kind == WORD and token.canon not in small)


def _words(reading: Reading) -> set[str]:
    return {token.canon for token in reading.tokens if token.kind == WORD}


VETOES: Final[dict[str, Veto]] = {
    "other language": _other_language,
    "numbers": _numbers,
    "code": _code,
    "quotation": _quotation,
    "names": names_differ,
    "units": _units,
    "opposites": _opposites,
    "case": _case,
    "direction": _direction,
    "negation": _negation,
    "closed class": _classes,
    "one word": _one_word,
    ORDER: _order,
}
