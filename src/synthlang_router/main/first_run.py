"""Keys at start: those of the configuration are imported, and a first admin and user key are made where none exist."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from synthlang_router.auth import Imported, KeyPlan, KeyStore, generate_key, import_key, import_keys
from synthlang_router.config import KeySettings, Settings
from synthlang_router.errors import ConfigurationError
from synthlang_router.main.scopes import budget_of
from synthlang_router.main.secrets import ADMIN_FILE, USER_FILE, write_secret
from synthlang_router.models import Limits

FIRST_TENANT: Final = "default"
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class FirstKeys:
    """What was made: files, and the user key itself to be shown once on a terminal."""

    made: tuple[Path, ...] = ()
    user_key: str | None = None


def planned(key: KeySettings) -> KeyPlan:
    """A key of the file; a limit of null there is none at all (`math.inf`)."""
    own = {
        name: math.inf if getattr(key, name) is None else getattr(key, name)
        for name in ("requests_per_minute", "burst", "concurrency", "tokens_per_minute")
        if name in key.model_fields_set and (name != "burst" or key.burst is not None)
    }
    return KeyPlan(
        name=key.name,
        role=key.role,
        tenant=key.tenant,
        user=key.user,
        models=key.models,
        routes=key.routes,
        limits=msgspec.structs.replace(Limits(), **own),
        tags=tuple(sorted(key.tags.items())),
        expires=None if key.expires is None else key.expires.timestamp(),
        may_widen=key.may_widen,
        compression=key.compression,
        level=key.compression_level,
        project="" if key.project is None else key.project,
        budget=None if key.budget is None else budget_of(key.budget),
    )


async def import_configured(store: KeyStore, settings: Settings, *, pepper: bytes, now: float) -> None:
    """Make the store's file keys those of the settings (which have warned of weak ones already)."""
    imported: list[Imported] = [
        import_key(key.key.get_secret_value(), planned(key), pepper=pepper, now=now) for key in settings.keys
    ]
    await import_keys(store, imported, now=now)


async def make_first_keys(
    store: KeyStore, folder: Path, settings: Settings, *, pepper: bytes, now: float
) -> FirstKeys:
    """An admin key always, a user key where the configuration brings none; each only if its file is not there."""
    plans: list[tuple[str, KeyPlan]] = [
        (ADMIN_FILE, KeyPlan(name="first-admin", role="admin", tenant=FIRST_TENANT))
    ]
    if not settings.keys:
        plans.append((USER_FILE, KeyPlan(name="first-user", tenant=FIRST_TENANT, user="me")))
    made: list[Path] = []
    shown: str | None = None
    for name, plan in plans:
        path = folder / name
        secret, key = generate_key(plan, pepper=pepper, now=now, random=os.urandom, first_run=True)
        if not path.exists() and write_secret(path, secret.encode() + b"\n"):
            await store.put([key])
            made.append(path)
            shown = secret if name == USER_FILE else shown
    return FirstKeys(tuple(made), shown)


async def refuse_open_door(store: KeyStore, host: str) -> None:
    """Raises ConfigurationError where the gateway would listen beyond loopback before an operator made a key."""
    if host in _LOOPBACK or host.startswith("127."):
        return
    snapshot = await store.snapshot()
    keys: Sequence[object] = () if snapshot is None else [k for k in snapshot.keys if k.source != "first-run"]
    if not keys:
        raise ConfigurationError(
            f"server.host {host} is not loopback: make a key first (synthlang-router keys create, or keys: in the file)."
        )
