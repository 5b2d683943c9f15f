"""The settings of API keys and of the limits they live under."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from synthlang_router.config.money import BudgetSettings, ProjectName
from synthlang_router.config.section import Count, Identifier, Name, Rate, Section, TagName


class ScopeLimitSettings(Section):
    """What a tenant, a project or a model may take, all its keys together; null is no limit."""

    requests_per_minute: Rate | None = Field(default=None, description="Requests per minute.")
    burst: Rate | None = Field(default=None, description="Requests at once; null is `requests_per_minute`.")
    concurrency: Count | None = Field(default=None, description="Requests under way at once.")
    tokens_per_minute: Rate | None = Field(default=None, description="Tokens per minute.")


class LimitSettings(Section):
    """What a key may do; null is no limit."""

    requests_per_minute: Rate | None = Field(
        default=600.0, description="Requests per minute; null is no limit."
    )
    burst: Rate | None = Field(default=None, description="Requests at once; null is `requests_per_minute`.")
    concurrency: Count | None = Field(
        default=100, description="Requests under way at once; null is no limit."
    )
    tokens_per_minute: Rate | None = Field(
        default=None,
        description="Tokens per minute, set aside before a call upstream and settled after it; null is no limit.",
    )
    tenants: Mapping[Identifier, ScopeLimitSettings] = Field(
        default={}, max_length=10_000, description="Of all keys of a tenant together."
    )
    projects: Mapping[ProjectName, ScopeLimitSettings] = Field(
        default={}, max_length=10_000, description="Of all keys of a project together, by `tenant/project`."
    )
    models: Mapping[Name, ScopeLimitSettings] = Field(
        default={},
        max_length=10_000,
        description="Of calls for a model, by the name that is asked or by `provider/model` of the one that serves.",
    )


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
    project: Identifier | None = Field(
        default=None, description="The project of its tenant that it belongs to."
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
    budget: BudgetSettings | None = Field(
        default=None, description="Money it may spend; left out: `budgets.key`."
    )
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
