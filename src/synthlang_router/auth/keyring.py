"""`Keyring`: all valid keys in memory, by digest, and the watcher that keeps it in step with the store. [hot]

A request costs no I/O: any process may create or revoke keys in the store, and the map here is at most a quarter of
a second behind it. While the store is not to be had the last known keys hold, for a bounded time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from synthlang_router.auth.budgets import Budget
from synthlang_router.auth.keys import MAX_KEY_BYTES, ApiKey, KeyStore, digest_key
from synthlang_router.errors import AuthenticationError, BackendError
from synthlang_router.models import Caller
from synthlang_router.telemetry import count

REFRESH_EVERY: Final = 0.25
TOUCH_EVERY: Final = 10.0
REFRESH_TIMEOUT: Final = 5.0
_BEARER: Final = b"bearer "
_HEADERS: Final = frozenset({b"x-synthlang-key", b"authorization", b"x-api-key", b"x-goog-api-key"})


class _Entry:
    """One valid key. `expires` and `used` are seconds since the epoch."""

    __slots__ = ("caller", "expires", "used")

    def __init__(self, key: ApiKey) -> None:
        self.caller = as_caller(key)
        self.expires = float("inf") if key.expires is None else key.expires
        self.used = 0.0


class Keyring:
    """`clock` is the wall clock in seconds. `stale_after` seconds without the store every key is answered 503."""

    def __init__(
        self, store: KeyStore, *, pepper: bytes, clock: Callable[[], float], stale_after: float = 3600.0
    ) -> None:
        self._store = store
        self._pepper = pepper
        self._clock = clock
        self._stale_after = stale_after
        self._entries: dict[bytes, _Entry] = {}
        self._by_caller: dict[str, _Entry] = {}
        self._budgets: dict[str, Budget] = {}
        self._lines: dict[str, tuple[str, ...]] = {}
        self._revision: int | None = None
        self._silent = 0.0
        self._since_touch = 0.0

    @property
    def stale(self) -> bool:
        """Whether the store has been silent for too long to trust what is known of it."""
        return self._silent > self._stale_after

    def verify(self, headers: list[tuple[bytes, bytes]]) -> Caller:
        """The caller whose key the headers carry. Raises AuthenticationError, which reads the same for every cause."""
        found: _Entry | None = None
        for name, value in headers:
            if name in _HEADERS:
                entry = self._find(name, value)
                if entry is not None:
                    if found is not None and entry is not found:
                        count("auth_refused", "two_keys")
                        raise AuthenticationError
                    found = entry
        if self.stale:
            raise BackendError("The key store is not available.", retry_after=1.0)
        if found is None:
            count("auth_refused", "no_valid_key")
            raise AuthenticationError
        return found.caller

    def still_holds(self, caller: Caller) -> bool:
        """Whether the key of a caller that `verify` gave is still as good, and counts as used now."""
        entry, now = self._by_caller.get(caller.key_id), self._clock()
        if entry is None or entry.caller is not caller or now >= entry.expires or self.stale:
            return False
        entry.used = now
        return True

    def _find(self, name: bytes, value: bytes) -> _Entry | None:
        if name == b"authorization":
            if value[:7].lower() != _BEARER:
                return None
            value = value[7:]
        if len(value) > MAX_KEY_BYTES:
            return None
        entry = self._entries.get(digest_key(self._pepper, value.strip(b" \t")))
        if entry is not None:
            now = self._clock()
            if now >= entry.expires:
                return None
            entry.used = now
        return entry

    def budget_of(self, key_id: str) -> Budget | None:
        """The money this key may spend."""
        return self._budgets.get(key_id)

    def keys_of(self, account: str) -> tuple[str, ...]:
        """The ids of all keys, ended ones too, that draw on this account."""
        return self._lines.get(account, (account,))

    async def refresh(self) -> None:
        """Take over what has changed in the store. Raises BackendError and keeps the last known keys."""
        snapshot = await self._store.snapshot(self._revision)
        if snapshot is None:
            return
        now = self._clock()
        known = self._entries
        entries = {key.digest: _Entry(key) for key in snapshot.keys if key.valid_at(now)}
        for digest, entry in entries.items():
            if digest in known:
                entry.used = known[digest].used
        self._entries = entries
        self._by_caller = {entry.caller.key_id: entry for entry in entries.values()}
        self._budgets = {key.key_id: key.budget for key in snapshot.keys if key.budget is not None}
        lines: dict[str, tuple[str, ...]] = {}
        for key in snapshot.keys:
            if key.account:
                lines[key.account] = (*lines.get(key.account, (key.account,)), key.key_id)
        self._lines = lines
        self._revision = snapshot.revision

    async def watch(self) -> None:
        """Refresh for ever; run it in a task of its own, cancel it to stop."""
        while True:
            await asyncio.sleep(REFRESH_EVERY)
            try:
                async with asyncio.timeout(REFRESH_TIMEOUT):
                    await self.refresh()
                    await self._touch()
                self._silent = 0.0
            except (BackendError, TimeoutError):
                count("key_store_unavailable")
                self._silent += REFRESH_EVERY

    async def _touch(self) -> None:
        self._since_touch += REFRESH_EVERY
        if self._since_touch < TOUCH_EVERY:
            return
        self._since_touch = 0.0
        since = self._clock() - 2 * TOUCH_EVERY
        used = {entry.caller.key_id: entry.used for entry in self._entries.values() if entry.used > since}
        if used:
            await self._store.touch(used)


def as_caller(key: ApiKey) -> Caller:
    """What the rest of the house knows of a key."""
    return Caller(
        tenant_id=key.tenant,
        user_id=key.user,
        key_id=key.key_id,
        name=key.name,
        role=key.role,
        models=key.models,
        limits=key.limits,
        tags=key.tags,
        may_widen=key.may_widen,
        project_id=key.project,
        account=key.account,
        compression=key.compression,
        level=key.level,
        routes=key.routes,
    )
