"""The admin API over this gateway: its resources, each given what it works on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import cast

from fastapi import APIRouter

from synthlang_router.api.admin import Actions, Noting, admin_router
from synthlang_router.api.admin.audit import Audit
from synthlang_router.api.admin.interactions import InteractionRecord
from synthlang_router.api.admin.keys import Keys
from synthlang_router.api.admin.usage import Usage
from synthlang_router.auth import Keyring, KeyStore
from synthlang_router.auth.administration import OpenedKeys
from synthlang_router.auth.noting import OpenedAudit
from synthlang_router.cache import SemanticCache
from synthlang_router.cache.entry import Selection
from synthlang_router.interactions.rollups import RollUps
from synthlang_router.main.recording import Recorded
from synthlang_router.telemetry import wall_clock


def open_administration(
    keys: KeyStore,
    pepper: bytes,
    keyring: Keyring,
    audit: OpenedAudit,
    record: Recorded,
    cache: SemanticCache,
    others: Iterable[Actions] = (),
) -> APIRouter:
    """The routes of `/admin/v1`; `others` are the actions of resources made elsewhere."""
    opened = OpenedKeys(keys, pepper, wall_clock, os.urandom)

    async def forget(tenant: str) -> None:
        await cache.purge(Selection(tenant=tenant))

    actions = [
        *Keys(opened, keyring.refresh).actions(),
        *InteractionRecord(record.opened, record.vault, forget).actions(),
        *Usage(cast(RollUps, record.log), wall_clock).actions(),  # the registered log keeps both ports
        *Audit(audit.log, audit.key).actions(),
    ]
    for resource in others:
        actions += resource
    return admin_router(actions, Noting(audit.log, wall_clock))
