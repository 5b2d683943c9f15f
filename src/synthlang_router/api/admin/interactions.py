"""`/admin/v1/interactions`: the record over HTTP: list, show, search, export, erase."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, structs

from synthlang_router.api.admin.action import Action, Actions, Call, Listed, Nothing, Paging, Reply
from synthlang_router.errors import InvalidRequest, NotFound
from synthlang_router.interactions.erasing import (
    SETTLE_SECONDS,
    Erased,
    erase_row,
    erase_tenant,
    erase_user,
)
from synthlang_router.interactions.export import FORMATS, export
from synthlang_router.interactions.moments import moment
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.record import Interaction, Query
from synthlang_router.interactions.search import search
from synthlang_router.interactions.shown import content_of, describe
from synthlang_router.models import OutcomeKind
from synthlang_router.vault import Vault

Text = Annotated[str, Meta(max_length=400)]
_END: Final = (-1, b"")


class RowsAsked(Paging, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Times are 30m, 12h, 7d (ago) or ISO dates; `tag` is name=value; `model` as asked for or as served."""

    tenant: Text | None = None
    project: Text | None = None
    key_id: Text | None = None
    user: Text | None = None
    model: Text | None = None
    provider: Text | None = None
    cache: Text | None = None
    outcome: OutcomeKind | None = None
    status: int | None = None
    min_cost: Annotated[float, Meta(ge=0)] | None = None
    tag: Text | None = None
    since: Text | None = None
    until: Text | None = None


class SearchAsked(RowsAsked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`text` in prompt or answer, in any case of letters, within one tenant."""

    text: Annotated[str, Meta(min_length=2, max_length=400)]


class ExportAsked(RowsAsked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`content`: prompts and answers too."""

    format: Literal["jsonl", "parquet"] = "jsonl"
    content: bool = False


class EraseAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole tenant, or one of its users."""

    tenant: Annotated[str, Meta(min_length=1, max_length=200)]
    user: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class InteractionRecord:
    """`read` gives the record to one reader in one thread; `forget` drops a tenant's cached answers."""

    def __init__(
        self,
        read: Callable[[], OpenedRecord],
        vault: Vault,
        forget: Callable[[str], Awaitable[None]],
    ) -> None:
        self._read = read
        self._vault = vault
        self._forget = forget

    def actions(self) -> Actions:
        one = "/interactions/{row_id}"
        return (
            Action("GET", "/interactions", "read-only", "interactions.list", "List what was asked", self.list_,
                   query=RowsAsked, gives=Listed[dict[str, Any]]),
            Action("GET", "/interactions/search", "operator", "interactions.search", "Search prompts and answers",
                   self.search, query=SearchAsked, gives=Listed[dict[str, Any]], noted=True),
            Action("GET", "/interactions/export", "operator", "interactions.export", "Export rows as a file",
                   self.export, query=ExportAsked, gives=Any, noted=True),
            Action("GET", one, "read-only", "interactions.show", "Show a row by its id or its x-request-id",
                   self.show, gives=Listed[dict[str, Any]]),
            Action("GET", one + "/content", "operator", "interactions.content", "Show a row with prompt and answer",
                   self.content, gives=Listed[dict[str, Any]], noted=True),
            Action("DELETE", one, "admin", "interactions.erase", "Erase a row", self.erase_row, gives=Erased),
            Action("POST", "/erase", "admin", "erase", "Erase a tenant or a user for good", self.erase,
                   body=EraseAsked, gives=Erased),
        )  # fmt: skip

    async def list_(self, call: Call[RowsAsked, Nothing]) -> Reply:
        return await asyncio.to_thread(self._list, call)

    async def search(self, call: Call[SearchAsked, Nothing]) -> Reply:
        def work() -> Reply:
            opened = self._read()
            found = search(opened, _query(call, opened.clock()), call.query.text)
            return _listed([describe(row) for row in found.rows], found.next)

        return await asyncio.to_thread(work)

    async def show(self, call: Call[Nothing, Nothing]) -> Reply:
        return await asyncio.to_thread(self._show, call, content=False)

    async def content(self, call: Call[Nothing, Nothing]) -> Reply:
        return await asyncio.to_thread(self._show, call, content=True)

    async def export(self, call: Call[ExportAsked, Nothing]) -> Reply:
        opened = self._read()
        query = _query(call, opened.clock())
        pieces = export(opened, query, form=call.query.format, content=call.query.content)
        first = await asyncio.to_thread(
            next, pieces, _END
        )  # a query that cannot be is refused before the headers
        return Reply(stream=_streamed(first, pieces), media=FORMATS[call.query.format][1])

    async def erase_row(self, call: Call[Nothing, Nothing]) -> Reply:
        return Reply(await asyncio.to_thread(erase_row, self._read().log, call.where["row_id"]))

    async def erase(self, call: Call[Nothing, EraseAsked]) -> Reply:
        tenant, user, log = call.body.tenant, call.body.user, self._read().log
        await self._forget(tenant)
        if user is None:
            erased = await asyncio.to_thread(erase_tenant, log, self._vault, tenant, _settle)
        else:
            erased = await asyncio.to_thread(erase_user, log, tenant, user, _settle)
        return Reply(erased, about=tenant if user is None else f"{tenant}/{user}")

    def _list(self, call: Call[RowsAsked, Nothing]) -> Reply:
        opened = self._read()
        page = opened.log.page(_query(call, opened.clock()))
        return _listed([describe(row) for row in page.rows], page.next)

    def _show(self, call: Call[Nothing, Nothing], *, content: bool) -> Reply:
        opened = self._read()
        rows: tuple[Interaction, ...] = opened.log.page(
            Query(key=call.where["row_id"], tenant=call.tenant)
        ).rows
        if not rows:
            raise NotFound("There is no such interaction.")
        return _listed(
            [{**describe(row), **content_of(opened, row)} if content else describe(row) for row in rows], None
        )


def _listed(rows: list[dict[str, object]], after: str | None) -> Reply:
    return Reply(Listed(data=tuple(rows), has_more=after is not None, next=after))


def _query(call: Call[Any, Nothing], now: float) -> Query:
    """The filters, narrowed to the caller's tenant; a foreign tenant's name finds nothing."""
    asked: RowsAsked = call.query
    fields = {name: value for name, value in structs.asdict(asked).items() if name in _SAME}
    tag = None
    if asked.tag is not None:
        name, separator, value = asked.tag.partition("=")
        if not separator:
            raise InvalidRequest("A tag is name=value.", param="tag")
        tag = (name, value)
    if call.tenant is not None and asked.tenant not in (None, call.tenant):
        raise NotFound("There is no such tenant.")
    return Query(
        **fields,
        tenant=asked.tenant if call.tenant is None else call.tenant,
        tag=tag,
        since=moment(asked.since, now),
        until=moment(asked.until, now),
        before=asked.after,
        limit=asked.limit,
    )


_SAME: Final = frozenset(
    ("project", "key_id", "user", "model", "provider", "cache", "outcome", "status", "min_cost")
)


async def _streamed(first: tuple[int, bytes], pieces: Iterator[tuple[int, bytes]]) -> AsyncIterator[bytes]:
    """A piece at a time, each made in a thread."""
    found = first
    while found is not _END:
        yield found[1]
        found = await asyncio.to_thread(next, pieces, _END)


def _settle() -> None:
    time.sleep(SETTLE_SECONDS)
