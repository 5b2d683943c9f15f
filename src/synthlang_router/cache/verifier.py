"""May the answer stored for one question serve another? Only where the two are surface variants of each other.

Rule: every difference between the two texts must be explained as free of meaning; anything else is a refusal,
in every language. Word lists can only widen what is explained, never what is ignored.
"""

from dataclasses import dataclass
from typing import Final

from synthlang_router.cache.alignment import align
from synthlang_router.cache.surface import Token, normal_form, tokenise, without_smileys
from synthlang_router.cache.surface_lexicon import english
from synthlang_router.cache.surface_reading import read, speaks_of_language

LONGEST_TEXT: Final = 20_000
"""Characters; beyond it only equal normal forms are served."""


@dataclass(frozen=True, slots=True)
class Verdict:
    serve: bool
    reason: str
    features: tuple[str, ...] = ()
    """Kinds of the differences found up to the decision."""
    probability: float | None = None
    """What a model thought of the pair, where one was asked."""


def verify(stored: str, asked: str) -> Verdict:
    """Pure and deterministic; never raises on any text. Linear in the texts' length."""
    one, other = normal_form(stored), normal_form(asked)
    if one == other:
        return Verdict(True, "equal")
    if not one or not other or max(len(one), len(other)) > LONGEST_TEXT:
        return Verdict(False, "length")
    left, right = _tokens(one, other), _tokens(other, one)
    literal = speaks_of_language(left) or speaks_of_language(right)
    aligned = align(read(left, literal), read(right, literal), english(), literal)
    return Verdict(aligned.same, aligned.reason, aligned.differences)


def _tokens(text: str, other: str) -> list[Token]:
    """Smileys are left out where the other text has none."""
    bare = without_smileys(text)
    return tokenise(bare if bare and without_smileys(other) == other else text)
