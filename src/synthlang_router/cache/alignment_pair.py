"""Two readings under comparison, and the step by which a rule explains a difference between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from synthlang_router.cache.surface_lexicon import Lexicon
from synthlang_router.cache.surface_reading import Reading

_TELLING: Final = 24
"""Words that tell a text's language."""

Step = tuple[int, int, str]
"""How many tokens of the left and of the right a difference covers, and its kind."""


@dataclass(frozen=True)
class Pair:
    left: Reading
    right: Reading
    lexicon: Lexicon
    literal: bool
    """The texts speak of language: every spelling counts."""
    technical: bool
    """There is code in the texts, where quotation marks are part of it."""

    @cached_property
    def english(self) -> bool:
        """Of the words of both texts at least three are common in English, and few are in no list at all.

        Asked only where a rule of English is at hand: the look-ups cost more than the walk.
        """
        if self.literal:
            return False
        flags = [
            self.lexicon.flag(word) for word in (*self.left.words[:_TELLING], *self.right.words[:_TELLING])
        ]
        known = len(flags) - flags.count("") - flags.count("n")
        return known >= 3 and flags.count("") * 4 <= len(flags) + 4 and known * 2 >= len(flags)

    def sides(self, i: int, j: int) -> Iterator["Side"]:
        """Left against right, then right against left: a rule says its thing once."""
        yield Side(self.left, i, self.right, j, turned=False)
        yield Side(self.right, j, self.left, i, turned=True)


@dataclass(frozen=True, slots=True)
class Side:
    here: Reading
    at: int
    there: Reading
    to: int
    turned: bool

    def step(self, here: int, there: int, kind: str) -> Step:
        return (there, here, kind) if self.turned else (here, there, kind)


Rule = Callable[[Pair, int, int], Step | None]
