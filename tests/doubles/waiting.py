"""`eventually`: wait for what must come to be; the bound is for tests that fail, never a measurement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

PATIENCE: Final = 60.0
EVERY: Final = 0.1

Seen = TypeVar("Seen")


async def eventually(read: Callable[[], Seen], good: Callable[[Seen], bool]) -> Seen:
    """The first of what `read` returns, in a thread of its own, that is `good`; after `PATIENCE` the last, good or not."""
    loop = asyncio.get_running_loop()
    due = loop.time() + PATIENCE
    while True:
        seen = await asyncio.to_thread(read)
        if good(seen) or loop.time() > due:
            return seen
        await asyncio.sleep(EVERY)
