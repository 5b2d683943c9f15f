"""Settings: every key of the configuration file, its type, its default and its meaning. Attribute names are YAML names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from synthlang_router.config.cache import CacheSettings
from synthlang_router.config.keys import KeySettings, LimitSettings
from synthlang_router.config.money import BudgetsSettings, PricedModel, PriceSettings
from synthlang_router.config.providers import ModelTimeouts, ProviderSettings
from synthlang_router.config.section import (
    Bytes,
    Count,
    Name,
    ProviderName,
    Section,
    TagName,
)
from synthlang_router.config.server import ServerSettings, SharedState
from synthlang_router.config.vendors import default_base_url


class TargetSettings(Section):
    """One way to serve a model."""

    provider: ProviderName = Field(description="The name of a configured provider.")
    model: Name = Field(description="The model's name there.")
    weight: float = Field(
        default=1.0,
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        description="Its share of the requests; 0 leaves it as a fallback.",
    )
    context_tokens: Count | None = Field(
        default=None, description="Tokens it takes at most; longer requests go to another target."
    )
    lacks: tuple[Literal["tools", "images", "json"], ...] = Field(
        default=(),
        max_length=3,
        description="What it cannot do: `tools`, `images`, `json` mode. Requests that need it go to another target.",
    )


class ModelSettings(Section):
    """A public name and what serves it."""

    name: Name = Field(description="What clients ask for.")
    targets: tuple[TargetSettings, ...] = Field(min_length=1, max_length=100, description="Who serves it.")
    fallbacks: tuple[Name, ...] = Field(
        default=(), max_length=20, description="Names tried in this order when no target answers."
    )
    hedge: bool = Field(
        default=False,
        description="Whether a second target starts when the first has no data after its own usual time (p95). At most "
        "5 % more calls.",
    )
    timeouts: ModelTimeouts = Field(
        default=ModelTimeouts(), description="How long its calls may take, in place of the provider's."
    )


Globs = tuple[Name, ...] | Name


class Condition(Section):
    """When a rule applies: all conditions that are written must hold."""

    model: Annotated[Globs, Field(union_mode="left_to_right")] | None = Field(
        default=None,
        description="A glob over the asked name, or several of which one must match: `*`, `?`, `[abc]`.",
    )
    stream: bool | None = Field(default=None, description="Whether the answer is asked for as a stream.")
    has_tools: bool | None = Field(default=None, description="Whether the request brings tools.")
    has_images: bool | None = Field(default=None, description="Whether a message holds an image.")
    tags: Mapping[TagName, str] = Field(
        default={},
        max_length=20,
        description="Tags of the request or of its key, and a glob for the value of each.",
    )
    min_prompt_bytes: int | None = Field(
        default=None, ge=0, description="The least size of the prompt, in bytes of JSON."
    )
    max_prompt_bytes: int | None = Field(
        default=None, ge=0, description="The largest size of the prompt, in bytes of JSON."
    )


class RuleSettings(Section):
    """Send what matches to another name."""

    when: Condition = Field(default=Condition(), description="When the rule applies; left out: always.")
    use: Name = Field(
        description="The name that answers instead: a configured one, `provider/model`, or a listed one."
    )


class RoutingSettings(Section):
    """Which model answers when a name is not a configured one."""

    rules: tuple[RuleSettings, ...] | None = Field(
        default=None, max_length=1_000, description="The first rule that matches decides. Chat only."
    )
    apply_to: Literal["unknown", "all"] = Field(
        default="unknown",
        description="`unknown`: names nobody serves. `all`: every name but a pinned `provider/model`.",
    )


class SynthLangSettings(Section):
    """Prompt compression."""

    mode: Literal["off", "transparent", "native"] = Field(
        default="transparent",
        description="`transparent` measures and stores, the model sees the original; `native` sends the compressed form.",
    )
    level: Literal["exact", "readable", "session", "lossy"] = Field(
        default="exact",
        description="How far compression may go: white space of JSON; a lossless notation for data; the same with "
        "references to earlier messages; or `lossy`, which leaves passages out.",
    )
    holdout: float = Field(
        default=0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="The share of conversations that native mode leaves uncompressed, to measure what it saves.",
    )


class InteractionSettings(Section):
    """What is kept of requests and answers."""

    enabled: bool = Field(default=True, description="Whether rows are written.")
    store_content: Literal["auto"] | bool = Field(
        default="auto",
        description="Whether prompts and answers are kept, sealed. `auto`: while listening on loopback only.",
    )
    max_content_bytes: Bytes = Field(
        default=256_000, description="Bytes of prompt and of answer kept at most, each."
    )
    max_bytes: Bytes | None = Field(
        default=10_000_000_000,
        description="Bytes the record takes on the disk; over it the oldest prompts and answers go, their rows stay. null "
        "is no bound.",
    )
    mask: Literal["off", "record", "provider"] = Field(
        default="off",
        description="Where personal data becomes placeholders: nowhere, in what is kept, or there and before a provider "
        "sees it, with everything put back in its answer. Keys and private keys are never kept.",
    )
    phone_regions: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = Field(
        default=(),
        max_length=20,
        description="Regions (DE, GB) whose telephone numbers are known as people write them there, not only with their "
        "country code. Needs the extra `phones`.",
    )
    retention_days: int | None = Field(
        default=30, ge=1, le=36_500, description="Days a row is kept; null is for ever."
    )
    encryption_key: SecretStr | None = Field(
        default=None, description="The master key that seals content. Left out: one is made in `data_dir`."
    )
    former_encryption_keys: tuple[SecretStr, ...] = Field(
        default=(),
        max_length=20,
        description="Master keys that were in use before: what they sealed still opens, and is sealed anew at start or "
        "reload. Then they can be left out.",
    )
    on_record_failure: Literal["serve", "refuse"] = Field(
        default="serve",
        description="What happens to requests when rows can no longer be kept: served all the same, or 503.",
    )
    fsync: bool = Field(
        default=False, description="Whether a row must survive a power failure before the answer's last byte."
    )


def _at_home(providers: Mapping[str, ProviderSettings]) -> Mapping[str, ProviderSettings]:
    """The providers with the base URLs that their names or dialects imply."""
    return {
        name: provider
        if provider.base_url is not None
        else provider.model_copy(update={"base_url": default_base_url(name, provider.dialect)})
        for name, provider in providers.items()
    }


class Settings(Section):
    """Everything an operator can say."""

    server: ServerSettings = Field(default=ServerSettings(), description="Where the gateway listens.")
    state: Literal["embedded"] | SharedState = Field(
        default="embedded",
        description="Where state lives: in this process and `data_dir`, or in shared servers.",
    )
    data_dir: Path = Field(
        default=Path("data"), description="Where files are kept; relative to the configuration file."
    )
    providers: Annotated[Mapping[ProviderName, ProviderSettings], AfterValidator(_at_home)] = Field(
        min_length=1, max_length=1_000, description="Who answers."
    )
    models: tuple[ModelSettings, ...] = Field(
        default=(),
        max_length=10_000,
        description="Public names. Left out: every model that the providers list.",
    )
    routing: RoutingSettings = Field(default=RoutingSettings(), description="Rules for names.")
    synthlang: SynthLangSettings = Field(
        default=SynthLangSettings(), description="Saying the same with fewer tokens."
    )
    cache: CacheSettings = Field(default=CacheSettings(), description="Answers given again.")
    limits: LimitSettings = Field(
        default=LimitSettings(), description="Limits of keys that have none of their own."
    )
    budgets: BudgetsSettings = Field(default=BudgetsSettings(), description="Money that may be spent.")
    prices: Mapping[PricedModel, PriceSettings] = Field(
        default={},
        max_length=10_000,
        description="What models cost that the built-in table does not know or has otherwise, by `provider/model`.",
    )
    keys: tuple[KeySettings, ...] = Field(
        default=(), max_length=10_000, description="Keys imported at start."
    )
    interactions: InteractionSettings = Field(default=InteractionSettings(), description="The record.")
