"""Opens the record of interactions: log, tenant keys, vault and journal, in files of their own.

Tenant keys are apart from the rows (deleting one key erases a tenant), and rows apart from API keys (a long write or
a full log must not take the key store with it).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final, cast

from synthlang_router import telemetry
from synthlang_router.backends import connect
from synthlang_router.config import Settings
from synthlang_router.errors import ConfigurationError
from synthlang_router.interactions import (
    ContentSealer,
    InteractionLog,
    Interactions,
    RecordPolicy,
)
from synthlang_router.interactions.costs import Costs
from synthlang_router.interactions.detectors import DETECTORS, Detectors
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.record import ContentSpace
from synthlang_router.main.opening import read_settings
from synthlang_router.main.secrets import make_data_dir, master_keys
from synthlang_router.main.storing import StoredNotation, make_shortening
from synthlang_router.telemetry import wall_clock
from synthlang_router.vault import MasterKey, Vault

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
LOG_FILE: Final = "interactions.db"
TENANT_KEYS_FILE: Final = "tenant_keys.db"


def stores_content(settings: Settings) -> bool:
    """`auto` is on while the gateway listens on loopback only."""
    wanted = settings.interactions.store_content
    return settings.server.host in LOOPBACK if wanted == "auto" else wanted


def _detectors(regions: tuple[str, ...]) -> Detectors:
    """Raises ConfigurationError where regions are asked for and what knows them is not installed."""
    if not regions:
        return DETECTORS
    if find_spec("phonenumbers") is None:
        raise ConfigurationError(
            "interactions.phone_regions needs the extra `phones`: pip install 'synthlang-router[phones]'."
        )
    made = import_module("synthlang_router.interactions.phone_numbers").detectors_for(regions)
    return cast(Detectors, made)


@contextmanager
def _open_log(settings: Settings) -> Iterator[InteractionLog]:
    url = f"sqlite:///{settings.data_dir / LOG_FILE}"
    with closing(connect("interactions", url, durable=settings.interactions.fsync)) as log:
        yield log


@contextmanager
def open_vault(settings: Settings) -> Iterator[Vault]:
    """The vault over the tenant keys. Raises ConfigurationError where rows carry an unknown key."""
    master, former = _masters(settings)
    with closing(connect("tenant_keys", f"sqlite:///{settings.data_dir / TENANT_KEYS_FILE}")) as keys:
        vault = Vault(master, keys, now=wall_clock, former=former)
        vault.check()
        yield vault


def use_keys(vault: Vault, settings: Settings) -> None:
    """Take over the master keys of these settings. Raises ConfigurationError and changes nothing."""
    master, former = _masters(settings)
    rewrapped = vault.use(master, former)
    if rewrapped:
        telemetry.log.warning("tenant keys wrapped anew under the new encryption key")


def _masters(settings: Settings) -> tuple[MasterKey, list[MasterKey]]:
    wanted = settings.interactions
    given = wanted.encryption_key
    return master_keys(
        settings.data_dir,
        None if given is None else given.get_secret_value(),
        [key.get_secret_value() for key in wanted.former_encryption_keys],
    )


@contextmanager
def read_record(config: Path | None) -> Iterator[OpenedRecord]:
    """The record for the commands that read it."""
    settings = read_settings(config)
    make_data_dir(settings.data_dir)
    with open_vault(settings) as vault, _open_log(settings) as log:
        yield OpenedRecord(log, ContentSealer(vault, StoredNotation()), wall_clock)


@contextmanager
def erasable_record(config: Path | None) -> Iterator[tuple[InteractionLog, Vault]]:
    """The record for the command that erases from it."""
    settings = read_settings(config)
    make_data_dir(settings.data_dir)
    with open_vault(settings) as vault, _open_log(settings) as log:
        yield log, vault


@dataclass(frozen=True, slots=True)
class Recorded:
    """The record of this process. `log` keeps the port `RollUps` too."""

    interactions: Interactions
    log: InteractionLog
    vault: Vault

    def opened(self) -> OpenedRecord:
        """For one reader in one thread."""
        return OpenedRecord(self.log, ContentSealer(self.vault, StoredNotation()), wall_clock)


@asynccontextmanager
async def open_record(settings: Settings, costs: Costs) -> AsyncIterator[Recorded]:
    """The record, started; closed with everything journaled in the log, or left safely in the journal.

    `costs` estimates a row whose process died and names the version of its prices.
    """
    wanted = settings.interactions
    policy = RecordPolicy(
        enabled=wanted.enabled,
        store_content=stores_content(settings),
        max_content_bytes=wanted.max_content_bytes,
        retention_days=wanted.retention_days,
        max_log_bytes=wanted.max_bytes,
        mask=wanted.mask,
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
            shortening=make_shortening(),
            detectors=_detectors(wanted.phone_regions),
        )
        interactions.start()
        try:
            yield Recorded(interactions, log, vault)
        finally:
            await asyncio.to_thread(interactions.close)
