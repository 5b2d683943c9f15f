"""What the other commands open beside a running gateway: the key store, and the record."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from synthlang_router.auth.administration import OpenedKeys
from synthlang_router.backends.sqlite.keys import SqliteKeyStore
from synthlang_router.config import Settings, load
from synthlang_router.main.secrets import make_data_dir, pepper
from synthlang_router.telemetry import wall_clock

DATABASE: Final = "synthlang.db"


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
