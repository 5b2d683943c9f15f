"""The admin API over this gateway: its resources, each given what it works on."""

from __future__ import annotations

import os
from collections.abc import Iterable

from fastapi import APIRouter

from synthlang_router.api.admin import Actions, Noting, admin_router
from synthlang_router.api.admin.audit import Audit
from synthlang_router.api.admin.keys import Keys
from synthlang_router.auth import Keyring, KeyStore
from synthlang_router.auth.administration import OpenedKeys
from synthlang_router.auth.noting import OpenedAudit
from synthlang_router.telemetry import new_request_id, wall_clock


def open_administration(
    keys: KeyStore, pepper: bytes, keyring: Keyring, audit: OpenedAudit, others: Iterable[Actions] = ()
) -> APIRouter:
    """The routes of `/admin/v1`; `others` are the actions of resources made elsewhere."""
    opened = OpenedKeys(keys, pepper, wall_clock, os.urandom)
    actions = [*Keys(opened, keyring.refresh).actions(), *Audit(audit.log, audit.key).actions()]
    for resource in others:
        actions += resource
    return admin_router(actions, Noting(audit.log, wall_clock), new_request_id=new_request_id)
