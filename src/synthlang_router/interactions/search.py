"""Text search: rows whose prompt or answer holds a text, within one tenant, by opening what is sealed. Bounded.

There is no index over content: one would hold what the sealing hides. A search looks at a bounded number of rows and
bytes, the newest first, and says where to go on.
"""

from __future__ import annotations

import json
from typing import Final

from msgspec import Struct, structs

from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions.content import Content, Kept
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.record import Interaction, Query
from synthlang_router.vault import Unsealable

MAX_ROWS: Final = 2_000
MAX_BYTES: Final = 64_000_000
MIN_TEXT: Final = 2
_AT_ONCE: Final = 50


class Matches(Struct, frozen=True):
    """`looked_at` rows were opened; `next` is where to go on, None where all of the query was looked at."""

    rows: tuple[Interaction, ...]
    looked_at: int
    next: str | None


def search(opened: OpenedRecord, query: Query, text: str) -> Matches:
    """At most `query.limit` rows of `query.tenant`. Blocks: seconds at most. Raises InvalidRequest without a tenant."""
    if query.tenant is None:
        raise InvalidRequest("A search in prompts and answers is within one tenant.", param="tenant")
    if len(text) < MIN_TEXT:
        raise InvalidRequest(f"A text to search for has {MIN_TEXT} characters or more.", param="text")
    needles = _spellings(text)
    found: list[Interaction] = []
    looked_at = size = 0
    before = query.before
    at_once = max(1, min(query.limit, _AT_ONCE))
    while len(found) + at_once <= max(query.limit, at_once) and looked_at < MAX_ROWS and size < MAX_BYTES:
        page = opened.log.page(structs.replace(query, before=before, limit=at_once))
        for row in page.rows:
            bodies = _bodies(opened, row)
            size += sum(map(len, bodies))
            if any(needle in body for body in bodies for needle in needles):
                found.append(row)
        looked_at += len(page.rows)
        before = page.next
        if before is None:
            break
    return Matches(tuple(found), looked_at, before)


def _spellings(text: str) -> set[str]:
    """As it may stand in JSON: as it is, with quotes and line breaks escaped, and with everything escaped."""
    lower = text.lower()
    escaped = (json.dumps(lower, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True))
    return {lower, *escaped}


def _bodies(opened: OpenedRecord, row: Interaction) -> list[str]:
    sealed = opened.log.content(row.id)
    if sealed is None:
        return []
    try:
        content: Content = opened.sealer.open(sealed, tenant=row.tenant)
    except Unsealable:
        return []
    return [text for kept in (content.prompt, content.answer) for text in _texts(kept)]


def _texts(kept: Kept | None) -> list[str]:
    if kept is None:
        return []
    return [part.decode("utf-8", "replace").lower() for part in (kept.head, kept.tail) if part]
