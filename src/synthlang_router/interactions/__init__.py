"""What was asked and answered, kept for later."""

from synthlang_router.interactions.content import Content, ContentSealer, Kept
from synthlang_router.interactions.record import (
    Batch,
    Interaction,
    InteractionLog,
    Page,
    Query,
    RecordPolicy,
    SealedContent,
    Timings,
    Tokens,
)
from synthlang_router.interactions.writer import Interactions

__all__ = [
    "Batch",
    "Content",
    "ContentSealer",
    "Interaction",
    "InteractionLog",
    "Interactions",
    "Kept",
    "Page",
    "Query",
    "RecordPolicy",
    "SealedContent",
    "Timings",
    "Tokens",
]
