"""Rows as people and scripts see them: JSON-ready, times readable, content opened or the reason why not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import structs, to_builtins

from synthlang_router.interactions.content import Kept
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.record import MAX_PAGE, Interaction, Query
from synthlang_router.vault import Unsealable


def describe(row: Interaction) -> dict[str, object]:
    """Every field under its name; `arrived` in ISO 8601, UTC."""
    found: dict[str, object] = {name: to_builtins(value) for name, value in structs.asdict(row).items()}
    found["arrived"] = datetime.fromtimestamp(row.arrived, UTC).isoformat(timespec="milliseconds")
    found["tags"] = dict(row.tags)
    found["saved"] = dict(row.saved)
    return found


def content_of(opened: OpenedRecord, row: Interaction) -> dict[str, object]:
    """`prompt` and `answer`; or `content`, which says why there are none."""
    sealed = opened.log.content(row.id)
    if sealed is None:
        return {"content": "not kept"}
    try:
        content = opened.sealer.open(sealed, tenant=row.tenant)
    except Unsealable as error:
        return {"content": error.message}
    return {"prompt": readable(content.prompt), "answer": readable(content.answer)}


def readable(kept: Kept | None) -> str | None:
    """A body as text, what was left out marked with its size and digest."""
    if kept is None:
        return None
    head = kept.head.decode("utf-8", "replace")
    if not kept.cut:
        return head
    mark = f"\n[... {kept.cut} of {kept.size} bytes left out, sha256 {kept.sha256.hex()} ...]\n"
    return head + mark + kept.tail.decode("utf-8", "replace")


def walk(opened: OpenedRecord, query: Query) -> Iterator[Interaction]:
    """All rows of a query, the newest first, a page at a time; rows written meanwhile are not among them."""
    before = query.before
    while True:
        page = opened.log.page(structs.replace(query, before=before, limit=MAX_PAGE))
        yield from page.rows
        before = page.next
        if before is None:
            return
