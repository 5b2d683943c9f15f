"""`OpenedRecord`: the record as commands and the admin API read it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from synthlang_router.interactions.content import ContentSealer
from synthlang_router.interactions.record import InteractionLog


class OpenedRecord(Struct, frozen=True):
    """`clock` is seconds since the epoch."""

    log: InteractionLog
    sealer: ContentSealer
    clock: Callable[[], float]
