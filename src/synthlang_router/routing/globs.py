"""Globs over names: `*` any text, `?` one character, `[abc]` one of these, `[!abc]` none of these; case counts, and the
whole name must match. `/` is a character like any other, so that `*gpt-4o*` means "contains gpt-4o"."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache

EVERYTHING = ("*",)


@lru_cache(maxsize=4096)
def any_of(globs: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for several globs, compiled once. `fullmatch` it.

    fnmatch compiles each `*` between two literals to an atomic group: the time is at most globs x name length.
    """
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs))


def matches(name: str, globs: tuple[str, ...]) -> bool:
    """Whether a name matches one of the globs."""
    return globs == EVERYTHING or any_of(globs).fullmatch(name) is not None
