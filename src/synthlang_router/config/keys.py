"""The settings of API keys and of the limits they live under."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from synthlang_router.config.section import Count, Identifier, Name, Rate, Section, TagName


class LimitSettings(Section):
    """What a key may do; null is no limit."""

    requests_per_minute: Rate | None = Field(
        default=600.0, description="Requests per minute; null is no limit."
    )
    burst: Rate | None = Field(default=None, description="Requests at once; null is `requests_per_minute`.")
    concurrency: Count | None = Field(
        default=100, description="Requests under way at once; null is no limit."
    )
    tokens_per_minute: Rate | None = Field(default=None, description="Tokens per minute; null is no limit.")


class BudgetSettings(Section):
    """Money a key may spend in a window."""

    usd: float = Field(gt=0, le=1e9, allow_inf_nan=False, description="US dollars.")
    per: Literal["day", "month"] = Field(default="month", description="The window, in UTC.")


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


class KeySettings(Section):
    """A key imported at start; only its digest is stored."""

    name: Identifier = Field(description="What it is called in lists and rows.")
    key: SecretStr = Field(description="The key itself: printable, best from the environment.")
    role: Literal["admin", "operator", "user", "read-only"] = Field(
        default="user", description="What it may do; `admin` cannot call models."
    )
    tenant: Identifier | None = Field(
        default=None, description="Who shares cache and rows. Left out: the key alone."
    )
    user: Identifier | None = Field(default=None, description="The user it stands for. Left out: its name.")
    models: tuple[Name, ...] = Field(
        default=("*",),
        min_length=1,
        max_length=1_000,
        description="Globs over the names it may ask for and be served by.",
    )
    routes: tuple[Name, ...] = Field(
        default=("*",),
        min_length=1,
        max_length=100,
        description="Globs over the paths it may use, such as /v1/embeddings.",
    )
    requests_per_minute: Rate | None = Field(
        default=None, description="As in `limits`, which apply where this is left out."
    )
    burst: Rate | None = Field(default=None, description="As in `limits`.")
    concurrency: Count | None = Field(default=None, description="As in `limits`.")
    tokens_per_minute: Rate | None = Field(default=None, description="As in `limits`.")
    budget: BudgetSettings | None = Field(default=None, description="Money it may spend.")
    expires: Annotated[datetime, AfterValidator(_in_utc)] | None = Field(
        default=None, description="The moment it stops being valid; without a zone, UTC."
    )
    tags: Mapping[TagName, Annotated[str, Field(max_length=256)]] = Field(
        {}, max_length=20, description="Tags that every row of it carries."
    )
    compression: Literal["off", "transparent", "native"] | None = Field(
        default=None, description="As `synthlang.mode`, which applies where this is left out."
    )
    compression_level: Literal["exact", "readable", "session", "lossy"] | None = Field(
        default=None, description="As `synthlang.level`, which applies where this is left out."
    )
    may_widen: bool = Field(
        default=False,
        description="Whether its request headers may ask for more than the settings give, not only for less.",
    )

    def limits_over(self, defaults: LimitSettings) -> LimitSettings:
        """Its own limits where they are written (null included), else the defaults."""
        own = {
            name: getattr(self, name) for name in LimitSettings.model_fields if name in self.model_fields_set
        }
        return defaults.model_copy(update=own)
