"""Two calls for one request: the first with data wins, the other one is let go."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from synthlang_router.answer import Batch
from synthlang_router.llm_provider.trial import Trial

Found = tuple[Trial, Batch]

LOST: Final = "hedged"
"""What is written of a call that another one outran."""


async def first_with_data(racing: Sequence[asyncio.Future[Found]]) -> asyncio.Future[Found]:
    """Of those that race, the first with data; where nobody has any, the one that started first."""
    left = set(racing)
    while left:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception() is None:
                return task
    return racing[0]


def let_go(task: asyncio.Future[Found]) -> None:
    """Of a race that is over: whoever came second closes what it opened."""
    if not task.cancelled() and task.exception() is None:
        task.result()[0].close(LOST)
