"""A key store in a dict, with a switch that makes it unavailable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from synthlang_router.auth import ApiKey, KeySnapshot
from synthlang_router.errors import BackendError


class DictKeyStore:
    def __init__(self, *keys: ApiKey) -> None:
        self.keys = {key.digest: key for key in keys}
        self.revision = 1
        self.down = False
        self.loads = 0
        self.touched: dict[str, float] = {}

    async def snapshot(self, since: int | None = None) -> KeySnapshot | None:
        if self.down:
            raise BackendError("down")
        if since == self.revision:
            return None
        self.loads += 1
        return KeySnapshot(self.revision, tuple(self.keys.values()))

    async def put(self, keys: Sequence[ApiKey], *, since: int | None = None) -> bool:
        if since is not None and since != self.revision:
            return False
        for key in keys:
            old = self.keys.get(key.digest, key)
            self.keys[key.digest] = structs.replace(
                key, key_id=old.key_id, created=old.created, revoked=old.revoked, used=old.used
            )
        self.revision += 1
        return True

    async def revoke(self, key_id: str, now: float) -> bool:
        for digest, key in self.keys.items():
            if key.key_id == key_id and key.revoked is None:
                self.keys[digest] = structs.replace(key, revoked=now)
                self.revision += 1
                return True
        return False

    async def touch(self, used: Mapping[str, float]) -> None:
        self.touched.update(used)
