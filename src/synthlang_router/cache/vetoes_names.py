"""Do two texts speak of other names, or of the same names in other parts?"""

from collections.abc import Iterator
from typing import Final

from synthlang_router.cache.alignment_initials import spelled_out
from synthlang_router.cache.alignment_pair import Pair
from synthlang_router.cache.surface import BREAK, WORD, Token
from synthlang_router.cache.surface_lexicon import Lexicon
from synthlang_router.cache.surface_reading import Reading
from synthlang_router.cache.vetoes_tables import veto_tables

_SHORTEST_RARE: Final = 4
_STEM: Final = 5
_PLACED: Final = frozenset({"in", "on", "with", "at", "of", "under"})
"""A name after one of these says where or about what; it may stand anywhere."""
_EVEN: Final = frozenset(
    {"difference", "differ", "differences", "compare", "comparison", "versus", "between", "or"}
)
"""Words beside which two names have equal parts."""


def names_differ(pair: Pair) -> bool:
    """Each side has a name that the other lacks; or the names they share come in another order."""
    left, right = list(_names(pair.left, pair.lexicon)), list(_names(pair.right, pair.lexicon))
    if _lacks(left, pair.left, pair.right) and _lacks(right, pair.right, pair.left):
        return True
    return _reordered(left, right, pair)


def _names(reading: Reading, lexicon: Lexicon) -> Iterator[int]:
    """Where a capital is not explained by the place in the sentence, or no dictionary has the word."""
    for at, token in enumerate(reading.tokens):
        if (
            token.kind != WORD
            or token.text == "I"
            or not token.canon.isalpha()
            or token.canon in veto_tables().unnamed
        ):
            continue
        rare = len(token.canon) >= _SHORTEST_RARE and lexicon.flag(token.canon) not in ("c", "d")
        capital = token.text[0].isupper() and (not _starts(reading, at) or _is_acronym(token))
        if rare or (capital and not reading.shouts):
            yield at


def _is_acronym(token: Token) -> bool:
    return len(token.text) > 1 and token.text.isupper()


def _starts(reading: Reading, at: int) -> bool:
    marks = reading.tokens[at].before
    return any(mark in ".?!:^\"'" for mark in marks) or (at > 0 and reading.tokens[at - 1].kind == BREAK)


def _lacks(names: list[int], here: Reading, there: Reading) -> bool:
    words = {_country(token.canon) for token in there.tokens}
    packed = "".join(token.canon for token in there.tokens)
    return any(not _known(here, at, words, packed) and not _abbreviated(here, at, there) for at in names)


def _known(here: Reading, at: int, words: set[str], packed: str) -> bool:
    """As a word, in a compound, in the plural; an everyday word in another form too."""
    canon = here.tokens[at].canon
    if _country(canon) in words or canon.removesuffix("s") in packed:
        return True
    return here.tokens[at].text.islower() and len(canon) > _STEM and canon[:_STEM] in packed


def _abbreviated(here: Reading, at: int, there: Reading) -> bool:
    """The other side has the words for these initials, or the initials of these words."""
    if any(spelled_out(here.tokens[at], there.tokens, to) for to in range(len(there.tokens))):
        return _is_acronym(here.tokens[at])
    return any(
        start <= at < start + spelled_out(token, here.tokens, start)
        for token in there.tokens
        if _is_acronym(token)
        for start in range(max(0, at - len(token.text)), at + 1)
    )


def _country(canon: str) -> str:
    return veto_tables().countries.get(canon, canon)


def _reordered(left: list[int], right: list[int], pair: Pair) -> bool:
    """Subject and object, from and to: names that say no place come in one order, unless they have equal parts."""
    one, other = _parts(left, pair.left), _parts(right, pair.right)
    shared = [name for name in one if name in other]
    if shared == [name for name in other if name in one]:
        return False
    return not all(
        any(token.canon in _EVEN for token in reading.tokens) for reading in (pair.left, pair.right)
    )


def _parts(names: list[int], reading: Reading) -> list[str]:
    placed = (at for at in names if at == 0 or reading.tokens[at - 1].canon not in _PLACED)
    return list(dict.fromkeys(_country(reading.tokens[at].canon) for at in placed))
