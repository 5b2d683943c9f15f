"""Opens the record of interactions: log, tenant keys, vault and journal, in files of their own.

Tenant keys are apart from the rows (deleting one key erases a tenant), and rows apart from API keys (a long write or
a full log must not take the key store with it).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Final, cast

from synthlang_router.backends import connect
from synthlang_router.config import Settings
from synthlang_router.interactions import (
    ContentSealer,
    InteractionLog,
    Interactions,
    RecordPolicy,
)
from synthlang_router.interactions.costs import Costs
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.record import ContentSpace
from synthlang_router.main.opening import read_settings
from synthlang_router.main.secrets import make_data_dir, master_key
from synthlang_router.telemetry import wall_clock
from synthlang_router.vault import Vault

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
LOG_FILE: Final = "interactions.db"
TENANT_KEYS_FILE: Final = "tenant_keys.db"


def stores_content(settings: Settings) -> bool:
    """`auto` is on while the gateway listens on loopback only."""
    wanted = settings.interactions.store_content
    return settings.server.host in LOOPBACK if wanted == "auto" else wanted


@contextmanager
def _open_log(settings: Settings) -> Iterator[InteractionLog]:
    url = f"sqlite:///{settings.data_dir / LOG_FILE}"
    with closing(connect("interactions", url, durable=settings.interactions.fsync)) as log:
        yield log


@contextmanager
def open_vault(settings: Settings) -> Iterator[Vault]:
    """The vault over the tenant keys. Raises ConfigurationError where rows carry an unknown key."""
    given = settings.interactions.encryption_key
    master = master_key(settings.data_dir, None if given is None else given.get_secret_value())
    with closing(connect("tenant_keys", f"sqlite:///{settings.data_dir / TENANT_KEYS_FILE}")) as keys:
        vault = Vault(master, keys, now=wall_clock)
        vault.check()
        yield vault


@contextmanager
def read_record(config: Path | None) -> Iterator[OpenedRecord]:
    """The record for the commands that read it."""
    settings = read_settings(config)
    make_data_dir(settings.data_dir)
    with open_vault(settings) as vault, _open_log(settings) as log:
        yield OpenedRecord(log, ContentSealer(vault), wall_clock)


@asynccontextmanager
async def open_record(settings: Settings, costs: Costs) -> AsyncIterator[tuple[Interactions, InteractionLog]]:
    """The record, started; closed with everything journaled in the log, or left safely in the journal.

    `costs` estimates a row whose process died and names the version of its prices.
    """
    wanted = settings.interactions
    policy = RecordPolicy(
        enabled=wanted.enabled,
        store_content=stores_content(settings),
        max_content_bytes=wanted.max_content_bytes,
        retention_days=wanted.retention_days,
        on_record_failure=wanted.on_record_failure,
        fsync="always" if wanted.fsync else "never",
    )
    with open_vault(settings) as vault, _open_log(settings) as log:
        interactions = Interactions.recording(
            policy,
            log=log,
            vault=vault,
            folder=settings.data_dir / "journal",
            now=wall_clock,
            monotonic=time.monotonic,
            estimate=costs.estimate,
            prices=costs.version,
            space=cast(ContentSpace, log),  # the registered log keeps both ports
        )
        interactions.start()
        try:
            yield interactions, log
        finally:
            await asyncio.to_thread(interactions.close)
