"""What the nearest stored questions say together: those that got one and the same answer speak with one voice. Pure.

A single near question is weak evidence; three near ones with the same answer are strong, and a near one with
another answer speaks against it. Answers are the same where their texts are equal but for case and white space.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Answer = TypeVar("Answer", bound=Hashable)

_NEAREST: Final = 0.9999
_SHARPNESS: Final = 4
"""A neighbour's voice is -log(1 - cosine^4): 0.3 at cosine 0.7, 0.9 at 0.88, 1.7 at 0.95."""


@dataclass(frozen=True, slots=True)
class Consensus(Generic[Answer]):
    """The answer with most support, and what was said for and against it."""

    answer: Answer
    nearest: int
    """Place of the nearest neighbour with this answer."""
    similarity: float
    support: float
    opposition: float

    def features(self, *, vetoed: bool, odds: float = 0.0) -> tuple[float, ...]:
        """As `RiskModel` weighs them. `odds`: the pair model's log odds, where it was asked."""
        return (1.0, self.support, self.opposition, self.similarity, float(vetoed), odds)


def find_consensus(neighbours: Sequence[tuple[Answer, float]]) -> Consensus[Answer] | None:
    """`neighbours`: answer and cosine, the nearest first. None where there are none."""
    voices: dict[Answer, float] = {}
    first: dict[Answer, int] = {}
    for place, (answer, similarity) in enumerate(neighbours):
        near = min(_NEAREST, max(0.0, similarity))
        voices[answer] = voices.get(answer, 0.0) - math.log1p(-(near**_SHARPNESS))
        first.setdefault(answer, place)
    if not voices:
        return None
    answer = max(voices, key=lambda name: (voices[name], -first[name]))
    others = [voice for name, voice in voices.items() if name != answer]
    place = first[answer]
    return Consensus(answer, place, neighbours[place][1], voices[answer], max(others, default=0.0))


def answer_identity(content: str) -> bytes:
    """Equal for answers that are equal but for case and white space."""
    return hashlib.blake2b(
        " ".join(content.casefold().split()).encode("utf-8", "replace"), digest_size=8
    ).digest()
