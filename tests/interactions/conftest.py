"""A record in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interactions.records import Record


@pytest.fixture
def make_record(tmp_path: Path) -> Iterator[Callable[..., Record]]:
    """`make_record(**policy)`: again and again the same record, as processes that follow one another see it."""
    made: list[Record] = []

    def make(**policy: object) -> Record:
        made.append(Record(tmp_path, **policy))
        return made[-1]

    yield make
    for record in made:
        record.close()
