"""What may differ between two readings: one rule for each kind of meaning-free difference.

Rule: a rule looks at one place and claims it or leaves it; none sums up likeness.
"""

from collections.abc import Sequence
from typing import Final
from unicodedata import combining, normalize

from synthlang_router.cache.alignment_initials import explained_initials, initials
from synthlang_router.cache.alignment_pair import Pair, Rule, Step
from synthlang_router.cache.surface import BREAK, EXACT, NUMBER, WORD, Token
from synthlang_router.cache.surface_spelling import is_typo, is_variant
from synthlang_router.cache.surface_tables import tables

_FOLDS: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i"})
_LONG_WORD: Final = 6
"""Letters from which on a word without its accents is rarely another word."""
_ARTICLES: Final = frozenset({"the", "The", "a", "an"})
_PLACES: Final = frozenset({"in", "on", "at"})
"""Before a place: "in a terminal" is "in the terminal"."""
_AFTER_ARTICLE: Final = frozenset("few little lot bit couple number who one most more least us it".split())


def marked_as_code(pair: Pair, i: int, j: int) -> Step | None:
    """`sudo` in back-ticks is sudo without them."""
    a, b = pair.left.tokens[i], pair.right.tokens[j]
    return (1, 1, "marks") if EXACT in (a.kind, b.kind) and a.text == b.text else None


def accents(pair: Pair, i: int, j: int) -> Step | None:
    """Left out by a writer who has none at all, or, in a long word, by one who has no capitals either."""
    a, b = pair.left.tokens[i], pair.right.tokens[j]
    bare = _bare(a.canon)
    if not (a.kind == b.kind == WORD) or bare != _bare(b.canon) or bare not in (a.canon, b.canon):
        return None
    writer = pair.left if bare == a.canon else pair.right
    long = len(bare) >= _LONG_WORD
    many = max(pair.left.accented, pair.right.accented) > 1
    allowed = (writer.accented == 0 and (many or long)) or (writer.lowers and long)
    return (1, 1, "accents") if allowed else None


def _bare(word: str) -> str:
    return "".join(letter for letter in normalize("NFD", word) if not combining(letter)).translate(_FOLDS)


_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def umlauts(pair: Pair, i: int, j: int) -> Step | None:
    """fuer is für."""
    a, b = pair.left.tokens[i], pair.right.tokens[j]
    one, other = a.canon.translate(_UMLAUTS), b.canon.translate(_UMLAUTS)
    return (1, 1, "accents") if a.kind == b.kind == WORD and one == other else None


def roman(pair: Pair, i: int, j: int) -> Step | None:
    """World War I is World War 1: a Roman numeral after a name."""
    for side in pair.sides(i, j):
        token, other, at = side.here.tokens[side.at], side.there.tokens[side.to], side.at
        value = _ROMAN.get(token.text)
        if (
            value is not None
            and other.kind == NUMBER
            and other.canon == value
            and at
            and side.here.tokens[at - 1].text[:1].isupper()
        ):
            return 1, 1, "notation"
    return None


_ROMAN: Final = {
    numeral: str(value) for value, numeral in enumerate("I II III IV V VI VII VIII IX X XI XII".split(), 1)
}


def swapped(pair: Pair, i: int, j: int) -> Step | None:
    """Two single words joined by "and" in the other order; numbers and names keep theirs."""
    one, other = (reading.tokens[at : at + 3] for reading, at in ((pair.left, i), (pair.right, j)))
    if len(one) < 3 or len(other) < 3 or one[1].canon != "and" or other[1].canon != "and" or not pair.english:
        return None
    crossed = one[0].canon == other[2].canon and one[2].canon == other[0].canon
    plain = all(
        t.kind == WORD and not t.quoted and not t.before.strip("^,:") and t.text.islower()
        for t in (*one[:1], *one[2:], *other[:1], *other[2:])
    )
    return (3, 3, "order") if crossed and plain else None


def short_form(pair: Pair, i: int, j: int) -> Step | None:
    """max and maximum; US and United States."""
    a, b = pair.left.tokens[i], pair.right.tokens[j]
    if frozenset((a.canon, b.canon)) in tables().alternatives:
        return 1, 1, "short form"
    for side in pair.sides(i, j):
        for phrase in tables().phrases.get(side.here.tokens[side.at].canon, ()):
            span = side.there.tokens[side.to : side.to + len(phrase)]
            if tuple("" if token.quoted else token.canon for token in span) == phrase:
                return side.step(1, len(phrase), "short form")
    return None


def joined(pair: Pair, i: int, j: int) -> Step | None:
    """e-mail, email; set up, setup. To resign is not to re-sign."""
    for m, n in ((1, 2), (2, 1), (1, 3), (3, 1)):
        one, other = _letters(pair.left.tokens, i, m), _letters(pair.right.tokens, j, n)
        if one and one == other and not one.startswith("re"):
            return m, n, "joined"
    return None


def _letters(tokens: Sequence[Token], at: int, count: int) -> str:
    """The letters of `count` words that only hyphens and spaces part; empty otherwise."""
    span = tokens[at : at + count]
    parted = any(token.before.strip("-") for token in span[1:])
    if len(span) < count or parted or any(token.kind != WORD or token.quoted for token in span):
        return ""
    letters = "".join(token.canon for token in span)
    return letters if letters.isalpha() else ""


def possessive(pair: Pair, i: int, j: int) -> Step | None:
    """The apostrophe left out by a writer who has none: "the prisoners dilemma"; and Socrates', Socrates's."""
    for side in pair.sides(i, j) if not pair.literal else ():
        words, other = side.here.tokens[side.at : side.at + 2], side.there.tokens[side.to]
        if len(words) == 2 and words[1].canon == "'s" and not words[1].quoted and not side.there.apostrophes:
            if words[0].kind == other.kind == WORD and words[0].canon + "s" == other.canon:
                return side.step(2, 1, "apostrophe")
    for side in pair.sides(i, j):
        token, before = side.here.tokens[side.at], side.here.tokens[max(0, side.at - 1)]
        if token.canon == "'s" and before.canon.endswith("s") and "'" in side.there.tokens[side.to].before:
            return side.step(1, 0, "apostrophe")
    return None


def article(pair: Pair, i: int, j: int) -> Step | None:
    """One side has an article more, before a word that is the same on both sides."""
    both = {pair.left.tokens[i].canon, pair.right.tokens[j].canon}
    if both == {"a", "an"} or (both == {"a", "the"} and i and pair.left.tokens[i - 1].canon in _PLACES):
        return 1, 1, "article"
    for side in pair.sides(i, j) if pair.english else ():
        token, after = (
            side.here.tokens[side.at],
            side.here.tokens[min(side.at + 1, len(side.here.tokens) - 1)],
        )
        if token.text not in _ARTICLES or token.quoted or after.canon != side.there.tokens[side.to].canon:
            continue
        if after.kind == WORD and len(after.canon) > 1 and after.canon not in _AFTER_ARTICLE:
            return side.step(1, 0, "article")
    return None


def line_end(pair: Pair, i: int, j: int) -> Step | None:
    """A line end where the other side has the end of a sentence or a clause."""
    for side in pair.sides(i, j):
        token, follower = side.here.tokens[side.at], side.there.tokens[side.to]
        ends = token.kind == BREAK and token.text != "" and (follower.before != "" or token.before != "")
        if ends and follower.kind != EXACT:
            return side.step(1, 0, "line end")
    return None


def spelling(pair: Pair, i: int, j: int) -> Step | None:
    """A national variant or a typing error, unless the same text has the other spelling too."""
    a, b = pair.left.tokens[i], pair.right.tokens[j]
    if not pair.english or not (a.kind == b.kind == WORD) or not (a.canon.isalpha() and b.canon.isalpha()):
        return None
    if b.canon in pair.left.words or a.canon in pair.right.words:
        return None
    if is_variant(a.canon, b.canon, pair.lexicon):
        return 1, 1, "variant"
    capitals = any(token.text.isupper() and len(token.text) > 1 for token in (a, b))
    if capitals and not (pair.left.shouts or pair.right.shouts):
        return None
    return (1, 1, "typo") if is_typo(a.canon, b.canon, pair.lexicon) else None


def opening_is(pair: Pair, i: int, j: int) -> Step | None:
    """ "What's" opens a question about words as "what is" does."""
    both = {pair.left.tokens[i].canon, pair.right.tokens[j].canon}
    opens = i == j == 1 and pair.left.tokens[0].canon in tables().wh
    return (1, 1, "short form") if opens and both == {"is", "'s"} else None


_LONGEST_THING: Final = 3
"""Words of what is owned, and of its owner, up to which a genitive is turned round."""


def genitive(pair: Pair, i: int, j: int) -> Step | None:
    """ "The population of India" is "India's population"."""
    for side in pair.sides(i, j) if pair.english else ():
        here, there = _plain_words(side.here.tokens[side.at :]), _plain_words(side.there.tokens[side.to :])
        if "of" not in here or "'s" not in there:
            continue
        of, owned = here.index("of"), there.index("'s")
        thing, owner = tuple(w for w in here[:of] if w not in _ARTICLES), there[:owned]
        start = of + 1
        size = len(owner) + len(thing) + 1
        if not 0 < len(thing) <= _LONGEST_THING or not 0 < len(owner) <= _LONGEST_THING:
            continue
        if here[start] in _ARTICLES and owner[0] not in _ARTICLES:
            start += 1
        if here[start : start + len(owner)] == owner and there[owned + 1 : size] == thing:
            return side.step(start + len(owner), size, "order")
    return None


def _plain_words(tokens: Sequence[Token]) -> tuple[str, ...]:
    """The next words up to a mark or a quotation."""
    words: list[str] = []
    for at, token in enumerate(tokens[: 2 * _LONGEST_THING + 4]):
        marks = token.before.strip("^~") if at else ""
        if token.kind != WORD or token.quoted or marks:
            break
        words.append(token.canon)
    return tuple([*words, ""])


_SAYING: Final = frozenset(
    "think know say says said saying sure believe guess hope told mean means suppose feel so noticed heard read see found"
    " show shows ensure".split()
)


def joint(pair: Pair, i: int, j: int) -> Step | None:
    """ "I know that it is" and "I know it is"; whether and if inside a sentence; its for it's without apostrophes."""
    both = {pair.left.tokens[i].canon, pair.right.tokens[j].canon}
    if both == {"if", "whether"} and i and j:
        return 1, 1, "joint"
    for side in pair.sides(i, j) if pair.english else ():
        token, other = side.here.tokens[side.at], side.there.tokens[side.to]
        following = side.here.tokens[side.at + 1 : side.at + 2]
        if token.quoted or other.quoted or not following:
            continue
        told = side.at > 0 and side.here.tokens[side.at - 1].canon in _SAYING
        if token.canon == "that" and told and following[0].canon == other.canon:
            return side.step(1, 0, "joint")
        verb = side.there.tokens[side.to + 1].canon if side.to + 1 < len(side.there.tokens) else ""
        if (
            token.canon == "its"
            and other.canon == "it"
            and verb in ("'s", "is")
            and not side.here.apostrophes
        ):
            return side.step(1, 2, "apostrophe")
    return None


def asking_word(pair: Pair, i: int, j: int) -> Step | None:
    """ "What size" and "which size", before the same noun."""
    both = {pair.left.tokens[i].canon, pair.right.tokens[j].canon}
    if both != {"what", "which"} or not pair.english or i + 1 >= len(pair.left.tokens):
        return None
    one, other = pair.left.tokens[i + 1], pair.right.tokens[min(j + 1, len(pair.right.tokens) - 1)]
    noun = one.kind == WORD and one.canon not in tables().auxiliaries and one.canon not in _NO_NOUNS
    return (1, 1, "joint") if noun and one.canon == other.canon else None


_NO_NOUNS: Final = frozenset(
    {"'s", "'re", "of", "one", "ones", "if", "i", "you", "he", "she", "it", "we", "they", "the"}
)


LITERAL_RULES: Final[tuple[Rule, ...]] = (marked_as_code, line_end, opening_is)
RULES: Final[tuple[Rule, ...]] = (
    *LITERAL_RULES, short_form, joined, possessive, article, initials, explained_initials, accents, umlauts, roman, swapped, genitive, joint, asking_word, spelling,
)  # fmt: skip
