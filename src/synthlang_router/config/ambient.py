"""Settings without a file: the vendors whose keys the environment holds, else a model server here, else the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from synthlang_router.config.document import Node
from synthlang_router.config.expansion import Unresolved, read_variable
from synthlang_router.config.vendors import VENDORS
from synthlang_router.errors import ConfigurationError

AmbientKind = Literal["environment", "local server", "simulator"]


def settings_of_environment(
    environ: Mapping[str, str], discover: Callable[[], Mapping[str, str]] | None
) -> tuple[AmbientKind, dict[str, Node]]:
    """Where they came from, and the data as a file would give it."""
    providers = _vendors(environ)
    if providers:
        return "environment", {"providers": providers}
    servers = {} if discover is None else discover()
    if servers:
        local: dict[str, Node] = {
            name: {"dialect": "openai", "base_url": url} for name, url in servers.items()
        }
        return "local server", {"providers": local}
    return "simulator", {"providers": {"simulator": {"dialect": "simulator"}}}


def _vendors(environ: Mapping[str, str]) -> dict[str, Node]:
    providers: dict[str, Node] = {}
    for name, vendor in VENDORS.items():
        found = [(variable, key) for variable in vendor.keys if (key := _key(environ, variable))]
        if not found:
            continue
        _, key = found[0]
        providers[name] = {
            "dialect": vendor.dialect,
            "api_key": key,
            "base_url": environ.get(vendor.base_url_variable) or vendor.base_url,
        }
    return providers


def _key(environ: Mapping[str, str], variable: str) -> str | None:
    try:
        return read_variable(environ, variable)
    except Unresolved as problem:
        raise ConfigurationError(f"environment: {problem}") from None
