"""`explain` for the command line: by the configuration and the lists on disk, beside a running gateway or without one."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec

from synthlang_router.api.explain import read_as
from synthlang_router.config import load
from synthlang_router.interactions.prices import PriceTable
from synthlang_router.llm_provider import LLMProvider
from synthlang_router.main.explaining import explain
from synthlang_router.main.parts import default_wishes, providers_of
from synthlang_router.main.routes import Routes
from synthlang_router.main.transports import Transports
from synthlang_router.models import Caller


async def explain_offline(
    config: Path | None, kind: str, body: bytes, models: tuple[str, ...], *, strict: bool
) -> Any:
    """Plain data. Raises RouterError."""
    loaded = load(config, os.environ, Path.cwd())
    transports = Transports()
    try:
        providers = providers_of(loaded.settings, transports.of(loaded.settings))
        routes = Routes(loaded, providers, PriceTable.built_in())
        await routes.read()
        wishes = msgspec.structs.replace(default_wishes(loaded.settings), strict=strict)
        caller = Caller(tenant_id="", user_id="", key_id="", name="command line", models=models)
        llm_provider = LLMProvider(providers, time.monotonic)
        found = explain(routes.router, llm_provider, caller, read_as(body, kind), wishes)
    finally:
        await transports.close()
    return msgspec.to_builtins(found)
