"""What the other commands open beside a running gateway: the key store, and the record."""

from __future__ import annotations

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from synthlang_router.auth.administration import OpenedKeys
from synthlang_router.auth.audit import audit_key
from synthlang_router.auth.noting import OpenedAudit
from synthlang_router.backends.sqlite.audit import SqliteAuditLog
from synthlang_router.backends.sqlite.keys import SqliteKeyStore
from synthlang_router.config import Settings, load
from synthlang_router.main.secrets import make_data_dir, pepper
from synthlang_router.telemetry import wall_clock

DATABASE: Final = "synthlang.db"
AUDIT_FILE: Final = "audit.db"


def read_settings(config: Path | None) -> Settings:
    """The settings as `serve` would find them."""
    return load(config, os.environ, Path.cwd()).settings


@asynccontextmanager
async def open_keys(config: Path | None) -> AsyncIterator[OpenedKeys]:
    """The key store, made where it is missing, so that a key can be there before the first start."""
    folder = read_settings(config).data_dir
    make_data_dir(folder)
    async with SqliteKeyStore(folder / DATABASE) as store:
        yield OpenedKeys(store, pepper(folder), wall_clock, os.urandom)


@asynccontextmanager
async def open_audit(config: Path | None) -> AsyncIterator[OpenedAudit]:
    """The audit log, for commands: they act for whoever runs them."""
    folder = read_settings(config).data_dir
    make_data_dir(folder)
    async with audit_in(folder) as opened:
        yield opened


@asynccontextmanager
async def audit_in(folder: Path) -> AsyncIterator[OpenedAudit]:
    key = audit_key(pepper(folder))
    async with SqliteAuditLog(folder / AUDIT_FILE, key=key) as log:
        yield OpenedAudit(log, key, wall_clock, f"command:{_system_user()}")


def _system_user() -> str:
    """The user's name where it has one: in a container it may not."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
