"""The families of questions that were written for training: no rule serves a near-miss of one of them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from synthlang_router.cache.verifier import verify

FILES = sorted((Path(__file__).parents[2] / "training" / "families").glob("*.txt"))


def groups_of(block: str) -> list[list[str]]:
    """The wordings of each question of a family; the family's own question comes first."""
    groups: list[list[str]] = [[]]
    for line in block.splitlines():
        if not line.startswith("#"):
            if line.startswith("!"):
                groups.append([])
            groups[0 if line.startswith("=") else -1].append(line[2:].replace("\\n", "\n"))
    return groups


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_no_rule_takes_one_question_of_a_family_for_another(path: Path) -> None:
    families = [groups_of(block) for block in path.read_text("utf-8").split("\n\n")]
    pairs = [
        (one, other)
        for groups in families
        for left, right in combinations(groups, 2)
        for one in left
        for other in right
    ]

    assert len(pairs) > 200
    assert [pair for pair in pairs if verify(*pair).serve] == []
