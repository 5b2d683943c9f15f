"""Does a difference of case carry meaning? US and us, Polish and polish, MB and Mb do; Berlin and berlin do not."""

from synthlang_router.cache.surface_lexicon import Lexicon
from synthlang_router.cache.surface_reading import Reading
from synthlang_router.cache.surface_tables import tables


def case_is_free(left: Reading, i: int, right: Reading, j: int, lexicon: Lexicon) -> bool:
    """For two tokens of one folded spelling; a token that starts a sentence may be capitalised by position only."""
    a, b = left.tokens[i], right.tokens[j]
    if a.text == b.text or left.shouts or right.shouts:
        return True
    if a.text.lower() != b.text.lower():
        return True  # two spellings of one word: the folding decided already
    if a.text.islower():
        return _lowered(right, j, left, lexicon)
    if b.text.islower():
        return _lowered(left, i, right, lexicon)
    emphasis = a.canon in tables().wh | tables().auxiliaries and len(a.text) > 2
    return emphasis or (len(a.text) >= 4 and _is_no_word(a.text, lexicon))


def _lowered(writer: Reading, at: int, reader: Reading, lexicon: Lexicon) -> bool:
    """`writer` used capitals in this word, and `reader` wrote it without."""
    token = writer.tokens[at]
    text = token.text
    if text == "I" or (text[1:].islower() and any(mark in ".?!:^" for mark in token.before)):
        return True
    if _is_no_word(text, lexicon):
        return text.casefold() not in tables().ambiguous_capitals
    if text.isupper() and len(text) > 1:
        return text.casefold() not in tables().ambiguous_capitals and reader.lowers
    return not reader.capitals or _within_name(writer, at) or _is_place(writer, at)


def _within_name(writer: Reading, at: int) -> bool:
    """A capital beside another one: "Great Barrier Reef" stays a name in lower case, "Turkey" may become a bird."""
    near = writer.tokens[max(0, at - 1) : at] + writer.tokens[at + 1 : at + 2]
    return any(
        token.text[:1].isupper()
        and len(token.text) > 1
        and "^" not in token.before
        and token.canon not in _SMALL
        for token in near
    )


def _is_place(writer: Reading, at: int) -> bool:
    """ "in Python", "in Bash": no article, so no common noun; "in Windows" might be several windows."""
    return at > 0 and writer.tokens[at - 1].canon == "in" and not writer.tokens[at].canon.endswith("s")


_SMALL = frozenset({"the", "a", "an", "i", "i'm"})


def _is_no_word(text: str, lexicon: Lexicon) -> bool:
    return lexicon.flag(text.casefold()) not in ("c", "d")
