"""Families of questions written for training: one question in several wordings, and its near-misses.

A file holds families parted by blank lines. A line opens with what it is: `=` a wording of the family's question,
`!` another question that looks like it, `&` another wording of the `!` above; `#` is a comment.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

FOLDER = Path(__file__).parent / "families"


@dataclass(frozen=True, slots=True)
class Family:
    groups: tuple[tuple[str, ...], ...]
    """The wordings of each question; the first group is the family's own."""

    def pairs(self, rng: random.Random, same: int, other: int) -> Iterator[tuple[str, str, bool]]:
        """At most so many pairs that ask the same, and that do not."""
        alike = [pair for group in self.groups for pair in combinations(group, 2)]
        unlike = [
            (one, other_one)
            for left, right in combinations(self.groups, 2)
            for one in left
            for other_one in right
            if left is self.groups[0] or rng.random() < _FAR
        ]
        for one, two in rng.sample(alike, min(same, len(alike))):
            yield one, two, True
        for one, two in rng.sample(unlike, min(other, len(unlike))):
            yield one, two, False


_FAR = 0.3
"""Share of pairs of two near-misses that are used."""


def families(folder: Path = FOLDER) -> list[Family]:
    found = []
    for path in sorted(folder.glob("*.txt")):
        for block in path.read_text("utf-8").split("\n\n"):
            lines = [line for line in block.splitlines() if line and not line.startswith("#")]
            if lines:
                found.append(_family(lines, path))
    return found


def _family(lines: Sequence[str], path: Path) -> Family:
    groups: list[list[str]] = [[]]
    for line in lines:
        sign, text = line[:1], line[2:].strip().replace("\\n", "\n")
        if sign not in "=!&" or line[1:2] != " " or not text:
            raise ValueError(f"{path.name}: {line}")
        if sign == "!":
            groups.append([])
        groups[0 if sign == "=" else -1].append(text)
    if not groups[0]:
        raise ValueError(f"{path.name}: a family without a question: {lines[0]}")
    return Family(tuple(map(tuple, groups)))
