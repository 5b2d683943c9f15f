"""Two readings side by side: either every difference is explained, or there is one that is not.

Rule: a difference that no rule explains ends the walk; there is no score. The walk is linear, each rule looks
at most eight tokens ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from synthlang_router.cache.alignment_pair import Pair, Step
from synthlang_router.cache.alignment_rules import LITERAL_RULES, RULES
from synthlang_router.cache.surface import ASKED, BREAK, EXACT, NUMBER, SYMBOL, WORD, Token
from synthlang_router.cache.surface_case import case_is_free
from synthlang_router.cache.surface_lexicon import Lexicon
from synthlang_router.cache.surface_reading import Reading
from synthlang_router.cache.surface_tables import tables

_UNQUOTED: Final = str.maketrans("", "", "\"'()^~")
_ENDS: Final = "^~.?!:\"'()-–—"
_WH_WITHIN: Final = 4


@dataclass(frozen=True, slots=True)
class Alignment:
    same: bool
    reason: str
    """`surface`, or what kind of token the unexplained difference is."""
    differences: tuple[str, ...]
    """The kinds of the differences explained on the way, sorted."""


def align(left: Reading, right: Reading, lexicon: Lexicon, literal: bool) -> Alignment:
    pair = _pair(left, right, lexicon, literal)
    a, b = left.tokens, right.tokens
    i = j = 0
    starts = (0, 0)
    kinds: set[str] = set()
    while i < len(a) and j < len(b):
        step = _step(pair, i, j)
        if step is None:
            return Alignment(False, _name(a[i], b[j]), tuple(sorted(kinds - {""})))
        if not _same_mood(pair, i, j, starts):
            return Alignment(False, "question mark", tuple(sorted(kinds - {""})))
        starts = (i if _ends_sentence(a[i]) else starts[0], j if _ends_sentence(b[j]) else starts[1])
        i, j = i + step[0], j + step[1]
        kinds.add(step[2])
    same = i == len(a) and j == len(b)
    return Alignment(same, "surface" if same else "length", tuple(sorted(kinds - {""})))


def _pair(left: Reading, right: Reading, lexicon: Lexicon, literal: bool) -> Pair:
    technical = any(token.kind in (EXACT, SYMBOL) for token in (*left.tokens, *right.tokens))
    return Pair(left, right, lexicon, literal, technical)


def _name(a: Token, b: Token) -> str:
    return next(kind for kind in (EXACT, NUMBER, SYMBOL, BREAK, WORD) if kind in (a.kind, b.kind))


def _step(pair: Pair, i: int, j: int) -> Step | None:
    a, b = pair.left.tokens[i], pair.right.tokens[j]
    if a.canon == b.canon and a.kind == b.kind:
        return _equal(pair, i, j)
    if a.quoted and b.quoted:
        return None
    for rule in LITERAL_RULES if pair.literal else RULES:
        step = rule(pair, i, j)
        if step is not None:
            return step
    return None


def _equal(pair: Pair, i: int, j: int) -> Step | None:
    a, b = pair.left.tokens[i], pair.right.tokens[j]
    if a.quoted and b.quoted:
        opens = not a.before.strip("\"'^") and not b.before.strip("\"'^")
        return (1, 1, "") if a.text == b.text and (a.before == b.before or opens) else None
    if not _same_punctuation(pair, i, j) or (a.kind == WORD and not _same_word(pair, i, j)):
        return None
    if a.text == b.text:
        return 1, 1, ""
    return 1, 1, "notation" if a.text.casefold() != b.text.casefold() else "case"


def _same_word(pair: Pair, i: int, j: int) -> bool:
    """In code, quotation marks and the case of a single letter tell something."""
    a, b = pair.left.tokens[i], pair.right.tokens[j]
    if pair.technical and (
        a.quoted != b.quoted or (len(a.text) == 1 and a.text != b.text and a.canon != "i")
    ):
        return False
    return case_is_free(pair.left, i, pair.right, j, pair.lexicon)


def _same_punctuation(pair: Pair, i: int, j: int) -> bool:
    """Commas within a sentence count beside code, and everywhere in a text about language."""
    a, b = pair.left.tokens[i], pair.right.tokens[j]
    if a.before == b.before:
        return True
    if (
        i
        and j
        and pair.left.tokens[i - 1].quoted
        and pair.right.tokens[j - 1].quoted
        and not _closes_alike(a, b)
    ):
        return False
    if not a.text and not b.text:
        return True
    if pair.literal:
        return a.before.translate(_UNQUOTED) == b.before.translate(_UNQUOTED)
    around = (a, pair.left.tokens[i - 1], pair.right.tokens[j - 1]) if i and j else (a,)
    beside_code = any(token.kind in (EXACT, SYMBOL) and token.text for token in around)
    return not beside_code or a.before.strip(_ENDS) == b.before.strip(_ENDS)


def _closes_alike(a: Token, b: Token) -> bool:
    """The marks between the last quoted word and the closing quotation mark."""
    one, other = (token.before.replace("'", '"').partition('"')[0] for token in (a, b))
    return one == other


def _ends_sentence(token: Token) -> bool:
    return token.kind == BREAK or any(mark in ".?!" for mark in token.before)


def _same_mood(pair: Pair, i: int, j: int, starts: tuple[int, int]) -> bool:
    """A question mark on one side only: fine where the other side asks or orders without it."""
    asked = "?" in pair.left.tokens[i].before, "?" in pair.right.tokens[j].before
    if asked[0] == asked[1]:
        return True
    reading, start, end = (pair.right, starts[1], j) if asked[0] else (pair.left, starts[0], i)
    return _asks(reading.tokens[start:end], pair) or _ends_asking(reading.tokens[start:end])


def _ends_asking(sentence: Sequence[Token]) -> bool:
    """ "My dog ate chocolate, what should I do": the last clause has a question's word order."""
    clause = max((at for at, token in enumerate(sentence) if "," in token.before), default=-1)
    return clause >= 0 and sentence[clause].canon in tables().wh | tables().auxiliaries


def _asks(sentence: Sequence[Token], pair: Pair) -> bool:
    """A question word at the start (in other languages: anywhere), an inverted verb, or an order."""
    table = tables()
    words = [token.canon for token in sentence if token.kind != BREAK]
    if not words or ASKED in sentence[0].before or words[0] in table.auxiliaries:
        return True
    if words[0] in table.declaratives:
        return False
    if any(word in table.wh for word in words[:_WH_WITHIN]) or any(
        word in table.interrogatives for word in words
    ):
        return True
    if not (pair.english or pair.literal) or pair.lexicon.flag(words[0]) != "c":
        return False
    return not any(word in table.auxiliaries or word == "'s" for word in words[1:5])
