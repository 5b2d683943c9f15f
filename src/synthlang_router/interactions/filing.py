"""`Filing`: frames of a journal -> rows of the log, one batch a transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from synthlang_router.errors import BackendError
from synthlang_router.interactions.content import Content, ContentSealer, Kept
from synthlang_router.interactions.detectors import DETECTORS, Detectors
from synthlang_router.interactions.detectors import Kind as DataKind
from synthlang_router.interactions.entry import Closed, LateContent
from synthlang_router.interactions.frames import Kind
from synthlang_router.interactions.journal import Record
from synthlang_router.interactions.masking import ALWAYS, Placeholders, mask_fragment, mask_json
from synthlang_router.interactions.media import elide_media
from synthlang_router.interactions.record import Batch, Interaction, InteractionLog, SealedContent
from synthlang_router.interactions.shortening import Shortening
from synthlang_router.telemetry import count, report_unforeseen
from synthlang_router.vault import Unsealable, Vault


class Filing:
    """Content is freed of media and secrets, compressed and sealed under its tenant's key: away from the event loop.

    One thread. `kinds` are what is masked in it, `shortening` writes prompts in the notation.
    """

    def __init__(
        self,
        log: InteractionLog,
        vault: Vault,
        kinds: Sequence[DataKind] = ALWAYS,
        shortening: Shortening | None = None,
        detectors: Detectors = DETECTORS,
    ) -> None:
        self._detectors = detectors
        self._log = log
        self._kinds = kinds
        self._shortening = shortening
        self._sealer = ContentSealer(vault, None if shortening is None else shortening.notation)
        self._closed = msgspec.msgpack.Decoder(Closed)
        self._late = msgspec.msgpack.Decoder(LateContent)

    def file(self, records: Sequence[Record]) -> None:
        """Raises BackendError when the log is not to be had: then nothing of it is in the log.

        A row that the log refuses for a reason of its own is dropped and counted, so that it does not hold up the
        rest for ever.
        """
        batch = self._batch(records)
        if not batch:
            return
        try:
            self._log.write(batch)
        except BackendError:
            raise
        except Exception as error:  # noqa: BLE001 - protects the other rows from one that cannot be stored
            if len(records) == 1:
                report_unforeseen("record-row", error)
                return
            for record in records:
                self.file([record])

    def file_rows(self, rows: Sequence[Interaction]) -> None:
        """Rows without content."""
        self.file([(Kind.CLOSED, msgspec.msgpack.encode(Closed(row))) for row in rows])

    def _batch(self, records: Sequence[Record]) -> Batch:
        rows: dict[str, Interaction] = {}
        contents: list[SealedContent] = []
        undelivered: list[str] = []
        for kind, payload in records:
            try:
                if kind is Kind.CLOSED:
                    closed = self._closed.decode(payload)
                    row = rows.setdefault(closed.row.id, closed.row)
                    if closed.content is not None:
                        self._keep(
                            LateContent(row.id, row.tenant, closed.content, row.level, row.model),
                            rows,
                            contents,
                        )
                elif kind is Kind.CONTENT:
                    self._keep(self._late.decode(payload), rows, contents)
                elif kind is Kind.UNDELIVERED:
                    undelivered.append(payload.decode())
            except (msgspec.DecodeError, UnicodeDecodeError):
                count("journal", "damaged")
        return Batch(tuple(rows.values()), contents, undelivered)

    def _keep(self, late: LateContent, rows: dict[str, Interaction], into: list[SealedContent]) -> None:
        """Seal the content, and note in its row what its prompt could have saved where that is not known yet."""
        content = without(late.content, self._kinds, self._detectors)
        short = None
        if self._shortening is not None:
            short = self._shortening.shorten(content.prompt, late.level, late.model)
        row = rows.get(late.id)
        if short is not None and row is not None and row.compression == "transparent":
            rows[late.id] = with_figure(row, short.tokens_less)
        stored = None if short is None else short.stored
        try:
            into.append(self._sealer.seal(content, tenant=late.tenant, row=late.id, shortened=stored))
        except (
            Unsealable
        ):  # the tenant's key is of an unknown master key: the row is kept, its content cannot be
            count("record", "content_left_out")


def with_figure(row: Interaction, tokens: int) -> Interaction:
    """The row with what its prompt would have saved, unless that was measured on the way."""
    return (
        row if row.tokens_would_save is not None else msgspec.structs.replace(row, tokens_would_save=tokens)
    )


def without(content: Content, kinds: Sequence[DataKind], detectors: Detectors = DETECTORS) -> Content:
    """Content as it is kept: media elided, what is personal or secret masked, the same way in prompt and answer."""
    names = Placeholders(detectors=detectors)
    return Content(
        *(None if kept is None else _masked(kept, names, kinds) for kept in (content.prompt, content.answer))
    )


def _masked(kept: Kept, names: Placeholders, kinds: Sequence[DataKind]) -> Kept:
    if kept.cut:
        head, tail = mask_json(kept.head, names, kinds), mask_fragment(kept.tail, names, kinds)
        return msgspec.structs.replace(kept, head=head, tail=tail, size=kept.cut + len(head) + len(tail))
    body = mask_json(elide_media(kept.head), names, kinds)
    return kept if body is kept.head else Kept(body, len(body))


def lost_row(row: Interaction, estimate: Callable[[Interaction], float | None]) -> Interaction:
    """An `opened` row whose process died: what it cost is estimated."""
    return msgspec.structs.replace(row, cost=estimate(row))
