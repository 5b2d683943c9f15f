"""Folders of a journal: one per process, locked by flock for as long as the process lives.

Nobody takes the journal of a living process, and that of a dead one is taken whole, by one process only: an
`opened` frame and its `closed` one may lie in different segments.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_SUFFIX: Final = ".seg"
_TRIES: Final = 20


class Folder:
    """A locked folder; `release` or the end of the process unlocks it."""

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def segment(self, number: int) -> Path:
        return self.path / f"{number:08d}{_SUFFIX}"

    def segments(self) -> list[Path]:
        """In the order of their making."""
        return sorted(self.path.glob(f"*{_SUFFIX}"))

    def sync(self) -> None:
        """Make the names of new segments durable."""
        os.fsync(self._descriptor)

    def release(self) -> None:
        """Unlock; the folder goes if it is empty."""
        with suppress(OSError):
            self.path.rmdir()
        os.close(self._descriptor)


def make_folder(root: Path, name: str) -> Folder:
    """A new locked folder under `root`. Raises OSError."""
    for attempt in range(_TRIES):
        path = root / f"{name}-{attempt}"
        path.mkdir(mode=0o700, parents=True)
        folder = lock_folder(path)
        if folder is not None:
            return folder
    raise FileExistsError(f"no folder to be had under {root}")


def lock_folder(path: Path) -> Folder | None:
    """None if a living process holds it, or it is gone (another process adopted it a moment ago)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return Folder(path, descriptor)
    except OSError:
        pass
    os.close(descriptor)
    return None


def orphans(root: Path) -> Iterator[Folder]:
    """The folders of dead processes, locked; the caller releases each."""
    for path in sorted(root.iterdir()):
        folder = lock_folder(path)
        if folder is not None:
            yield folder


def bytes_under(root: Path, *, but: Path) -> int:
    """What the journals of other processes, living or dead, take on the disk."""
    total = 0
    for path in root.glob(f"*/*{_SUFFIX}"):
        with suppress(OSError):
            if path.parent != but:
                total += path.stat().st_size
    return total
