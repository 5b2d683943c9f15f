"""Orders and frames of a question that ask for the same: "in Bash, how ...", "A vs B: what's the difference?".

Rule: a frame is rewritten only as a whole, and both texts go through the same rewriting, so that what remains
still has to match word for word.
"""

from collections.abc import Sequence
from typing import Final

from synthlang_router.cache.surface import ASKED, BREAK, START, WORD, Token
from synthlang_router.cache.surface_tables import Tables, tables

_HOW: Final = (
    ("how", "to"),
    *(("how", verb, who) for verb in ("do", "can", "could", "would", "might") for who in ("i", "1")),
    ("how", "does", "1"),  # "one" is a number by now
)
_FRONTED: Final = frozenset({"in", "on", "for", "with"})
_LONGEST_FRONT: Final = 4
_WHAT_IS: Final = (("what", "is", "the"), ("what", "'s", "the"), ("what", "are", "the"))
_JOINTS: Final = frozenset({"and", "or", "versus"})
_ARTICLES: Final = frozenset({"a", "an", "the"})


def in_one_order(tokens: list[Token]) -> list[Token]:
    """The last token is the empty one that carries the closing punctuation."""
    table = tables()
    framed = _how(_embedded(_unfronted(_with_topic(_reopened(tokens), table), table), table))
    framed = _without_what_is(_unversus(framed))
    return _paired(framed)


def in_one_wording(tokens: list[Token]) -> list[Token]:
    """ "What is the meaning of X", "what X means": what does X mean. Good for texts about words too."""
    canons = _canons(tokens)
    if len(canons) < 4 or canons[0] != "what" or any(token.kind == BREAK for token in tokens[:-1]):
        return tokens
    does, mean = Token("does", "does", WORD), Token("mean", "mean", WORD)
    if canons[1] in ("is", "'s") and canons[2:5] == ("the", "meaning", "of") and len(canons) > 6:
        return [tokens[0], does, *tokens[5:-1], mean, tokens[-1]]
    if (
        canons.count("means") == 1
        and canons.index("means") > 1
        and canons[1] not in ("is", "'s", "does", "it")
    ):
        at = canons.index("means")
        return [
            tokens[0],
            does,
            *tokens[1:at],
            tokens[at]._replace(text="mean", canon="mean"),
            *tokens[at + 1 :],
        ]
    return tokens


def _canons(tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple("" if token.quoted else token.canon for token in tokens)


def _unfronted(tokens: list[Token], table: Tables) -> list[Token]:
    """ "In Bash, how do I ..." becomes "how do I ... in Bash"; one sentence only."""
    if _canons(tokens[:1])[0] not in _FRONTED or any(token.kind == BREAK for token in tokens[:-1]):
        return tokens
    for end in range(2, min(_LONGEST_FRONT + 1, len(tokens) - 2)):
        follower = tokens[end]
        asks = (
            follower.canon in table.wh or follower.canon in table.auxiliaries or follower.canon in table.verbs
        )
        if asks and (follower.before == "," or follower.canon in table.wh):
            front = [tokens[0]._replace(text=tokens[0].canon, before=""), *tokens[1:end]]
            return [follower._replace(before=START), *tokens[end + 1 : -1], *front, tokens[-1]]
        if follower.before:
            break
    return tokens


def _with_topic(tokens: list[Token], table: Tables) -> list[Token]:
    """ "Flask: how do I ..." becomes "in Flask, how do I ..."; of a topic of one word only."""
    if (
        len(tokens) < _SHORTEST_TOPICAL
        or tokens[0].kind != WORD
        or tokens[0].quoted
        or tokens[0].before != START
    ):
        return tokens
    follower = tokens[1]
    asks = follower.canon in table.wh or follower.canon in table.auxiliaries
    named = tokens[0].text[:1].isupper() or follower.before == ":"
    if not asks or not named or follower.before not in (":", ",") or tokens[0].canon in _NO_TOPIC:
        return tokens
    return [
        Token("in", "in", WORD, START),
        tokens[0]._replace(before=""),
        follower._replace(before=","),
        *tokens[2:],
    ]


_SHORTEST_TOPICAL: Final = 5
_NO_TOPIC: Final = frozenset(
    {"question", "problem", "help", "urgent", "no", "yes", "not", "if", "what", "why", "how", "who"}
)


def _embedded(tokens: list[Token], table: Tables) -> list[Token]:
    """ "what the capital of Peru is" becomes "what is the capital of Peru"."""
    canons = _canons(tokens)
    if (
        len(canons) < 4
        or canons[0] not in ("what", "where", "who")
        or canons[1] == "'s"
        or canons[1] in table.auxiliaries
    ):
        return tokens
    if canons[-2] in ("is", "are", "was", "were"):
        return [tokens[0], tokens[-2]._replace(before=""), *tokens[1:-2], tokens[-1]]
    return tokens


_OPENINGS: Final = {
    ("c'est", "quoi"): ("qu'est", "ce", "que"),
    ("qu'est", "ce", "que", "c'est", "que"): ("qu'est", "ce", "que"),
    ("che", "cos'è"): ("cos'è",),
    ("che", "cosa", "è"): ("cos'è",),
    ("cosa", "è"): ("cos'è",),
    ("o", "que", "é", "que", "é"): ("o", "que", "é"),
    ("co", "to", "jest"): ("czym", "jest"),
    ("что", "это", "такое"): ("что", "такое"),
}
"""Ways to open "what is" in other languages."""


def _reopened(tokens: list[Token]) -> list[Token]:
    canons = _canons(tokens[:6])
    for phrase, other in _OPENINGS.items():
        if canons[: len(phrase)] == phrase and len(tokens) > len(phrase) + 1:
            words = [Token(word, word, WORD) for word in other]
            return [words[0]._replace(before=tokens[0].before), *words[1:], *tokens[len(phrase) :]]
    return tokens


def _how(tokens: list[Token]) -> list[Token]:
    """ "how to", "how can I" and "how does one" become "how do I"."""
    for phrase in _HOW:
        if _canons(tokens[: len(phrase)]) == phrase:
            return [tokens[0], Token("do", "do", WORD), Token("i", "i", WORD), *tokens[len(phrase) :]]
    return tokens


def _unversus(tokens: list[Token]) -> list[Token]:
    """ "A vs B, what is the difference" becomes "difference between A and B"."""
    canons = _canons(tokens)
    for tail in (("what", "is", "the", "difference"), ("what", "'s", "the", "difference"), ("difference",)):
        if canons[-len(tail) - 1 : -1] == tail and canons.count("versus") == 1:
            start = [
                Token("difference", "difference", WORD, START + ASKED),
                Token("between", "between", WORD),
            ]
            return [*start, tokens[0]._replace(before=""), *tokens[1 : -len(tail) - 1], tokens[-1]]
    return tokens


def _without_what_is(tokens: list[Token]) -> list[Token]:
    """ "Difference between A and B?" asks what it is."""
    for phrase in _WHAT_IS:
        if _canons(tokens[: len(phrase)]) == phrase and len(tokens) > len(phrase) + 1:
            return [tokens[len(phrase)]._replace(before=START + ASKED), *tokens[len(phrase) + 1 :]]
    canons = _canons(tokens)
    if canons[:4] == ("explain", "the", "difference", "between"):
        return [tokens[2]._replace(before=START + ASKED), *tokens[3:]]
    if canons[:2] in (("what", "is"), ("what", "'s")) and "'s" in canons[3:6]:  # "what is India's population"
        return [tokens[2]._replace(before=START + ASKED), *tokens[3:]]
    return tokens


def _paired(tokens: list[Token]) -> list[Token]:
    """The things compared in alphabetical order: a difference is the same from either side."""
    canons = _canons(tokens)
    if any(kind == BREAK for kind in (token.kind for token in tokens[:-1])):
        return tokens
    start = _compared_from(canons)
    if start == 0:
        return tokens
    items = _items(tokens[start:-1])
    if len(items) < 2 or not all(items):
        return tokens
    width = len(items[0])
    tail = items[-1][width:] if len(items[-1]) > width else []
    items[-1] = items[-1][:width]
    ordered = sorted(items, key=_canons)
    joint = Token("and", "and", WORD)
    result = list(tokens[:start])
    for at, item in enumerate(ordered):
        result += ([joint] if at else []) + [item[0]._replace(before=item[0].before.strip(",:")), *item[1:]]
    return [*result, *tail, tokens[-1]]


def _compared_from(canons: Sequence[str]) -> int:
    """Where the list of things compared starts; 0 for none."""
    for at, canon in enumerate(canons[:-4]):
        if canon in ("difference", "differences") and canons[at + 1] == "between":
            return at + 2
    if canons[0] == "compare":
        return 1
    if canons[0] == "which" and len(canons) > 6 and canons[1] == "is":
        return 3
    return 0


def _items(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cut at "and", "or", "versus" and commas; articles dropped."""
    items: list[list[Token]] = [[]]
    for token in tokens:
        joint = token.canon in _JOINTS and not token.quoted
        if (joint or "," in token.before) and items[-1]:
            items.append([])
        if not joint and not (token.canon in _ARTICLES and not items[-1]):
            items[-1].append(token)
    return items
