"""Whether two questions differ in something that mostly changes the answer: numbers, names, negation, direction.

An objection is evidence, not a verdict: where answers are few and broad, traffic shows that it rarely matters.
"""

from __future__ import annotations

from typing import Final

from synthlang_router.cache.alignment_pair import Pair
from synthlang_router.cache.surface import normal_form, tokenise, without_smileys
from synthlang_router.cache.surface_lexicon import english
from synthlang_router.cache.surface_reading import Reading, read
from synthlang_router.cache.vetoes import veto

LONGEST: Final = 2_000
"""Characters of both texts together; longer ones are not looked at, and count as objected to."""


def objection(stored: str, asked: str) -> str | None:
    """The first objection by name, or None. Linear in the texts' length."""
    if len(stored) + len(asked) > LONGEST:
        return "length"
    one, other = normal_form(stored), normal_form(asked)
    if not one or not other:
        return "length"
    return veto(Pair(_reading(one), _reading(other), english(), literal=False, technical=False))


def _reading(text: str) -> Reading:
    return read(tokenise(without_smileys(text) or text), literal=False)
