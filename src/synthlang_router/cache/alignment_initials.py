"""Initials and the words they stand for: NYSE, New York Stock Exchange; "a key performance indicator (KPI)"."""

from collections.abc import Sequence
from typing import Final

from synthlang_router.cache.alignment_pair import Pair, Step
from synthlang_router.cache.surface import WORD, Token

_LONGEST: Final = 8
_MOST_LETTERS: Final = 6
_SMALL: Final = frozenset({"and", "of", "the", "for", "in", "to", "on"})


def initials(pair: Pair, i: int, j: int) -> Step | None:
    """Capitals on one side that are the first letters of the words on the other."""
    for side in pair.sides(i, j):
        short = side.here.tokens[side.at]
        capital = short.text.isupper() or side.here.lowers
        if short.kind != WORD or not 2 <= len(short.canon) <= _MOST_LETTERS or not capital:
            continue
        words = side.there.tokens
        count = spelled_out(short, words, side.to)
        if count:
            return side.step(1, count + _named(words, side.to + count, short), "initials")
    return None


def explained_initials(pair: Pair, i: int, j: int) -> Step | None:
    """Brackets on one side that give the initials of the words before them, or the words of the initials."""
    for side in pair.sides(i, j):
        words, at = side.here.tokens, side.at
        if at == 0 or "(" not in words[at].before or words[at].kind != WORD:
            continue
        count = 1 if _sums_up(words, at) else spelled_out(words[at - 1], words, at)
        if count and at + count < len(words) and ")" in words[at + count].before:
            return side.step(count, 0, "initials")
    return None


def _named(tokens: Sequence[Token], at: int, short: Token) -> int:
    """1 if the initials themselves follow in brackets."""
    return int(at < len(tokens) and tokens[at].canon == short.canon and "(" in tokens[at].before)


def _sums_up(tokens: Sequence[Token], at: int) -> bool:
    """The token is the initials of the words just before it."""
    letters = tokens[at].canon
    if not tokens[at].text.isupper():
        return False
    if "".join(token.canon[:1] for token in tokens[max(0, at - len(letters)) : at]) == letters:
        return True
    backs = range(2, min(_LONGEST, at) + 1)
    return any(spelled_out(tokens[at], tokens, at - back) == back for back in backs)


def spelled_out(short: Token, tokens: Sequence[Token], at: int) -> int:
    """How many words from `at` on the initials stand for; 0 if they do not. Small words may be left out."""
    for skipped in (frozenset[str](), _SMALL):
        count = _count(short, tokens, at, skipped)
        if count:
            return count
    return 0


def _count(short: Token, tokens: Sequence[Token], at: int, skipped: frozenset[str]) -> int:
    letters = short.canon
    for count, token in enumerate(tokens[at : at + _LONGEST], 1):
        if token.kind != WORD or token.quoted or (count > 1 and token.before.strip("-")):
            return 0
        if letters.startswith(token.canon[:1]):
            letters = letters[1:]
        elif token.canon not in skipped:
            return 0
        if not letters:
            return count if _is_name(tokens[at : at + count], short) else 0
    return 0


def _is_name(words: Sequence[Token], short: Token) -> bool:
    """Capitalised words, or three and more that capitals sum up."""
    capital = all(token.text[:1].isupper() or token.canon in _SMALL for token in words)
    whole = all(len(token.text) > 1 for token in words)
    return whole and (capital or (short.text.isupper() and len(words) > 2))
