"""API keys as the gateway keeps them: records without the secret, found by a keyed digest of the whole key.

The pepper lives outside the key database, so that a copy of the database alone lets nobody test guesses.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

import msgspec

from synthlang_router.auth.budgets import Budget
from synthlang_router.models import CompressionLevel, CompressionMode, Limits, Role

Source = Literal["file", "command", "first-run"]
MAX_KEY_BYTES: Final = 1024
"""Longer strings are no key of ours and are not even hashed."""


class ApiKey(msgspec.Struct, frozen=True):
    """One key. Times are seconds since the epoch; None is never.

    `limits` holds what this key was given; a None there means the configured default, `math.inf` no limit.
    `models` are globs over names, `routes` over paths, both without regard to a leading `/v1`.
    `revoked` is a tombstone: it stays with the digest, whatever a configuration file says later. `account` is the id of
    the first key of a line of rotated ones, which share limits and budget; empty for a key that begins one.
    """

    key_id: str
    digest: bytes
    name: str
    tenant: str
    user: str
    role: Role = "user"
    models: tuple[str, ...] = ("*",)
    limits: Limits = Limits()
    tags: tuple[tuple[str, str], ...] = ()
    created: float = 0.0
    expires: float | None = None
    revoked: float | None = None
    used: float | None = None
    may_widen: bool = False
    source: Source = "command"
    project: str = ""
    budget: Budget | None = None
    compression: CompressionMode | None = None
    level: CompressionLevel | None = None
    routes: tuple[str, ...] = ("*",)
    account: str = ""

    @property
    def account_id(self) -> str:
        """Whose limits and budget this key draws on."""
        return self.account or self.key_id

    def valid_at(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


def digest_key(pepper: bytes, key: bytes) -> bytes:
    """HMAC-SHA256: a look-up by it leaks nothing through timing that a caller could steer without the pepper."""
    return hmac.digest(pepper, key, "sha256")


class KeySnapshot(msgspec.Struct, frozen=True):
    """All keys, revoked and expired ones included, at one revision."""

    revision: int
    keys: tuple[ApiKey, ...]


class KeyStore(Protocol):
    """Where keys are kept. Every method raises BackendError when the store is not to be had."""

    async def snapshot(self, since: int | None = None) -> KeySnapshot | None:
        """All keys, or None if nothing has changed since that revision."""
        ...

    async def put(self, keys: Sequence[ApiKey], *, since: int | None = None) -> bool:
        """Insert, or replace the record with the same digest, all at once. Of a replaced record `key_id`, `created`,
        `revoked` and `used` stay. False, and nothing done, where something has changed since that revision."""
        ...

    async def revoke(self, key_id: str, now: float) -> bool:
        """Set the tombstone; False where there is no such key or it is revoked already."""
        ...

    async def touch(self, used: Mapping[str, float]) -> None:
        """Note when keys (by id) were last used. Changes no revision."""
        ...
