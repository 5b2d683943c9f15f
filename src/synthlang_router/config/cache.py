"""Settings of the cache: when an earlier answer may be given again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synthlang_router.config.section import Bytes, Count, Lifetime, Name, Section


class ExactCacheSettings(Section):
    """The layer that answers what was asked before, word for word."""

    enabled: bool = Field(default=True, description="Whether it is used.")
    ttl: Lifetime = Field(default=3600.0, description="Seconds an answer is kept.")
    max_entries: Count = Field(default=100_000, description="Answers kept at most.")
    max_bytes: Bytes = Field(default=500_000_000, description="Bytes kept at most.")


class AuditSettings(Section):
    """Hits that are asked upstream as well, beside the client's way, to learn how often the cache is wrong."""

    share: float = Field(
        default=0.1,
        ge=0,
        le=0.1,
        allow_inf_nan=False,
        description="The share of requests that may be audited; 0: no audits, and so no answers on evidence.",
    )
    floor: float = Field(
        default=0.025,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="The share of the hits on evidence that is audited however long the cache has been right.",
    )
    usd_per_day: float | None = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="What audits may cost in a day (UTC); null is no bound but their share.",
    )


class SemanticCacheSettings(Section):
    """The layer that answers what was asked before in other words."""

    enabled: bool = Field(default=True, description="Whether it is used.")
    max_error_rate: float = Field(
        default=0.01,
        gt=0,
        le=0.5,
        allow_inf_nan=False,
        description="The share of wrong answers that is borne among answers given on evidence: docs/cache.md.",
    )
    bound: Literal["requests", "hits"] = Field(
        default="requests",
        description="What it is a share of: all requests that the cache might have answered, or its hits.",
    )
    audits: AuditSettings = Field(default=AuditSettings(), description="Hits that are checked.")
    verify: Literal["surface", "pair"] = Field(
        default="surface",
        description="Who decides whether an answer serves another question: rules that pass surface variants only, or "
        "these and a small model that reads both texts (English; more hits, more risk: docs/models.md).",
    )
    embedder: Literal["local", "provider"] = Field(default="local", description="Who computes embeddings.")
    embedding_model: Name | None = Field(
        default=None,
        description="`provider/model`, where `embedder` is `provider`, such as openai/text-embedding-ada-002.",
    )
    ttl: Lifetime = Field(default=3600.0, description="Seconds an answer is kept.")
    max_entries: Count = Field(default=20_000, description="Answers kept at most.")


class CacheSettings(Section):
    """When an earlier answer may be given again."""

    reuse: Literal["unsampled", "deterministic", "any"] = Field(
        default="unsampled",
        description="Which requests may share an answer: those that ask for no sampling, those with `temperature: 0`, "
        "or any.",
    )
    tool_calls: Literal["off", "exact"] = Field(
        default="off", description="Whether answers that call tools are kept, in the exact layer only."
    )
    store: Literal["file", "memory"] = Field(
        default="file",
        description="Where answers are kept: sealed in `data_dir`, so that a restart keeps them, or in memory only.",
    )
    share: tuple[Literal["keys", "end_users"], ...] = Field(
        default=(),
        max_length=2,
        description="Who may be given whose answers, on purpose: `keys`: all keys of a tenant, whatever their user; "
        "`end_users`: all end users that bodies name. A tenant never shares with another.",
    )
    exact: ExactCacheSettings = Field(
        default=ExactCacheSettings(), description="Same question, word for word."
    )
    semantic: SemanticCacheSettings = Field(
        default=SemanticCacheSettings(), description="Same question in other words."
    )
