"""The values that travel: who asks, what for, what was wished, what became of it. All frozen but `Facts`."""

from synthlang_router.models.answers import ChatChunk, ChatCompletion, ToolCallDelta, Usage
from synthlang_router.models.caller import Caller, Limits, Wishes
from synthlang_router.models.facts import CacheStatus, Facts, Outcome, RateState, Transcript
from synthlang_router.models.request import ChatRequest, Upload
from synthlang_router.models.routes import Attempt, Patience, Route, Target
from synthlang_router.models.words import (
    CacheMode,
    CompressionLevel,
    CompressionMode,
    Dialect,
    OutcomeKind,
    Role,
)

__all__ = [
    "Attempt",
    "CacheMode",
    "CacheStatus",
    "Caller",
    "ChatChunk",
    "ChatCompletion",
    "ChatRequest",
    "CompressionLevel",
    "CompressionMode",
    "Dialect",
    "Facts",
    "Limits",
    "Outcome",
    "OutcomeKind",
    "Patience",
    "RateState",
    "Role",
    "Route",
    "Target",
    "ToolCallDelta",
    "Transcript",
    "Upload",
    "Usage",
    "Wishes",
]
