"""Where state lives. The registry: URL scheme -> "module:Class", by concern; `connect` resolves it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from synthlang_router.errors import ConfigurationError

REGISTRY: Final = {
    "interactions": {"sqlite": "synthlang_router.backends.sqlite.interactions:SqliteInteractionLog"},
    "tenant_keys": {"sqlite": "synthlang_router.backends.sqlite.tenant_keys:SqliteTenantKeys"},
    "keys": {"sqlite": "synthlang_router.backends.sqlite.keys:SqliteKeyStore"},
}


def connect(concern: str, url: str, **options: object) -> Any:
    """The store for `concern` at `url`: its class, called with the place and `options`.

    For `sqlite:///relative/file` and `sqlite:////absolute/file` the place is a Path, otherwise the whole URL.
    """
    scheme, _, rest = url.partition("://")
    target = REGISTRY[concern].get(scheme)
    if target is None:
        known = ", ".join(sorted(REGISTRY[concern]))
        raise ConfigurationError(f"There is no backend for {concern} at {scheme}://; there is {known}.")
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)(
        Path(rest.removeprefix("/")) if scheme == "sqlite" else url, **options
    )
