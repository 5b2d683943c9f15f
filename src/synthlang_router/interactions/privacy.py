"""`Privacy`: the pipeline's step that keeps personal data from providers, where that is wanted.

What is small is masked at once, what is large in a thread. A request that holds nothing personal goes on as it is,
and so does its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Final

from synthlang_router.answer import Answer, Batch, Item
from synthlang_router.interactions.detectors import DETECTORS, Detectors
from synthlang_router.interactions.masking_prompt import mask_one, mask_prompt
from synthlang_router.interactions.restoring import Restoring
from synthlang_router.models import ChatCompletion, ChatRequest

LOOP_BYTES: Final = 8_000
"""Bodies up to so many bytes take under a millisecond."""


class Guarded:
    """A request as the provider sees it. `restored` gives the caller the answer with everything in its place."""

    __slots__ = ("_originals", "sent")

    def __init__(self, sent: ChatRequest, originals: Mapping[str, str]) -> None:
        self.sent = sent
        self._originals = originals

    def restored(self, answer: Answer) -> Answer:
        return answer.through(self._restore) if self._originals else answer

    async def _restore(self, source: AsyncGenerator[Batch]) -> AsyncGenerator[Batch]:
        restoring = Restoring(self._originals)
        try:
            async for batch in source:
                items: list[Item] = []
                for item in batch:
                    if isinstance(item, ChatCompletion):
                        items.append(restoring.completion(item))
                    else:
                        items += restoring.chunk(item)
                yield items
            last = restoring.end()
            if last:
                yield last
        finally:
            await source.aclose()


class Privacy:
    """`enabled` False: every request goes as it came."""

    def __init__(self, *, enabled: bool, detectors: Detectors = DETECTORS) -> None:
        self.enabled = enabled
        self._detectors = detectors

    async def mask_prompt(self, request: ChatRequest) -> Guarded:
        if not self.enabled:
            return Guarded(request, {})
        if len(request.body) <= LOOP_BYTES:
            sent, names = mask_prompt(request, self._detectors)
        else:
            sent, names = await asyncio.to_thread(mask_prompt, request, self._detectors)
        return Guarded(sent, names.originals)

    def mask_text(self, text: str) -> str:
        """A text that is sent on its own, to be embedded."""
        return mask_one(text, self._detectors) if self.enabled else text
