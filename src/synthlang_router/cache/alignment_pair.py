"""Two readings under comparison, and the step by which a rule explains a difference between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from .surface_lexicon import Lexicon
from .surface_reading import Reading

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
        """Asked only where a rule of English is at hand: the look-ups cost more than the walk."""
        return not self.literal and self._is_english(self.left) and self._is_english(self.right)

    def _is_english(self, reading: Reading) -> bool:
        """At least two words are known, and of the others no more than a quarter and one."""
        words = reading.words[:_TELLING]
        known = sum(self.lexicon.flag(word) in ("c", "d") for word in words)
        return known >= 2 and (len(words) - known) * 4 <= len(words) + 4

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
