"""The page "What happens when a provider fails" names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.faults.test_faults import CASES

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs" / "failures.md").read_text()
NAMED: Final = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
PLAYED: Final = sorted(set(re.findall(r"`tests/e2e/faults/test_faults\.py\[(.+?)\]`", PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_the_page_names_exists(file: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize("case", PLAYED)
def test_every_case_that_the_page_names_is_played(case: str) -> None:
    assert case in {played.id for played in CASES}


def test_every_promise_of_the_page_names_its_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.endswith("| test |")]

    assert len(promises) > 30
    assert [row for row in promises if "`tests/" not in row.rpartition(" | ")[2]] == []
