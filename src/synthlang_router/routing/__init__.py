"""Which model answers, and why."""

from synthlang_router.routing.catalog import Catalog, KnownModels, ListStore
from synthlang_router.routing.catalog_file import CatalogFile
from synthlang_router.routing.names import Model
from synthlang_router.routing.router import Router
from synthlang_router.routing.rules import SPECIFICATION_RULES, ApplyTo, Condition, Rule, rules_in_force

__all__ = [
    "SPECIFICATION_RULES",
    "ApplyTo",
    "Catalog",
    "CatalogFile",
    "Condition",
    "KnownModels",
    "ListStore",
    "Model",
    "Router",
    "Rule",
    "rules_in_force",
]
