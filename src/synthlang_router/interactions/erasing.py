"""Erasing: a tenant (its key first, so that nothing opens any more), a user, or one row; in small batches.

Rows may be on their way from the journal into the log while they are erased, so it is done twice: `settle` waits
between for what was on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from synthlang_router.errors import NotFound
from synthlang_router.interactions.record import InteractionLog
from synthlang_router.vault import Vault

AT_ONCE: Final = 200
SETTLE_SECONDS: Final = 1.0
"""The drain carries rows over four times a second."""


class Erased(Struct, frozen=True):
    """What is gone. `keys` are the tenant's keys: without them backups cannot be opened either."""

    rows: int
    keys: int = 0


def erase_tenant(log: InteractionLog, vault: Vault, tenant: str, settle: Callable[[], None]) -> Erased:
    """All rows, content and sums of a tenant. Blocks; raises BackendError, and may be done again."""
    keys = vault.erase(tenant)
    rows = _all(lambda: log.delete(tenant=tenant, limit=AT_ONCE))
    settle()
    return Erased(rows + _all(lambda: log.delete(tenant=tenant, limit=AT_ONCE)), keys)


def erase_user(log: InteractionLog, tenant: str, user: str, settle: Callable[[], None]) -> Erased:
    """All rows of a user; the sums over them stay, in which nobody can be told apart."""
    rows = _all(lambda: log.delete(tenant=tenant, user=user, limit=AT_ONCE))
    settle()
    return Erased(rows + _all(lambda: log.delete(tenant=tenant, user=user, limit=AT_ONCE)))


def erase_row(log: InteractionLog, row_id: str) -> Erased:
    """One row. Raises NotFound."""
    if log.delete(row=row_id, limit=1) == 0:
        raise NotFound("There is no such interaction.")
    return Erased(1)


def _all(delete: Callable[[], int]) -> int:
    total = 0
    while deleted := delete():
        total += deleted
    return total
