"""What the pair model reads of two texts: every difference that a rule explains is written alike, so that only the rest stands out.

Of long texts it reads the places that differ, each with the words around it, in at most a few pieces.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from synthlang_router.cache.alignment_pair import Pair
from synthlang_router.cache.alignment_rules import RULES
from synthlang_router.cache.surface import NUMBER, WORD, Token, normal_form, tokenise, without_smileys
from synthlang_router.cache.surface_lexicon import english
from synthlang_router.cache.surface_reading import Reading, read
from synthlang_router.cache.verifier import verify
from synthlang_router.cache.vetoes import VETOES

DOUBTS: Final = ("other language", "case", "one word", "order")
"""Vetoes that a model which is sure may overrule."""
SHORT: Final = 56
"""Words of one side up to which both texts are read whole."""
LONGEST_COMPARED: Final = 1_500
"""Words of both sides together beyond which nothing is compared."""
MOST_PIECES: Final = 3
_AROUND: Final = 10
"""Words kept on either side of a difference."""
_LOOK: Final = 3
"""Words looked ahead for the next explained place inside a difference."""
_KEPT: Final = frozenset("?!,:;()\"'/-&")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of words: the same on both sides, or other ones."""

    left: Words
    right: Words

    @property
    def same(self) -> bool:
        return self.left == self.right


@dataclass(frozen=True, slots=True)
class Piece:
    left: str
    right: str


def pair_of(a: str, b: str) -> Pair:
    return Pair(_reading(normal_form(a)), _reading(normal_form(b)), english(), literal=False, technical=False)


def _reading(text: str) -> Reading:
    return read(tokenise(without_smileys(text) or text), literal=False)


def decided(a: str, b: str, pair: Pair) -> bool | None:
    """What rules and vetoes say without a model; None where it is to judge."""
    if verify(a, b).serve:
        return True
    return False if veto_of(pair) is not None else None


def veto_of(pair: Pair) -> str | None:
    return next((name for name, holds in VETOES.items() if name not in DOUBTS and holds(pair)), None)


def doubt_of(pair: Pair) -> str | None:
    return next((name for name in DOUBTS if VETOES[name](pair)), None)


def pieces_of(pair: Pair) -> list[Piece] | None:
    """What the model is shown of a pair; None where it has no say."""
    found = stretches(pair)
    return None if found is None else pieces(found)


def stretches(pair: Pair) -> list[Stretch] | None:
    """Both texts cut into what they share and what not; None where they are too long to compare."""
    a, b = pair.left.tokens, pair.right.tokens
    if len(a) + len(b) > LONGEST_COMPARED:
        return None
    matcher = SequenceMatcher(None, list(map(_key, a)), list(map(_key, b)), autojunk=False)
    found: list[Stretch] = []
    for name, i, end_i, j, end_j in matcher.get_opcodes():
        if name == "equal":
            words = _written(a[i:end_i])
            found.append(Stretch(words, words))
        else:
            found += _reconciled(pair, (i, end_i), (j, end_j))
    return found


def pieces(found: Sequence[Stretch]) -> list[Piece] | None:
    """What the model is shown; None where too much differs. No pieces: every difference is explained."""
    if all(stretch.same for stretch in found):
        return []
    if max(sum(len(s.left) for s in found), sum(len(s.right) for s in found)) <= SHORT:
        return [_piece(found)]
    cut = list(_grouped(list(_shortened(found))))
    return None if len(cut) > MOST_PIECES else [_piece(group) for group in cut]


def _key(token: Token) -> tuple[str, str]:
    return token.canon, token.kind


def _written(tokens: Sequence[Token]) -> Words:
    """The tokens as words; of the punctuation only what may tell something inside a text, not what closes it."""
    words: list[str] = []
    for token in tokens:
        marks = "".join(mark for mark in token.before if mark in _KEPT)
        words += [marks] if marks and token.canon else []
        words += [_spelling(token)] if token.canon.strip() else []
    return tuple(words)


def _spelling(token: Token) -> str:
    return token.canon if token.kind in (WORD, NUMBER) else token.text.replace("\x1f", " ")


def _reconciled(pair: Pair, left: tuple[int, int], right: tuple[int, int]) -> Iterator[Stretch]:
    """Inside a difference: what a rule explains is left out or takes the left one's words."""
    (i, end_i), (j, end_j) = left, right
    a, b = pair.left.tokens, pair.right.tokens
    while i < end_i or j < end_j:
        place = _next_explained(pair, (i, end_i), (j, end_j))
        if place is None:
            yield Stretch(_written(a[i:end_i]), _written(b[j:end_j]))
            return
        (to_i, to_j), (more_i, more_j) = place
        if (to_i, to_j) != (i, j):
            yield Stretch(_written(a[i:to_i]), _written(b[j:to_j]))
        both = _written(a[to_i : to_i + more_i]) if more_i and more_j else ()
        yield Stretch(both, both)
        i, j = to_i + more_i, to_j + more_j


def _next_explained(
    pair: Pair, left: tuple[int, int], right: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The first place at which a rule explains the difference, and how many tokens it takes of each side."""
    for ahead in range(2 * _LOOK + 1):
        for step_i in range(min(ahead, _LOOK) + 1):
            i, j = left[0] + step_i, right[0] + ahead - step_i
            if i > left[1] or j > right[1] or ahead - step_i > _LOOK:
                continue
            found = _explained(pair, i, j)
            if found is not None and i + found[0] <= left[1] and j + found[1] <= right[1] and any(found):
                return (i, j), found
    return None


def _explained(pair: Pair, i: int, j: int) -> tuple[int, int] | None:
    a, b = pair.left.tokens, pair.right.tokens
    if i >= len(a) or j >= len(b) or (a[i].quoted and b[j].quoted):
        return None
    for rule in RULES:
        step = rule(pair, i, j)
        if step is not None:
            return step[0], step[1]
    return None


def _shortened(found: Sequence[Stretch]) -> Iterator[Stretch]:
    """Long runs of shared words lose their middle: an empty stretch stands there."""
    for at, stretch in enumerate(found):
        words = stretch.left
        if not stretch.same or len(words) <= 2 * _AROUND:
            yield stretch
            continue
        head = words[:_AROUND] if at else ()
        tail = words[-_AROUND:] if at + 1 < len(found) else ()
        yield from (Stretch(head, head), Stretch((), ()), Stretch(tail, tail))


def _grouped(found: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """Pieces that the model can read whole; each has a difference in it."""
    group: list[Stretch] = []
    for part in _split(found):
        if group and _length([*group, *part]) > SHORT:
            yield group
            group = []
        group += part
    if group:
        yield group


def _split(found: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    part: list[Stretch] = []
    for stretch in found:
        if not stretch.left and not stretch.right:
            if any(not s.same for s in part):
                yield part
            part = []
        else:
            part.append(stretch)
    if any(not s.same for s in part):
        yield part


def _length(found: Sequence[Stretch]) -> int:
    return max(sum(len(s.left) for s in found), sum(len(s.right) for s in found))


def _piece(found: Sequence[Stretch]) -> Piece:
    left = " ".join(word for stretch in found for word in stretch.left)
    right = " ".join(word for stretch in found for word in stretch.right)
    return Piece(left, right)
