"""`Vault`: seal and open what is kept, AES-256-GCM by tenant and purpose; the only user of `cryptography`.

A random key per tenant is wrapped by the master key, so that deleting the wrapped key erases the tenant, backups
included. Content keys are derived from it per purpose and day, which keeps random nonces far under the 2^32 that
GCM allows a key. Every blob names its tenant key and day; tenant, purpose and row are authenticated with it.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synthlang_router.errors import ConfigurationError
from synthlang_router.vault.master import (
    KEY_BYTES,
    MASTER_ID_BYTES,
    NONCE_BYTES,
    Envelope,
    MasterKey,
    Unsealable,
    decrypt,
    derive,
)

_KEY_ID_BYTES: Final = 8
_VERSION: Final = 1
_HEADER_BYTES: Final = 1 + _KEY_ID_BYTES + 3
_DAY_SECONDS: Final = 86_400
_CACHED_CIPHERS: Final = 4096
_TENANT_KEY_SECONDS: Final = 60.0
"""How long a tenant's key is used without asking the store again: another process may have erased or rotated it."""


class WrappedKey(msgspec.Struct, frozen=True, gc=False):
    """A tenant's key as it is stored. `created` is seconds since the epoch."""

    key_id: bytes
    tenant: str
    master_id: str
    wrapped: bytes
    created: float


class TenantKeys(Protocol):
    """Where wrapped tenant keys are kept. Raises BackendError when the store is not to be had."""

    def find(self, tenant: str, key_id: bytes | None = None) -> WrappedKey | None:
        """A tenant's newest key, or the one named."""

    def put(self, key: WrappedKey, *, again: bool = False) -> None:
        """Insert, or replace the key of the same id. `again` (wrapped anew): one that was erased stays erased."""

    def erase(self, tenant: str) -> int:
        """Forget all keys of a tenant for good; how many there were."""

    def every(self) -> Sequence[WrappedKey]:
        """The keys of all tenants."""


class Vault:
    """Seals and opens. Thread-safe; asks the store for a tenant's key once a minute at most.

    `former` are master keys that were in use before: what they wrapped still opens, and is rewrapped when met.
    """

    def __init__(
        self,
        master: MasterKey,
        keys: TenantKeys,
        *,
        now: Callable[[], float],
        former: Sequence[MasterKey] = (),
    ) -> None:
        self._master = master
        self._masters = {key.id: key for key in (*former, master)}
        self._keys = keys
        self._now = now
        self._lock = threading.Lock()
        self._newest: OrderedDict[str, tuple[float, bytes, bytes]] = OrderedDict()
        self._ciphers: OrderedDict[tuple[bytes, int, str], tuple[float, AESGCM]] = OrderedDict()

    def seal(self, plain: bytes, *, tenant: str, purpose: str, row: str) -> bytes:
        """12 bytes of header, nonce, ciphertext and tag: 40 bytes more than `plain`."""
        now = self._now()
        key_id, secret = self._newest_key(tenant, now)
        day = int(now) // _DAY_SECONDS
        header = bytes((_VERSION,)) + key_id + day.to_bytes(3, "big")
        nonce = os.urandom(NONCE_BYTES)
        cipher = self._cipher(key_id, secret, day, purpose, now)
        return header + nonce + cipher.encrypt(nonce, plain, _context(header, tenant, purpose, row))

    def open(self, blob: bytes, *, tenant: str, purpose: str, row: str) -> bytes:
        """Raises Unsealable; also for a blob that belongs to another tenant, purpose or row."""
        if len(blob) < _HEADER_BYTES + NONCE_BYTES or blob[0] != _VERSION:
            raise Unsealable("Stored content has an unknown form.")
        header = blob[:_HEADER_BYTES]
        key_id = header[1 : 1 + _KEY_ID_BYTES]
        day = int.from_bytes(header[1 + _KEY_ID_BYTES :], "big")
        cipher = self._cipher_to_open(tenant, key_id, day, purpose)
        start = _HEADER_BYTES + NONCE_BYTES
        context = _context(header, tenant, purpose, row)
        return decrypt(cipher, blob[_HEADER_BYTES:start], blob[start:], context)

    def erase(self, tenant: str) -> int:
        """Delete a tenant's keys: nothing sealed under them can be opened again. How many there were."""
        erased = self._keys.erase(tenant)
        with self._lock:
            self._newest.pop(tenant, None)
            self._ciphers.clear()
        return erased

    def rotate(self, tenant: str) -> None:
        """A new key from now on; what older keys sealed still opens."""
        self._create(tenant, self._now())

    def new_envelope(self) -> Envelope:
        secret = os.urandom(KEY_BYTES)
        return Envelope(secret, self._master.id.encode() + self._master.wrap(secret, b"envelope"))

    def open_envelope(self, header: bytes) -> Envelope:
        """Raises Unsealable for a header of an unknown master key."""
        master = self._masters.get(header[:MASTER_ID_BYTES].decode("ascii", "replace"))
        if master is None:
            raise Unsealable("A journal was written under an unknown encryption key.")
        return Envelope(master.unwrap(header[MASTER_ID_BYTES:], b"envelope"), header)

    def use(self, master: MasterKey, former: Sequence[MasterKey] = ()) -> int:
        """A new master key from now on: what former ones wrapped is wrapped anew, at once; how many keys it was.

        Raises ConfigurationError where a stored key was wrapped by none of them, and changes nothing.
        """
        masters = {key.id: key for key in (*former, master)}
        stored = self._keys.every()
        _know_all(stored, masters)
        self._masters = masters
        self._master = master
        old = [key for key in stored if key.master_id != master.id]
        for key in old:
            self._unwrap(key)
        return len(old)

    def check(self) -> None:
        """Raises ConfigurationError where stored content needs a master key that is not at hand."""
        _know_all(self._keys.every(), self._masters)

    def _newest_key(self, tenant: str, now: float) -> tuple[bytes, bytes]:
        held = self._newest.get(tenant)
        if held is not None and abs(now - held[0]) < _TENANT_KEY_SECONDS:
            return held[1], held[2]
        found = self._keys.find(tenant)
        return self._create(tenant, now) if found is None else self._hold(found, self._unwrap(found), now)

    def _create(self, tenant: str, now: float) -> tuple[bytes, bytes]:
        secret, key_id = os.urandom(KEY_BYTES), os.urandom(_KEY_ID_BYTES)
        key = self._wrap(secret, key_id, tenant, now)
        self._keys.put(key)
        return self._hold(key, secret, now)

    def _wrap(self, secret: bytes, key_id: bytes, tenant: str, created: float) -> WrappedKey:
        wrapped = self._master.wrap(secret, key_id + tenant.encode())
        return WrappedKey(key_id, tenant, self._master.id, wrapped, created)

    def _unwrap(self, key: WrappedKey) -> bytes:
        master = self._masters.get(key.master_id)
        if master is None:
            raise Unsealable("A tenant's key was wrapped by an unknown encryption key.")
        secret = master.unwrap(key.wrapped, key.key_id + key.tenant.encode())
        if master is not self._master:
            self._keys.put(self._wrap(secret, key.key_id, key.tenant, key.created), again=True)
        return secret

    def _hold(self, key: WrappedKey, secret: bytes, now: float) -> tuple[bytes, bytes]:
        with self._lock:
            self._newest[key.tenant] = (now, key.key_id, secret)
            if len(self._newest) > _CACHED_CIPHERS:
                self._newest.popitem(last=False)
        return key.key_id, secret

    def _cipher_to_open(self, tenant: str, key_id: bytes, day: int, purpose: str) -> AESGCM:
        now = self._now()
        held = self._ciphers.get((key_id, day, purpose))
        if held is not None and abs(now - held[0]) < _TENANT_KEY_SECONDS:
            return held[1]
        found = self._keys.find(tenant, key_id)
        if found is None:
            raise Unsealable("The key of this content was erased.")
        self._ciphers.pop((key_id, day, purpose), None)
        return self._cipher(key_id, self._unwrap(found), day, purpose, now)

    def _cipher(self, key_id: bytes, secret: bytes, day: int, purpose: str, now: float) -> AESGCM:
        held = self._ciphers.get((key_id, day, purpose))
        if held is not None:
            return held[1]
        cipher = AESGCM(derive(secret, b"%d|%s" % (day, purpose.encode())))
        with self._lock:
            self._ciphers[key_id, day, purpose] = (now, cipher)
            if len(self._ciphers) > _CACHED_CIPHERS:
                self._ciphers.popitem(last=False)
        return cipher


def _know_all(stored: Sequence[WrappedKey], masters: Mapping[str, MasterKey]) -> None:
    unknown = {key.master_id for key in stored} - masters.keys()
    if unknown:
        raise ConfigurationError(f"Stored content needs other encryption keys: {sorted(unknown)}.")


def _context(header: bytes, tenant: str, purpose: str, row: str) -> bytes:
    """What is authenticated beside the content; lengths make it unambiguous (the header has always the same)."""
    who, what = tenant.encode(), purpose.encode()
    return b"%b%d|%b%d|%b%b" % (header, len(who), who, len(what), what, row.encode())
