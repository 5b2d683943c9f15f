"""Prompts in a shorter notation, as they are kept, and how much of a core writing them may take.

It happens where the record is filed, in a thread beside the event loop that shares its interpreter: over its share a
prompt is only compressed, and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from synthlang_router.interactions.content import Kept
from synthlang_router.interactions.notation import Notation, Shortened
from synthlang_router.models import CompressionLevel
from synthlang_router.telemetry import count

SHARE: Final = 0.1
"""Of a core."""
_MOST_SAVED_UP: Final = 1.0  # seconds of work


class Shortening:
    """One thread. `monotonic` and `thread_time` are clocks in seconds: what passed, and what this thread worked."""

    def __init__(
        self, notation: Notation, *, monotonic: Callable[[], float], thread_time: Callable[[], float]
    ) -> None:
        self.notation = notation
        self._monotonic = monotonic
        self._thread_time = thread_time
        self._allowance = _MOST_SAVED_UP
        self._at = monotonic()

    def shorten(self, prompt: Kept | None, level: CompressionLevel | None, model: str) -> Shortened | None:
        """The whole prompt in the notation; None where there is nothing to gain, no level to write it at, or no time."""
        if prompt is None or prompt.cut or level is None:
            return None
        now = self._monotonic()
        self._allowance = min(_MOST_SAVED_UP, self._allowance + SHARE * (now - self._at))
        self._at = now
        if self._allowance <= 0:
            count("record", "prompt_not_shortened")
            return None
        started = self._thread_time()
        shortened = self.notation.shorten(prompt.head, level, model)
        self._allowance -= self._thread_time() - started
        return shortened
