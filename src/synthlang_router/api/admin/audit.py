"""`/admin/v1/audit`: who did what, the newest first; and whether the chain holds."""

from __future__ import annotations

from typing import Annotated

import msgspec

from synthlang_router.api.admin.action import Action, Actions, Call, Listed, Nothing, Paging, Reply
from synthlang_router.auth.audit import AuditLog, Found, ShownDeed, show_entry, verify
from synthlang_router.errors import InvalidRequest


class HeadAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`head` as an earlier verification told it: the chain must still hold it."""

    head: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,15}:[0-9a-f]{64}$")] | None = None


class Audit:
    """`key` is that of the chain."""

    def __init__(self, log: AuditLog, key: bytes) -> None:
        self._log = log
        self._key = key

    def actions(self) -> Actions:
        return (
            Action(
                "GET", "/audit", "admin", "audit.list", "List what operators did", self.list_,
                query=Paging, gives=Listed[ShownDeed],
            ),
            Action(
                "GET", "/audit/verify", "admin", "audit.verify", "Verify the chain of the audit log",
                self.verify, query=HeadAsked, gives=Found,
            ),
        )  # fmt: skip

    async def list_(self, call: Call[Paging, Nothing]) -> Reply:
        after, limit = call.query.after, call.query.limit
        if after is not None and not (after.isascii() and after.isdigit() and len(after) < 16):
            raise InvalidRequest("`after` is the `next` of the page before.", param="after")
        found = await self._log.newest(before=None if after is None else int(after), limit=limit)
        more = bool(found) and found[-1].number > 1
        data = tuple(show_entry(entry) for entry in found)
        return Reply(Listed(data=data, has_more=more, next=str(found[-1].number) if more else None))

    async def verify(self, call: Call[HeadAsked, Nothing]) -> Reply:
        return Reply(await verify(self._log, self._key, call.query.head))
