"""Seals and opens what is kept; the only place that knows `cryptography`."""

from synthlang_router.vault.master import KEY_BYTES, Envelope, MasterKey, Unsealable
from synthlang_router.vault.vault import TenantKeys, Vault, WrappedKey

__all__ = ["KEY_BYTES", "Envelope", "MasterKey", "TenantKeys", "Unsealable", "Vault", "WrappedKey"]
