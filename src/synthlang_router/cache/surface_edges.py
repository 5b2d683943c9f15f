"""Courtesy at a text's edges: greetings, openers, requests to be told, thanks and signatures.

Rule: what is taken off must stand apart (by punctuation, or before a question word or a verb of asking), so
that "hello world program" and "how do you say thank you" keep their words.
"""

from collections.abc import Sequence
from typing import Final

from synthlang_router.cache.surface import ASKED, BREAK, START, WORD, Token
from synthlang_router.cache.surface_tables import Phrase, Tables, tables

_LONGEST: Final = 12
_ROUNDS: Final = 6


def without_edges(tokens: list[Token], literal: bool) -> list[Token]:
    """At least two words stay. `literal`: take off only what a sentence's end sets apart."""
    table, kept = tables(), tokens
    framed = not literal or _is_one_sentence(tokens)
    for _ in range(_ROUNDS):
        shorter = _closed(_opened(kept, table, literal, framed), table, literal)
        if len(shorter) == len(kept) or len(shorter) < 3:
            break
        kept = shorter
    return kept


def _is_one_sentence(tokens: Sequence[Token]) -> bool:
    """What is asked about words then is all there is: no text of its own follows, whose opening would be part of it."""
    return not any(
        token.kind == BREAK or any(mark in ".?!:\n" for mark in token.before) for token in tokens[:-1]
    )


def _opened(tokens: list[Token], table: Tables, literal: bool, framed: bool) -> list[Token]:
    if tokens[0].canon not in table.first_words:
        return tokens
    for length in range(min(_LONGEST, len(tokens) - 3), 0, -1):
        phrase = _phrase(tokens[:length])
        if phrase is not None and _opens(phrase, tokens[length], table, literal, framed):
            return [tokens[length]._replace(before=START), *tokens[length + 1 :]]
    return tokens


def _phrase(tokens: Sequence[Token]) -> Phrase | None:
    if any(token.quoted or token.kind != WORD for token in tokens if token.kind != BREAK):
        return None
    return tuple(token.canon for token in tokens if token.kind != BREAK)


def _opens(phrase: Phrase, follower: Token, table: Tables, literal: bool, framed: bool) -> bool:
    """`framed`: a request to be told is a frame around the question, even where the text is about words."""
    apart = any(mark in ".,!?:-\n" for mark in follower.before) or follower.kind == BREAK
    if phrase in table.greetings:
        return apart or (not literal and (follower.canon in table.wh or follower.canon in table.auxiliaries))
    if phrase in table.openers:
        return (
            apart
            or follower.canon in table.wh
            or (not literal and (phrase not in _CAREFUL or _begins(follower, table)))
        )
    if phrase in table.askers:
        return follower.canon in table.verbs and framed
    if phrase in table.tellers:
        return follower.canon in table.wh and (framed or apart)
    return phrase == ("please",) and (not literal or follower.canon in table.verbs)


def _begins(token: Token, table: Tables) -> bool:
    """A question, an order or a statement of the speaker begins here, not the rest of "help desk"."""
    return (
        token.canon in table.auxiliaries
        or token.canon in table.verbs
        or token.canon in ("i", "my", "we", "our")
    )


_CAREFUL: Final = frozenset((word,) for word in ("help", "sorry", "question", "so", "well", "ok", "okay"))
_ENDS, _PAUSES = ".!?", ".!?,"
_WEAK: Final = frozenset(
    {*((word,) for word in ("again", "exactly", "then", "anyway", "cheers")), ("or", "not")}
)
"""Words that close a sentence without a meaning only after a comma."""


def _closed(tokens: list[Token], table: Tables, literal: bool) -> list[Token]:
    """The last token is the empty one that carries the closing punctuation."""
    end = len(tokens) - 1
    lengths = range(min(_LONGEST, end - 2), 0, -1) if tokens[end - 1].canon in table.last_words else ()
    for length in lengths:
        first = end - length
        phrase = _phrase(tokens[first:end])
        marks = _ENDS if literal else _PAUSES if phrase in _WEAK else ""
        asks = phrase in table.requests
        if phrase is not None and (asks or phrase in table.closers) and _apart(tokens[first], marks):
            kept = [*tokens[:first], tokens[end]._replace(before=tokens[first].before + tokens[end].before)]
            return [kept[0]._replace(before=kept[0].before + ASKED), *kept[1:]] if asks else kept
    return _unsigned(tokens, table)


def _apart(first: Token, marks: str) -> bool:
    """One of the marks stands before it; none is asked for."""
    return not marks or first.kind == BREAK or any(mark in marks for mark in first.before)


def _unsigned(tokens: list[Token], table: Tables) -> list[Token]:
    """ "Kind regards, Jo": a sign-off after a sentence's end, with at most three words of name."""
    end = len(tokens) - 1
    if not any(token.canon in table.signing_words for token in tokens[max(2, end - 7) : end]):
        return tokens
    for first in range(max(2, end - 7), end):
        start = tokens[first]
        if start.quoted or not (start.kind == BREAK or any(mark in ".!?" for mark in start.before)):
            continue
        tail = [token for token in tokens[first:end] if token.kind != BREAK]
        for length in (3, 2, 1):
            signed = _phrase(tail[:length]) in table.signoffs and len(tail) - length <= 3
            if signed and all(token.kind == WORD for token in tail):
                return [*tokens[:first], tokens[end]._replace(before=start.before)]
    return tokens
