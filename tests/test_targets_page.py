"""The page on targets names tests that exist, and says nothing without one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")
KEPT_BY: Final = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize(("file", "name"), sorted(set(KEPT_BY.findall(PAGE))))
def test_a_test_that_keeps_a_promise_exists(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_no_promise_stands_without_a_test() -> None:
    promises = [line for line in PAGE.splitlines() if line.startswith("| ") and line != "| promise | test |"]

    assert len(promises) > 25
    assert [line for line in promises if not KEPT_BY.search(line)] == []
