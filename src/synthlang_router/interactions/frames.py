"""Frames of a journal segment: bytes <-> values, no I/O. [hot]

A segment is a header (whose key it is sealed under) and frames: mark, length, CRC, counter, kind, sealed payload.
The mark lets a reader find the next whole frame behind a damaged one; the CRC tells damage from a foreign key.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

import msgspec

from synthlang_router.vault import Envelope

Buffer = bytes | mmap.mmap

MAGIC: Final = b"slr-journal-1\n"
_MARK: Final = b"\xf5slr"
_HEAD: Final = struct.Struct(">4sIIQB")
_CHECKED_FROM: Final = 12
"""The CRC covers counter, kind and payload: everything behind itself."""
MAX_FRAME_BYTES: Final = 64_000_000


class Kind(IntEnum):
    """What a frame says of its row."""

    PROBE = 0
    OPENED = 1
    CLOSED = 2
    CONTENT = 3
    UNDELIVERED = 4


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame, still sealed."""

    counter: int
    kind: int
    sealed: bytes

    def payload(self, envelope: Envelope) -> bytes:
        """Raises Unsealable for a frame of another segment's key."""
        return envelope.open(self.counter, self.sealed, bytes((self.kind,)))


def encode_header(envelope: Envelope) -> bytes:
    header = envelope.header
    return MAGIC + struct.pack(">HI", len(header), zlib.crc32(header)) + header


def decode_header(data: Buffer) -> tuple[bytes, int] | None:
    """The envelope's header and where the frames begin; None for what is no segment (or cut before its first frame)."""
    start = len(MAGIC) + 6
    if data[: len(MAGIC)] != MAGIC or len(data) < start:
        return None
    size, crc = struct.unpack_from(">HI", data, len(MAGIC))
    header = data[start : start + size]
    return (header, start + size) if zlib.crc32(header) == crc and len(header) == size else None


def encode_frame(envelope: Envelope, counter: int, kind: Kind, payload: bytes) -> bytes:
    sealed = envelope.seal(counter, payload, bytes((kind,)))
    tail = counter.to_bytes(8, "big") + bytes((kind,)) + sealed
    return _MARK + struct.pack(">II", len(sealed), zlib.crc32(tail)) + tail


def decode_frames(data: Buffer, position: int = 0) -> Iterator[tuple[Frame | None, int]]:
    """Whole frames and where each ends. None in place of a frame: damage, passed over up to that place.

    Stops before a last frame that is not all there: the process died while writing it.
    """
    while position + _HEAD.size <= len(data):
        end = _whole_at(data, position)
        if end is not None:
            _, _, _, counter, kind = _HEAD.unpack_from(data, position)
            yield Frame(counter, kind, data[position + _HEAD.size : end]), end
            position = end
            continue
        following = _next_whole(data, position + 1)
        if following is None and _is_cut(data, position):
            return
        position = len(data) if following is None else following
        yield None, position


def _whole_at(data: Buffer, start: int) -> int | None:
    """Where the frame at `start` ends, None if there is none or it does not check out."""
    if start + _HEAD.size > len(data):
        return None
    mark, size, crc, _, _ = _HEAD.unpack_from(data, start)
    end: int = start + _HEAD.size + size
    if mark != _MARK or end > len(data):
        return None
    return end if zlib.crc32(data[start + _CHECKED_FROM : end]) == crc else None


def _is_cut(data: Buffer, start: int) -> bool:
    mark, size, _, _, _ = _HEAD.unpack_from(data, start)
    return bool(mark == _MARK and size <= MAX_FRAME_BYTES and start + _HEAD.size + size > len(data))


def _next_whole(data: Buffer, start: int) -> int | None:
    """Where the next frame that checks out begins."""
    while (start := data.find(_MARK, start)) >= 0:
        if _whole_at(data, start) is not None:
            return start
        start += 1
    return None
