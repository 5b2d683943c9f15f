"""What a scripted provider does, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sleep:
    """Nothing for so many seconds; ends early where the peer leaves."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """`data` in writes of `size` bytes, each in a packet of its own."""

    data: bytes
    size: int = 1


@dataclass(frozen=True, slots=True)
class Flood:
    """`block` written `times` times, no faster than the peer reads."""

    block: bytes
    times: int


@dataclass(frozen=True, slots=True)
class Until:
    """Go on when the test sets the event (or the peer leaves)."""

    event: asyncio.Event


class Control:
    """What happens to the connection besides bytes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


CLOSE: Final = Control("CLOSE")
"""An orderly end: what was written arrives, then FIN."""
HALF_CLOSE: Final = Control("HALF_CLOSE")
"""FIN from our side; the peer may still send."""
RESET: Final = Control("RESET")
"""RST at once; what the peer has not read yet is lost to it."""
STALL: Final = Control("STALL")
"""Nothing more, until the peer leaves."""

Step = bytes | Sleep | Pieces | Flood | Until | Control
Script = Sequence[Step]
