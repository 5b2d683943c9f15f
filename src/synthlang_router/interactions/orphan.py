"""Adoption: what a dead process left in its journal goes into the log.

A row that was opened and never closed becomes a row `lost`. Every step may be repeated: the log ignores rows that
it has, and the folder goes only when all of it is in the log.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from synthlang_router.interactions.entry import Closed
from synthlang_router.interactions.filing import Filing, lost_row
from synthlang_router.interactions.folder import Folder, orphans
from synthlang_router.interactions.frames import Kind, decode_frames, decode_header
from synthlang_router.interactions.journal import READ_BYTES, READ_FRAMES, Record
from synthlang_router.interactions.record import Interaction
from synthlang_router.telemetry import count, log
from synthlang_router.vault import Unsealable, Vault

Estimate = Callable[[Interaction], float | None]


def adopt_all(root: Path, vault: Vault, filing: Filing, estimate: Estimate) -> int:
    """How many journals were adopted. Raises BackendError; then the rest is for another time."""
    adopted = 0
    for folder in orphans(root):
        try:
            adopt(folder, vault, filing, estimate)
            adopted += 1
        except Unsealable:
            count("journal", "unknown_key")
            log.warning("journal_of_unknown_key", extra={"folder": folder.path.name})
        finally:
            folder.release()
    return adopted


def adopt(folder: Folder, vault: Vault, filing: Filing, estimate: Estimate) -> None:
    """All of one folder. Raises BackendError, and Unsealable for one of another encryption key."""
    opened: dict[str, Interaction] = {}
    paths = folder.segments()
    for path in paths:
        for records in read_segment(path, vault):
            for kind, payload in records:
                _follow(kind, payload, opened)
            filing.file(records)
    filing.file_rows([lost_row(row, estimate) for row in opened.values()])
    count("journal", "rows_lost", len(opened))
    for path in paths:
        with suppress(OSError):
            path.unlink()


def read_segment(path: Path, vault: Vault) -> Iterator[list[Record]]:
    """Its frames in batches; damage is passed over and counted."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            header = decode_header(data)
            if header is None:
                count("journal", "damaged")
                return
            yield from _batches(data, header[1], vault.open_envelope(header[0]).open)


def _batches(
    data: mmap.mmap, start: int, unseal: Callable[[int, bytes, bytes], bytes]
) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for frame, _ in decode_frames(data, start):
        if frame is None:
            count("journal", "damaged")
            continue
        try:
            batch.append((Kind(frame.kind), unseal(frame.counter, frame.sealed, bytes((frame.kind,)))))
        except (Unsealable, ValueError):
            count("journal", "damaged")
            continue
        size += len(frame.sealed)
        if len(batch) >= READ_FRAMES or size >= READ_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _follow(kind: Kind, payload: bytes, opened: dict[str, Interaction]) -> None:
    try:
        if kind is Kind.OPENED:
            row = msgspec.msgpack.decode(payload, type=Interaction)
            opened[row.id] = row
        elif kind is Kind.CLOSED:
            opened.pop(msgspec.msgpack.decode(payload, type=Closed).row.id, None)
    except msgspec.DecodeError:
        count("journal", "damaged")
