"""`/admin/v1/cache`: what it holds and how wrong it is, why it would serve a request or not, and purging."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec

from synthlang_router.api.admin.action import Action, Actions, Call, Nothing, Reply
from synthlang_router.cache.entry import Selection
from synthlang_router.cache.explanation import Explanation
from synthlang_router.cache.figures import CacheFigures
from synthlang_router.errors import InvalidRequest

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}([0-9a-f]{32})?$")]


class StatsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose promise: left out, the gateway's."""

    tenant: Text | None = None


class PurgeAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries that fit everything that is said. `all: true` is for those who say nothing else."""

    entry: Hex | None = None
    scope: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")] | None = None
    tenant: Text | None = None
    tag: Annotated[str, msgspec.Meta(pattern=r"^[^=]{1,64}=.{0,256}$")] | None = None
    all: bool = False


class Purged(msgspec.Struct, frozen=True):
    """How many there were."""

    purged: int


class ExplainAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`request` is a chat body, `user` the key's user."""

    request: msgspec.Raw
    tenant: Text | None = None
    user: Text | None = None


class CacheDesk:
    """`figures(tenant)`, `purge(which)` and `explain(body, tenant, user)` are the cache's."""

    def __init__(
        self,
        *,
        figures: Callable[[str | None], Awaitable[CacheFigures]],
        purge: Callable[[Selection], Awaitable[int]],
        explain: Callable[[bytes, str, str], Awaitable[Explanation]],
    ) -> None:
        self._figures = figures
        self._purge = purge
        self._explain = explain

    def actions(self) -> Actions:
        return (
            Action(
                "GET", "/cache", "read-only", "cache.stats", "What the cache holds, saved, and how wrong it is",
                self.stats, query=StatsAsked, gives=CacheFigures,
            ),
            Action(
                "POST", "/cache/purge", "operator", "cache.purge", "Forget answers", self.purge,
                body=PurgeAsked, gives=Purged,
            ),
            Action(
                "POST", "/cache/explain", "operator", "cache.explain", "Why a request would be answered, or not",
                self.explain, body=ExplainAsked, gives=Explanation,
            ),
        )  # fmt: skip

    async def stats(self, call: Call[StatsAsked, Nothing]) -> Reply:
        return Reply(await self._figures(call.query.tenant if call.tenant is None else call.tenant))

    async def purge(self, call: Call[Nothing, PurgeAsked]) -> Reply:
        asked = call.body
        if not asked.all and (asked.entry, asked.scope, asked.tenant, asked.tag) == (None,) * 4:
            raise InvalidRequest("Say what is to be forgotten, or `all`.", param="all")
        name, _, value = (asked.tag or "").partition("=")
        which = Selection(
            entry_id=None if asked.entry is None else asked.entry[:32],
            scope=None if asked.scope is None else bytes.fromhex(asked.scope),
            tenant=_tenant(call, asked.tenant),
            tag=None if asked.tag is None else (name, value),
        )
        return Reply(Purged(await self._purge(which)), about=asked.entry or asked.tenant or asked.tag or "")

    async def explain(self, call: Call[Nothing, ExplainAsked]) -> Reply:
        tenant = _tenant(call, call.body.tenant)
        if tenant is None:
            raise InvalidRequest("Say whose request it would be.", param="tenant")
        user = tenant if call.body.user is None else call.body.user
        return Reply(await self._explain(bytes(call.body.request), tenant, user), about=tenant)


def _tenant(call: Call[Any, Any], asked: str | None) -> str | None:
    """Who is no admin sees and forgets what is their own tenant's, whatever they ask for."""
    return asked if call.tenant is None else call.tenant
