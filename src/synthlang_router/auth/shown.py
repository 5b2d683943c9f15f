"""`ShownKey`: a key as it may be shown to people and scripts: everything but its digest."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import structs

from synthlang_router.auth.keys import ApiKey, Source
from synthlang_router.auth.terms import BudgetTerms, terms_of
from synthlang_router.models import CompressionLevel, CompressionMode, Role


class ShownKey(msgspec.Struct, frozen=True):
    """Times are ISO 8601 in UTC, None for what was or will be never. A limit that is not there, and a
    budget of None, is the default."""

    id: str
    name: str
    status: Literal["valid", "expired", "revoked"]
    role: Role
    tenant: str
    user: str
    project: str
    models: tuple[str, ...]
    routes: tuple[str, ...]
    limits: dict[str, float | Literal["unlimited"]]
    budget: BudgetTerms | None
    compression: CompressionMode | None
    level: CompressionLevel | None
    tags: dict[str, str]
    created: str | None
    expires: str | None
    revoked: str | None
    last_used: str | None
    source: Source
    may_widen: bool


def show_key(key: ApiKey, now: float) -> ShownKey:
    return ShownKey(
        id=key.key_id,
        name=key.name,
        status="revoked" if key.revoked is not None else "valid" if key.valid_at(now) else "expired",
        role=key.role,
        tenant=key.tenant,
        user=key.user,
        project=key.project,
        models=key.models,
        routes=key.routes,
        limits={
            name: "unlimited" if limit == math.inf else limit
            for name, limit in structs.asdict(key.limits).items()
            if limit is not None
        },
        budget=None if key.budget is None else terms_of(key.budget),
        compression=key.compression,
        level=key.level,
        tags=dict(key.tags),
        created=_moment(key.created),
        expires=_moment(key.expires),
        revoked=_moment(key.revoked),
        last_used=_moment(key.used),
        source=key.source,
        may_widen=key.may_widen,
    )


def version_of(key: ApiKey) -> str:
    """What names this version of the record: the same until something other than its last use changes."""
    record = msgspec.msgpack.encode(structs.replace(key, used=None), order="deterministic")
    return sha256(record).hexdigest()[:24]


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
