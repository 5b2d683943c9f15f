"""The providers' model lists on disk: one JSON file, replaced as a whole, thrown away when it cannot be read.

Each list is kept under its provider's base URL too: behind another URL other models live.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from synthlang_router.routing.catalog import Lists
from synthlang_router.telemetry import count

MAX_BYTES: Final = 8 << 20


class _Kept(msgspec.Struct, frozen=True):
    base_url: str
    models: tuple[str, ...]


class CatalogFile:
    """`path` lies in the data directory; `base_urls` by provider."""

    def __init__(self, path: Path, base_urls: Mapping[str, str]) -> None:
        self._path = path
        self._base_urls = base_urls

    def read(self) -> Lists:
        """The lists whose providers still are where they were."""
        try:
            with self._path.open("rb") as file:
                kept = msgspec.json.decode(file.read(MAX_BYTES), type=dict[str, _Kept])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError):
            count("catalog_file_unreadable")
            return {}
        return {
            name: entry.models for name, entry in kept.items() if self._base_urls.get(name) == entry.base_url
        }

    def write(self, lists: Lists) -> None:
        """Replace the file; a failure costs the next start its lists and nothing else."""
        kept = {name: _Kept(self._base_urls.get(name, ""), models) for name, models in lists.items()}
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            with contextlib.suppress(FileNotFoundError):
                fresh.unlink()
            with open(fresh, "xb", opener=_private) as file:
                file.write(msgspec.json.encode(kept))
            fresh.replace(self._path)
        except OSError:
            count("catalog_file_unwritable")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
