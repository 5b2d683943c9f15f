"""Two spellings of one word: national variants by rule, and typing errors that hit no other word."""

import re
from collections.abc import Iterator
from typing import Final

from synthlang_router.cache.surface_lexicon import Lexicon

_VARIANTS: Final = (
    (re.compile(r"ll"), "l"),
    (re.compile(r"our(?=$|s|ed|ing|ful|less|er|ab|it|ite|y|hood)"), "or"),
    (re.compile(r"([bcdfghjklmnpqrstvwxz])re(s?)$"), r"\1er\2"),
    (re.compile(r"ys(e|ed|es|er|ing)"), r"yz\1"),
    (re.compile(r"is(e|ed|es|er|ers|ing|ation|ations|able)$"), r"iz\1"),
    (re.compile(r"s(y|ier|iest|iness)$"), r"z\1"),
    (re.compile(r"ogue(s?)$"), r"og\1"),
    (re.compile(r"mme(s?)$"), r"m\1"),
    (re.compile(r"ence(s?)$"), r"ense\1"),
    (re.compile(r"ice(s?)$"), r"ise\1"),
    (re.compile(r"oe|ae"), "e"),
    (re.compile(r"dgement"), "dgment"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"gh"), "g"),
    (re.compile(r"eing$"), "ing"),
    (re.compile(r"(?<=[aeiou])([bcdfgmnprst])\1"), r"\1"),
    (re.compile(r"que(s?)$"), r"k\1"),
)
_SHORTEST_TYPO: Final = 4
_TWO_ERRORS_FROM: Final = 9
_UNMISTAKABLE_FROM: Final = 7
_NAME_FROM: Final = 7
"""Letters from which on a doubled letter is forgiven in a name too."""
_LONGEST: Final = 24
_ENDINGS: Final = frozenset("s es d ed r er n en ing ings ly y e t al ic ist ism or able".split())
_SUBSTANCES: Final = tuple("ol al an ane ene en yne one on ate ite ide ine in ase ose ic ous yl".split())
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def is_variant(a: str, b: str, lexicon: Lexicon) -> bool:
    """colour and color; not filing and filling, which are two words wherever English is written."""
    return (
        _key(a) == _key(b)
        and "d" in (lexicon.flag(a), lexicon.flag(b))
        and lexicon.flag(a) != "" != lexicon.flag(b)
    )


def _key(word: str) -> str:
    if len(word) < 4:
        return word
    for pattern, replacement in _VARIANTS:
        word = pattern.sub(replacement, word)
    return word


def is_typo(a: str, b: str, lexicon: Lexicon) -> bool:
    """One of the two is a common word, the other no word at all and near to that word only."""
    flags = lexicon.flag(a), lexicon.flag(b)
    if "n" in flags and "" in flags:
        return a[0] == b[0] and min(len(a), len(b)) >= _NAME_FROM and _doubles(a, b)
    if flags[0] in ("c", "d") and flags[1] == "":
        return _misspells(b, a, lexicon)
    return flags[1] in ("c", "d") and flags[0] == "" and _misspells(a, b, lexicon)


def _misspells(typo: str, word: str, lexicon: Lexicon) -> bool:
    if not (
        typo.isascii() and typo.isalpha() and typo[0] == word[0] and max(len(typo), len(word)) <= _LONGEST
    ):
        return False
    if _inflects(typo, word) or _names_a_substance(typo, word):
        return False
    if _slips(typo, word):
        return len(word) >= 3
    if len(word) < _SHORTEST_TYPO or not _near(typo, word, 2 if len(word) >= _TWO_ERRORS_FROM else 1):
        return False
    return len(word) >= _UNMISTAKABLE_FROM or all(
        other == word or _inflects(other, word) for other in _words_near(typo, lexicon)
    )


def _inflects(a: str, b: str) -> bool:
    """One is the other with an ending put on: another form of the word, or another word made from it."""
    shorter, longer = sorted((a, b), key=len)
    return longer.startswith(shorter) and longer[len(shorter) :] in _ENDINGS


def _names_a_substance(a: str, b: str) -> bool:
    """ethanol and ethanal, sulfite and sulfide: only the ending tells them apart."""
    return any(
        a.endswith(one) and b.endswith(other) and a.removesuffix(one) == b.removesuffix(other)
        for one in _SUBSTANCES
        for other in _SUBSTANCES
    )


def _slips(typo: str, word: str) -> bool:
    """Two neighbouring letters changed places, or a letter was doubled or not doubled."""
    if len(typo) == len(word):
        at = next(index for index in range(len(word)) if typo[index] != word[index])
        return typo[at : at + 2] == word[at : at + 2][::-1] and typo[at + 2 :] == word[at + 2 :]
    return _doubles(typo, word)


def _doubles(a: str, b: str) -> bool:
    shorter, longer = sorted((a, b), key=len)
    return len(longer) - len(shorter) == 1 and any(
        longer[at] == longer[at - 1] and longer[:at] + longer[at + 1 :] == shorter
        for at in range(1, len(longer))
    )


def _near(a: str, b: str, most: int) -> bool:
    """Damerau's distance (restricted) is at most `most`."""
    if abs(len(a) - len(b)) > most:
        return False
    above: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, last, row = row, above, [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return False
    return row[-1] <= most


def _words_near(typo: str, lexicon: Lexicon) -> Iterator[str]:
    """Common words with the same first letter, one error away."""
    for at in range(1, len(typo) + 1):
        head, tail = typo[:at], typo[at:]
        edits = [head + letter + tail for letter in _LETTERS]
        if tail:
            edits += [head + tail[1:], *(head + letter + tail[1:] for letter in _LETTERS)]
        for edit in edits:
            if edit != typo and lexicon.flag(edit) in ("c", "d"):
                yield edit
