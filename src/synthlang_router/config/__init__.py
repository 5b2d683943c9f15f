"""Settings, read once from one file or the environment, validated and frozen; only main and the commands see them."""

from synthlang_router.config.cache import CacheSettings, ExactCacheSettings, SemanticCacheSettings
from synthlang_router.config.changes import changed, needs_restart
from synthlang_router.config.keys import KeySettings, LimitSettings, ScopeLimitSettings
from synthlang_router.config.load import FILE_NAME, Loaded, Source, load
from synthlang_router.config.money import BudgetSettings, PriceSettings, WebhookSettings
from synthlang_router.config.not_built import NOT_BUILT_YET
from synthlang_router.config.providers import ProviderSettings, Timeouts
from synthlang_router.config.schema import schema
from synthlang_router.config.server import ServerSettings
from synthlang_router.config.settings import (
    Condition,
    InteractionSettings,
    ModelSettings,
    RoutingSettings,
    RuleSettings,
    Settings,
    SynthLangSettings,
    TargetSettings,
)

__all__ = [
    "FILE_NAME",
    "NOT_BUILT_YET",
    "BudgetSettings",
    "CacheSettings",
    "Condition",
    "ExactCacheSettings",
    "InteractionSettings",
    "KeySettings",
    "LimitSettings",
    "Loaded",
    "ModelSettings",
    "PriceSettings",
    "ProviderSettings",
    "RoutingSettings",
    "RuleSettings",
    "ScopeLimitSettings",
    "SemanticCacheSettings",
    "ServerSettings",
    "Settings",
    "Source",
    "SynthLangSettings",
    "TargetSettings",
    "Timeouts",
    "WebhookSettings",
    "changed",
    "load",
    "needs_restart",
    "schema",
]
