"""Whatever step of the pipeline breaks, however: one row, no leaked slot, an answer in our own words."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from synthlang_router.errors import InternalError
from tests.doubles.answers import completion
from tests.way.conftest import LIMITED, OpenHouse

SECRET = "the text of a foreign exception"
STEPS = [
    ("auth", "allow_request"),
    ("router", "choose_model"),
    ("cache", "make_cache_key"),
    ("cache", "get_similar_response"),
    ("auth", "reserve"),
    ("synthlang", "compress_prompt"),
    ("interactions", "open"),
    ("cache", "share"),
    ("llm_provider", "chat"),
]


class BrokenAt:
    """A feature that does everything the real one does, but for one verb."""

    def __init__(self, real: Any, verb: str) -> None:
        self._real = real
        self._verb = verb

    def __getattr__(self, name: str) -> Any:
        return self._break if name == self._verb else getattr(self._real, name)

    def _break(self, *arguments: Any, **options: Any) -> NoReturn:
        raise ZeroDivisionError(SECRET)


@pytest.mark.parametrize(("feature", "verb"), STEPS)
async def test_a_fault_at_any_step_gives_one_row_and_no_leaked_slot(
    open_house: OpenHouse, feature: str, verb: str
) -> None:
    house = await open_house([[completion()]], more="limits: {requests_per_minute: null}")
    pipeline = house.gateway.pipeline
    real = getattr(pipeline, feature)
    limited = house.as_key(LIMITED)

    setattr(pipeline, feature, BrokenAt(real, verb))
    broken = await limited.chat("Hello")
    setattr(pipeline, feature, real)
    whole = await limited.chat("Hello again")

    assert broken.status == InternalError.status
    assert SECRET not in broken.body.decode()
    assert whole.status == 200  # its only slot was free again
    rows = await house.rows()
    assert sorted(row["outcome"] for row in rows) == ["complete", "failed"]
