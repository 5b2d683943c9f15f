"""What OpenAI has and this gateway does not serve, said so: objects that live at a provider, and realtime."""

from __future__ import annotations

import re
from typing import Final

from synthlang_router.errors import NotFound, RouterError, UpgradeRequired

_STATEFUL: Final = re.compile(
    r"(?:/v1)?/(?:files|uploads|batches|fine_tuning|vector_stores|assistants|threads|containers|conversations|evals"
    r"|videos|responses|chat/completions|skills|chatkit)(?:/.*)?"
)
_REALTIME: Final = re.compile(r"(?:/v1)?/realtime(?:/.*)?")


def unserved(path: str) -> RouterError:
    """The error for a path that nobody here answers."""
    if _REALTIME.fullmatch(path):
        return realtime()
    if _STATEFUL.fullmatch(path):
        return NotFound(
            f"{path[:200]}: objects that are kept at a provider (files, batches, stored answers, threads and the like) "
            "are not served by this gateway."
        )
    return NotFound(f"No such path: {path[:200]}")


def realtime() -> UpgradeRequired:
    return UpgradeRequired("WebSocket and realtime are not served here; use HTTP with stream: true.")
