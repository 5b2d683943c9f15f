"""What an operator does with keys: create, list, change, revoke, rotate. Commands and the admin API share these.

With `once` (what an Idempotency-Key stands for) a new secret is derived from it instead of drawn: asked again, the
same request finds its own key and shows the same secret, without any secret being kept.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import structs

from synthlang_router.auth.keys import ApiKey, KeyStore
from synthlang_router.auth.minting import Imported, KeyPlan, check_plan, generate_key, import_key
from synthlang_router.errors import BackendError, ConfigurationError, Conflict, NotFound

_TRIES: Final = 5
_IN_THE_FILE: Final = "This key comes from the configuration file; change it there."


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """What these functions need: the store, the pepper of its digests, the wall clock and randomness."""

    store: KeyStore
    pepper: bytes
    clock: Callable[[], float]
    random: Callable[[int], bytes]


async def create_key(opened: OpenedKeys, plan: KeyPlan, *, once: bytes | None = None) -> tuple[str, ApiKey]:
    """A new key; the secret is returned here and nowhere else. Raises Conflict where `once` was another plan."""
    secret, key = _generated(opened, plan, once, plan)
    if once is not None:
        known = await _known(opened, key)
        if known is not None:
            return secret, known
    await opened.store.put([key])
    return secret, key


async def import_secret(opened: OpenedKeys, secret: str, plan: KeyPlan) -> Imported:
    """A key whose string somebody else chose. Raises Conflict for one that is here already, revoked or not."""
    imported = import_key(secret, plan, pepper=opened.pepper, now=opened.clock())
    key = structs.replace(imported.key, source="command")
    if any(known.digest == key.digest for known in await all_keys(opened)):
        raise Conflict("This key is here already.")
    await opened.store.put([key])
    return Imported(key, imported.warning)


async def list_keys(opened: OpenedKeys, *, every: bool, limit: int) -> list[ApiKey]:
    """The newest first; without `every` only those that are valid now."""
    now = opened.clock()
    shown = [key for key in await all_keys(opened) if every or key.valid_at(now)]
    return sorted(shown, key=lambda key: key.created, reverse=True)[:limit]


async def all_keys(opened: OpenedKeys) -> tuple[ApiKey, ...]:
    """Revoked and expired ones too, in no order."""
    snapshot = await opened.store.snapshot()
    return () if snapshot is None else snapshot.keys


async def revoke_key(opened: OpenedKeys, which: str) -> ApiKey:
    """Revoke by id or name, for good: no restart and no configuration file brings the key back."""
    key = await _find(opened, which)
    await opened.store.revoke(key.key_id, opened.clock())
    return key


async def change_key(opened: OpenedKeys, key_id: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
    """`change` sees the newest record, and again the one after that where somebody else was faster.

    Raises ConfigurationError for what no key may be, Conflict for a key that is revoked or of the file.
    """
    for _ in range(_TRIES):
        snapshot = await opened.store.snapshot()
        key = next((key for key in snapshot.keys if key.key_id == key_id), None) if snapshot else None
        if snapshot is None or key is None:
            raise NotFound("There is no such key.")
        changed = change(key)
        if changed == key:
            return key
        if key.source == "file":
            raise Conflict(_IN_THE_FILE)
        if key.revoked is not None:
            raise Conflict("This key is revoked, for good.")
        check_plan(plan_of(changed))
        if await opened.store.put([changed], since=snapshot.revision):
            return changed
    raise BackendError("The keys are being changed by others at the moment.", retry_after=1.0)


async def rotate_key(
    opened: OpenedKeys, which: str, *, overlap: float, once: bytes | None = None
) -> tuple[str, ApiKey]:
    """A new secret with everything else as it was; the old one is valid for `overlap` seconds more."""
    old = await _find(opened, which)
    if old.source == "file":
        raise ConfigurationError("This key comes from the configuration file; put a new one there beside it.")
    if old.revoked is not None:
        raise Conflict("This key is revoked, for good.")
    now = opened.clock()
    plan = structs.replace(plan_of(old), account=old.account_id)  # a new secret is no new budget
    secret, new = _generated(opened, plan, once, overlap)
    if once is not None:
        known = await _known(opened, new)
        if known is not None:
            return secret, known
    ends = now + overlap if old.expires is None else min(old.expires, now + overlap)
    await opened.store.put([new, structs.replace(old, expires=ends)])
    return secret, new


def plan_of(key: ApiKey) -> KeyPlan:
    """The plan that this key could have been made of."""
    return KeyPlan(**{name: getattr(key, name) for name in KeyPlan.__struct_fields__})


def _generated(opened: OpenedKeys, plan: KeyPlan, once: bytes | None, asked: object) -> tuple[str, ApiKey]:
    random = opened.random if once is None else _Derived(opened.pepper, once, asked)
    return generate_key(plan, pepper=opened.pepper, now=opened.clock(), random=random)


class _Derived:
    """Bytes from the pepper and `once`: those of the key's public id first, which do not depend on what was asked."""

    def __init__(self, pepper: bytes, once: bytes, asked: object) -> None:
        self._secrets = [
            hmac.digest(pepper, b"once.id|" + once, "sha256"),
            hmac.digest(pepper, b"once.secret|" + msgspec.json.encode([once, asked]), "sha256"),
        ]

    def __call__(self, size: int) -> bytes:
        return self._secrets.pop(0)[:size]


async def _known(opened: OpenedKeys, wanted: ApiKey) -> ApiKey | None:
    known = next((key for key in await all_keys(opened) if key.key_id == wanted.key_id), None)
    if known is not None and known.digest != wanted.digest:
        raise Conflict(
            "This Idempotency-Key was sent with another request.",
            code="idempotency_key_reused",
            param="Idempotency-Key",
        )
    return known


async def _find(opened: OpenedKeys, which: str) -> ApiKey:
    keys = await all_keys(opened)
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
