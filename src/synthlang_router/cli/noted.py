"""What a command does to the gateway, noted in the audit log as the admin API's actions are."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import cast

from synthlang_router.auth.noting import Mark, OpenedAudit, noted

OpenAudit = Callable[[Path | None], AbstractAsyncContextManager[OpenedAudit]]
"""From the configuration file (None: found as `serve` finds it) to the opened audit log."""


def open_audit(config: Path | None) -> AbstractAsyncContextManager[OpenedAudit]:
    return cast(OpenAudit, importlib.import_module("synthlang_router.main").open_audit)(config)


@asynccontextmanager
async def noted_command(config: Path | None, action: str, about: str) -> AsyncIterator[Mark]:
    """Around what is done. Raises BackendError, with nothing done, where the log is not to be had."""
    async with open_audit(config) as opened:
        deed = opened.by_command(action, about)
        async with noted(opened.log, opened.clock, deed) as mark:
            yield mark
