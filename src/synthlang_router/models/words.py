"""Words that values are made of: each set is closed."""

from __future__ import annotations

from typing import Literal

Dialect = Literal["openai", "anthropic", "gemini"]
Role = Literal["admin", "operator", "user", "read-only"]
CacheMode = Literal["off", "exact", "semantic"]
CompressionMode = Literal["off", "transparent", "native"]
CompressionLevel = Literal["exact", "readable", "session", "lossy"]
OutcomeKind = Literal["complete", "failed", "abandoned", "lost"]
