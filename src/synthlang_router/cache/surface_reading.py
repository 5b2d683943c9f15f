"""A text read for comparison: its tokens in one spelling, and the habits of its writer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from synthlang_router.cache.surface import BREAK, NUMBER, WORD, Token, normal_form, tokenise
from synthlang_router.cache.surface_edges import without_edges
from synthlang_router.cache.surface_numbers import in_one_notation
from synthlang_router.cache.surface_order import in_one_order, in_one_wording
from synthlang_router.cache.surface_tables import Tables, tables

_DROPPED: Final = frozenset({"please", "kindly", "um", "uh", "umm", "erm"})


@dataclass(frozen=True, slots=True)
class Reading:
    tokens: tuple[Token, ...]
    capitals: bool
    """The writer uses capitals, if only to start a sentence: a word in lower case then tells something."""
    acronyms: bool
    """The writer capitalises acronyms."""
    lowers: bool
    """No capitals but at the start of sentences and in single letters."""
    apostrophes: bool
    """The writer uses them."""
    shouts: bool
    """All in capitals."""
    words: tuple[str, ...]
    """The first words as written, to tell the language by."""
    accented: int
    """How many words have a letter beyond ASCII; a writer without any may leave accents out."""


def cut(text: str) -> list[Token]:
    return tokenise(normal_form(text))


def speaks_of_language(tokens: Sequence[Token]) -> bool:
    """The question is about words as such, so that spelling is its subject: "40 words" is only a length."""
    table = tables()
    canons = [token.canon for token in tokens]
    for at, canon in enumerate(canons):
        counted = at > 0 and (
            tokens[at - 1].kind == NUMBER or canons[at - 1] in table.numbers or canons[at - 1] in table.scales
        )
        if canon in table.language_words and not counted:
            return True
        if (
            tuple(canons[at : at + 2]) in table.language_phrases
            or tuple(canons[at : at + 3]) in table.language_phrases
        ):
            return True
    return False


def read(tokens: Sequence[Token], literal: bool) -> Reading:
    """`literal` keeps every word as it is spelled and takes off the edges only what stands apart."""
    table = tables()
    if literal:
        kept = without_edges(list(tokens), literal=True)
        kept = in_one_wording([*_spelled(kept[:1], table), *kept[1:]])
    else:
        kept = without_edges(list(_spelled(tokens, table)), literal=False)
        kept = in_one_notation(list(_without_please(in_one_wording(kept), table)))
        kept = in_one_order(list(_units(kept, table)))
    return _with_habits(kept, tokens)


def _spelled(tokens: Sequence[Token], table: Tables) -> Iterator[Token]:
    for token in tokens:
        if token.kind != WORD or token.quoted:
            yield token
            continue
        words = table.contractions.get(token.canon) or table.spellings.get(token.canon)
        if words is None:
            words = _negated(token.canon)
        if words is None:
            yield token
            continue
        yield token._replace(canon=words[0])
        for word in words[1:]:
            yield Token(word, word, WORD)


_HALVES: Final = {"'m": "am", "'re": "are", "'ve": "have", "'ll": "will"}


def _negated(canon: str) -> tuple[str, ...] | None:
    if canon.endswith("n't"):
        return canon[:-3], "not"
    half = _HALVES.get(canon)
    return None if half is None else (half,)


def _without_please(tokens: Sequence[Token], table: Tables) -> Iterator[Token]:
    """And without "exactly" after a question word."""
    before, dropped, last = "", "", ""
    for token in tokens:
        filler = token.canon in _DROPPED or (token.canon == "exactly" and last in table.wh)
        last = token.canon
        if token.kind == WORD and filler and not token.quoted and token.canon != dropped:
            before, dropped = before + token.before, token.canon
        else:
            yield token._replace(before=before + token.before) if before else token
            before, dropped = "", ""


def _units(tokens: Sequence[Token], table: Tables) -> Iterator[Token]:
    for token in tokens:
        unit = None if token.quoted or token.kind != WORD else table.units.get(token.canon)
        if unit in ("celsius", "fahrenheit") or token.canon in ("celsius", "fahrenheit"):
            yield token._replace(canon=unit or token.canon)
        elif token.canon not in ("degree", "degrees"):
            yield token if unit is None else token._replace(canon=unit)


def _with_habits(kept: Sequence[Token], written: Sequence[Token]) -> Reading:
    words = [token for token in written if token.kind == WORD and token.text[:1].isalpha()]
    shouts = len(words) >= 3 and all(token.text.isupper() or len(token.text) == 1 for token in words)
    inner = (
        []
        if shouts
        else [token for at, token in enumerate(written) if token.kind == WORD and not _starts(written, at)]
    )
    return Reading(
        tokens=tuple(kept),
        capitals=not shouts and any(token.text[0].isupper() and token.text != "I" for token in words),
        acronyms=any(len(token.text) > 1 and token.text.isupper() for token in inner),
        lowers=not any(len(token.text) > 1 and not token.text.islower() for token in inner),
        words=tuple(t.canon for t in words[:40] if len(t.canon) > 1 and (shouts or not t.text.isupper())),
        apostrophes=any("'" in token.text or "'" in token.before for token in written),
        shouts=shouts,
        accented=sum(not token.text.isascii() for token in words),
    )


def _starts(tokens: Sequence[Token], at: int) -> bool:
    """First word of a text, a line, a sentence or a quotation."""
    return at == 0 or tokens[at - 1].kind == BREAK or any(mark in ".?!:\"'(" for mark in tokens[at].before)
