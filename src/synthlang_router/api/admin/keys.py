"""`/admin/v1/keys`: make, list, change, revoke and rotate API keys. A secret is in one reply, and never again."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from synthlang_router.api.admin.action import Action, Actions, Call, Listed, Nothing, Paging, Reply, page_of
from synthlang_router.auth.administration import (
    OpenedKeys,
    all_keys,
    change_key,
    create_key,
    revoke_key,
    rotate_key,
)
from synthlang_router.auth.keys import ApiKey
from synthlang_router.auth.minting import KeyPlan
from synthlang_router.auth.shown import ShownKey, show_key, version_of
from synthlang_router.auth.terms import BudgetTerms
from synthlang_router.errors import ConfigurationError, InvalidRequest, NotFound
from synthlang_router.models import CompressionLevel, CompressionMode, Limits, Role

Named = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$")]
Project = Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._@-]{0,127})?$")]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Glob = Annotated[str, Meta(min_length=1, max_length=200)]
Globs = Annotated[tuple[Glob, ...], Meta(min_length=1, max_length=1000)]
Tags = Annotated[
    dict[Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")], Annotated[str, Meta(max_length=256)]],
    Meta(max_length=20),
]
Rate = Annotated[float, Meta(gt=0, le=1e9)] | Literal["unlimited"] | None
Burst = Annotated[float, Meta(ge=1, le=1e9)] | Literal["unlimited"] | None
Slots = Annotated[int, Meta(ge=1, le=1_000_000_000)] | Literal["unlimited"] | None
_DAY: Final = 86_400.0


class LimitsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is; null is the configured default."""

    requests_per_minute: Rate | UnsetType = UNSET
    burst: Burst | UnsetType = UNSET
    concurrency: Slots | UnsetType = UNSET
    tokens_per_minute: Rate | UnsetType = UNSET

    def over(self, limits: Limits) -> Limits:
        given = {
            name: math.inf if value == "unlimited" else value
            for name, value in structs.asdict(self).items()
            if value is not UNSET
        }
        return structs.replace(limits, **given)


class KeyAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without `tenant` it is its own tenant, without `user` its user is its name. `expires` without a zone is UTC."""

    name: Title
    role: Role = "user"
    tenant: Named | None = None
    user: Named | None = None
    project: Project = ""
    models: Globs = ("*",)
    routes: Globs = ("*",)
    limits: LimitsAsked = LimitsAsked()
    budget: BudgetTerms | None = None
    compression: CompressionMode | None = None
    level: CompressionLevel | None = None
    tags: Tags = {}
    expires: datetime | None = None
    may_widen: bool = False


class KeyChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays; a `budget` of null is the configured one. Role and tenant of a key never change: make another."""

    name: Title | UnsetType = UNSET
    user: Named | UnsetType = UNSET
    project: Project | UnsetType = UNSET
    models: Globs | UnsetType = UNSET
    routes: Globs | UnsetType = UNSET
    limits: LimitsAsked | UnsetType = UNSET
    budget: BudgetTerms | UnsetType | None = UNSET
    compression: CompressionMode | UnsetType | None = UNSET
    level: CompressionLevel | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    expires: datetime | UnsetType | None = UNSET
    may_widen: bool | UnsetType = UNSET


class KeysAsked(Paging, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`status: all` shows revoked and expired keys too."""

    status: Literal["valid", "all"] = "valid"
    tenant: str | None = None
    project: str | None = None


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds the old secret stays valid."""

    overlap: Annotated[float, Meta(ge=0, le=90 * _DAY)] = _DAY


class MadeKey(msgspec.Struct, frozen=True):
    """`secret` is shown here and never again."""

    secret: str
    key: ShownKey


class Keys:
    """`changed` is awaited after each change, so that it holds in this process at once."""

    def __init__(self, opened: OpenedKeys, changed: Callable[[], Awaitable[None]]) -> None:
        self._opened = opened
        self._changed = changed

    def actions(self) -> Actions:
        one = "/keys/{key_id}"
        return (
            Action(
                "GET", "/keys", "read-only", "keys.list", "List keys", self.list_,
                query=KeysAsked, gives=Listed[ShownKey],
            ),
            Action(
                "POST", "/keys", "admin", "keys.create", "Make a key", self.create,
                body=KeyAsked, gives=MadeKey, status=201,
            ),
            Action("GET", one, "read-only", "keys.show", "Show a key", self.show, gives=ShownKey),
            Action(
                "PATCH", one, "admin", "keys.change", "Change a key", self.change,
                body=KeyChange, gives=ShownKey,
            ),
            Action("DELETE", one, "admin", "keys.revoke", "Revoke a key for good", self.revoke, gives=ShownKey),
            Action(
                "POST", one + "/rotate", "admin", "keys.rotate", "Give a key a new secret", self.rotate,
                body=Rotation, gives=MadeKey, status=201,
            ),
        )  # fmt: skip

    async def list_(self, call: Call[KeysAsked, Nothing]) -> Reply:
        query, now = call.query, self._opened.clock()
        found = [
            key
            for key in await all_keys(self._opened)
            if call.tenant in (None, key.tenant)
            and query.tenant in (None, key.tenant)
            and query.project in (None, key.project)
            and (query.status == "all" or key.valid_at(now))
        ]
        found.sort(key=lambda key: (-key.created, key.key_id))
        page = page_of(found, lambda key: key.key_id, query)
        data = tuple(show_key(key, now) for key in page.data)
        return Reply(Listed(data=data, has_more=page.has_more, next=page.next))

    async def create(self, call: Call[Nothing, KeyAsked]) -> Reply:
        asked = call.body
        with _as_request():
            plan = KeyPlan(
                **{
                    **structs.asdict(asked),
                    "limits": asked.limits.over(Limits()),
                    "budget": None if asked.budget is None else asked.budget.budget(),
                    "tags": tuple(sorted(asked.tags.items())),
                    "expires": _seconds(asked.expires),
                }
            )
            secret, key = await create_key(self._opened, plan, once=call.once)
        return await self._made(secret, key)

    async def show(self, call: Call[Nothing, Nothing]) -> Reply:
        return self._shown(await self._visible(call))

    async def change(self, call: Call[Nothing, KeyChange]) -> Reply:
        def change(key: ApiKey) -> ApiKey:
            call.expect(version_of(key))
            return _changed(key, call.body)

        known = await self._visible(call)
        with _as_request():
            key = await change_key(self._opened, known.key_id, change)
        await self._changed()
        return self._shown(key)

    async def revoke(self, call: Call[Nothing, Nothing]) -> Reply:
        await revoke_key(self._opened, (await self._visible(call)).key_id)
        await self._changed()
        return self._shown(await self._visible(call))

    async def rotate(self, call: Call[Nothing, Rotation]) -> Reply:
        known = await self._visible(call)
        with _as_request():
            secret, key = await rotate_key(
                self._opened, known.key_id, overlap=call.body.overlap, once=call.once
            )
        return await self._made(secret, key)

    async def _visible(self, call: Call[Any, Any]) -> ApiKey:
        wanted = call.where["key_id"]
        for key in await all_keys(self._opened):
            if key.key_id == wanted and call.tenant in (None, key.tenant):
                return key
        raise NotFound("There is no such key.")

    async def _made(self, secret: str, key: ApiKey) -> Reply:
        await self._changed()
        shown = MadeKey(secret, show_key(key, self._opened.clock()))
        return Reply(shown, 201, version_of(key), about=key.key_id)

    def _shown(self, key: ApiKey) -> Reply:
        return Reply(show_key(key, self._opened.clock()), etag=version_of(key), about=key.key_id)


def _changed(key: ApiKey, asked: KeyChange) -> ApiKey:
    given = {name: value for name, value in structs.asdict(asked).items() if value is not UNSET}
    if isinstance(asked.limits, LimitsAsked):
        given["limits"] = asked.limits.over(key.limits)
    if isinstance(asked.budget, BudgetTerms):
        given["budget"] = asked.budget.budget()
    if isinstance(asked.tags, dict):
        given["tags"] = tuple(sorted(asked.tags.items()))
    if not isinstance(asked.expires, UnsetType):
        given["expires"] = _seconds(asked.expires)
    return structs.replace(key, **given)


def _seconds(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


@contextmanager
def _as_request() -> Iterator[None]:
    """What would be a wrong setting in the file is a wrong request here."""
    try:
        yield
    except ConfigurationError as error:
        raise InvalidRequest(error.message) from None
