"""`Interaction`: what was asked and answered, as it is kept; and `InteractionLog`, the port that keeps it.

The metadata of a row is plain and can be searched; prompt and answer are beside it, sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, Protocol

import msgspec

from synthlang_router.models import Attempt, CompressionLevel, OutcomeKind

MAX_PAGE: Final = 1000


class Timings(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Milliseconds since the arrival, None for what did not happen; `cache` is a duration.

    `queue` ends when the first call upstream was sent.
    """

    queue: float | None = None
    cache: float = 0.0
    first_token: float | None = None
    total: float = 0.0


class Tokens(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """As `Usage`: cached, written and reasoning tokens are part of the totals. None where nobody knows."""

    prompt: int | None = None
    completion: int | None = None
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    audio_prompt: int = 0
    audio_completion: int = 0


class Interaction(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One request that was let in. `id` is unique for good; `request_id` is the client's and may repeat.

    `arrived` is seconds since the epoch, `status` HTTP's (499 where the client left first, 0 where the process died).
    `cost` is USD over all attempts, `saved` what it would have cost more (method, USD), `prices` the version of the
    rate table. `delivered` says whether the client got the last byte. `compression` is the mode at its `level`, or
    `holdout`; empty where there was none.
    """

    id: str
    request_id: str
    arrived: float
    tenant: str
    user: str
    key_id: str
    kind: str
    dialect: str
    asked_model: str
    outcome: OutcomeKind
    model: str = ""
    provider: str = ""
    stream: bool = False
    route_reason: str = ""
    status: int = 0
    error: str | None = None
    finish_reason: str | None = None
    cache: str | None = None
    cache_reason: str = ""
    similarity: float | None = None
    tokens: Tokens = Tokens()
    usage_source: str = ""
    tokens_saved: int | None = None
    tokens_would_save: int | None = None
    cost: float | None = None
    saved: tuple[tuple[str, float], ...] = ()
    prices: str = ""
    attempts: tuple[Attempt, ...] = ()
    timings: Timings = Timings()
    dropped: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    delivered: bool = True
    simulated: bool = False
    project: str = ""
    compression: str = ""
    level: CompressionLevel | None = None


class SealedContent(msgspec.Struct, frozen=True, gc=False):
    """Prompt and answer of the row `id`, sealed; None for what is not kept."""

    id: str
    prompt: bytes | None
    answer: bytes | None


class Batch(msgspec.Struct, frozen=True, gc=False):
    """What goes into the log in one transaction. `undelivered` are ids of rows whose last byte did not arrive."""

    rows: Sequence[Interaction] = ()
    contents: Sequence[SealedContent] = ()
    undelivered: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.rows or self.contents or self.undelivered)


class Query(msgspec.Struct, frozen=True, gc=False):
    """Which rows; None does not matter. Newest first, at most `limit` (bounded by MAX_PAGE).

    Times are seconds since the epoch, `since` inclusive, `until` exclusive. `before` is `Page.next` of the page
    before. `key` is a row id or a request id.
    """

    tenant: str | None = None
    key: str | None = None
    user: str | None = None
    key_id: str | None = None
    project: str | None = None
    model: str | None = None
    provider: str | None = None
    cache: str | None = None
    outcome: OutcomeKind | None = None
    status: int | None = None
    min_cost: float | None = None
    tag: tuple[str, str] | None = None
    since: float | None = None
    until: float | None = None
    before: str | None = None
    limit: int = 50


class Page(msgspec.Struct, frozen=True, gc=False):
    """Rows without content. `next` is what `Query.before` wants for more, None on the last page."""

    rows: tuple[Interaction, ...]
    next: str | None = None


class InteractionLog(Protocol):
    """Where rows are kept. Raises BackendError when the store is not to be had; it may be called from any thread."""

    def write(self, batch: Batch) -> int:
        """One transaction: all of it or nothing. A row whose id is there already stays as it was.

        How many rows are new. Any exception but BackendError is the fault of a row in the batch.
        """

    def page(self, query: Query) -> Page: ...

    def content(self, row_id: str) -> SealedContent | None: ...

    def delete(
        self,
        *,
        before: float | None = None,
        tenant: str | None = None,
        user: str | None = None,
        row: str | None = None,
        limit: int = 500,
    ) -> int:
        """Delete at most `limit` rows that fit everything given, with their content, the oldest first; how many were.

        A tenant's sums go with all of its rows; other sums stay. `row` is a row's id.
        """


class ContentSpace(Protocol):
    """What content takes on the disk. Raises BackendError."""

    def used_bytes(self) -> int:
        """Of the whole log, without what deletions left free."""
        ...

    def drop_contents(self, limit: int = 200) -> int:
        """Delete the content of at most `limit` rows, the oldest first, and keep the rows; how many it was."""
        ...


RecordFailure = Literal["serve", "refuse"]
Mask = Literal["off", "record", "provider"]
Fsync = Literal["never", "interval", "always"]


class RecordPolicy(msgspec.Struct, frozen=True, gc=False):
    """What is recorded, and how safely. Bytes, days and seconds.

    `max_content_bytes` is per prompt and per answer, `max_log_bytes` is for all: over it the oldest content goes and its
    rows stay. `mask` says where personal data is masked: in what is kept (`record`), or there and before a provider
    sees it (`provider`); secrets of known shapes are never kept. At `max_journal_bytes` of backlog `on_record_failure`
    decides: `serve` answers without a row (counted), `refuse` lets nothing in. Death of the process loses nothing under any
    `fsync`; power loss loses the last seconds (`never`: what the kernel had not written; `interval`: `fsync_seconds`;
    `always`: nothing that was settled).
    """

    enabled: bool = True
    store_content: bool = True
    max_content_bytes: int = 256_000
    max_log_bytes: int | None = 10_000_000_000
    mask: Mask = "off"
    retention_days: float | None = 30.0
    on_record_failure: RecordFailure = "serve"
    fsync: Fsync = "never"
    fsync_seconds: float = 1.0
    segment_bytes: int = 16_777_216
    max_journal_bytes: int = 1_073_741_824
