"""What an operator does with keys: create, list, revoke, rotate. Commands and the admin API share these functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import structs

from synthlang_router.auth.keys import ApiKey, KeyStore
from synthlang_router.auth.minting import KeyPlan, generate_key
from synthlang_router.errors import ConfigurationError, NotFound


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """What these functions need: the store, the pepper of its digests, the wall clock and randomness."""

    store: KeyStore
    pepper: bytes
    clock: Callable[[], float]
    random: Callable[[int], bytes]


async def create_key(opened: OpenedKeys, plan: KeyPlan) -> tuple[str, ApiKey]:
    """A new key; the secret is returned here and nowhere else, ever."""
    secret, key = generate_key(plan, pepper=opened.pepper, now=opened.clock(), random=opened.random)
    await opened.store.put([key])
    return secret, key


async def list_keys(opened: OpenedKeys, *, every: bool, limit: int) -> list[ApiKey]:
    """The newest first; without `every` only those that are valid now."""
    snapshot = await opened.store.snapshot()
    keys = () if snapshot is None else snapshot.keys
    now = opened.clock()
    shown = [key for key in keys if every or key.valid_at(now)]
    return sorted(shown, key=lambda key: key.created, reverse=True)[:limit]


async def revoke_key(opened: OpenedKeys, which: str) -> ApiKey:
    """Revoke by id or name, for good: no restart and no configuration file brings the key back."""
    key = await _find(opened, which)
    await opened.store.revoke(key.key_id, opened.clock())
    return key


async def rotate_key(opened: OpenedKeys, which: str, *, overlap: float) -> tuple[str, ApiKey]:
    """A new secret with everything else as it was; the old one is valid for `overlap` seconds more."""
    old = await _find(opened, which)
    if old.source == "file":
        raise ConfigurationError("This key comes from the configuration file; put a new one there beside it.")
    now = opened.clock()
    plan = KeyPlan(
        name=old.name,
        role=old.role,
        tenant=old.tenant,
        user=old.user,
        models=old.models,
        limits=old.limits,
        tags=old.tags,
        expires=old.expires,
        may_widen=old.may_widen,
        project=old.project,
        budget=old.budget,
        compression=old.compression,
        level=old.level,
    )
    secret, new = generate_key(plan, pepper=opened.pepper, now=now, random=opened.random)
    ends = now + overlap if old.expires is None else min(old.expires, now + overlap)
    await opened.store.put([new, structs.replace(old, expires=ends)])
    return secret, new


async def _find(opened: OpenedKeys, which: str) -> ApiKey:
    snapshot = await opened.store.snapshot()
    keys = () if snapshot is None else snapshot.keys
    now = opened.clock()
    found = [key for key in keys if key.key_id == which] or [
        key for key in keys if key.name == which and key.valid_at(now)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound("There is no such key.")
    raise ConfigurationError(
        "Several keys have this name; give the id: " + ", ".join(key.key_id for key in found)
    )
