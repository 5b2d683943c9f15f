"""`Segment`: one append-only journal file of this process, sealed under a key of its own. [hot]

One `os.write` a frame, so a frame that returned survives the death of the process. A short write (disk full, file
size limit) is cut off again with ftruncate; should that fail too, the torn frame stays and readers pass over it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from synthlang_router.interactions.frames import Kind, encode_frame, encode_header
from synthlang_router.vault import Envelope


class Segment:
    """Raises OSError when the file cannot be made or written; then nothing was appended.

    `size` is what was written and `consumed` what the drain has put into the log, in bytes; `first` is where frames
    begin.
    """

    __slots__ = ("_counter", "_descriptor", "consumed", "envelope", "first", "path", "size")

    def __init__(self, path: Path, envelope: Envelope) -> None:
        self.path = path
        self.envelope = envelope
        self.size = 0
        self._counter = 0
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            self._write(encode_header(envelope))
        except OSError:
            self.discard()
            raise
        self.first = self.consumed = self.size

    def append(self, kind: Kind, payload: bytes) -> int:
        """Bytes written."""
        self._counter += 1  # also for a frame that fails: what is torn on disk has used this nonce
        frame = encode_frame(self.envelope, self._counter, kind, payload)
        self._write(frame)
        return len(frame)

    def read(self, start: int, size: int) -> bytes:
        return os.pread(self._descriptor, min(size, self.size - start), start)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)

    def discard(self) -> None:
        """Close and delete: everything in it is in the log."""
        self.close()
        with suppress(OSError):  # what stays is replayed at the next start, and ignored row by row
            self.path.unlink()

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            self._take_back()
            raise
        if written != len(data):
            self._take_back()
            raise OSError("short write")
        self.size += written

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self.size)
        except OSError:
            self.size = os.fstat(self._descriptor).st_size
