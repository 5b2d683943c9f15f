"""Settings that are understood and refused, because what they ask for does not exist yet: a line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from synthlang_router.config.document import Path
from synthlang_router.config.faults import Fault
from synthlang_router.config.settings import Settings


@dataclass(frozen=True, slots=True)
class NotBuilt:
    """`where` is a path of settings, `*` any element; `asked` tells whether a value there asks for it."""

    where: str
    asked: Callable[[Any], bool]
    instead: str


NOT_BUILT_YET: Final[tuple[NotBuilt, ...]] = (
    NotBuilt("state", lambda value: value != "embedded", "only `embedded` so far"),
    NotBuilt("server.workers", lambda value: value > 1, "only 1 so far"),
)


def not_built(settings: Settings) -> Iterator[Fault]:
    """A fault for every setting that asks for what is not there."""
    for entry in NOT_BUILT_YET:
        for path, value in _at(settings, tuple(entry.where.split(".")), ()):
            if entry.asked(value):
                yield Fault(path, f"not built yet ({entry.instead})")


def _at(value: Any, where: tuple[str, ...], path: Path) -> Iterator[tuple[Path, Any]]:
    if not where:
        yield path, value
        return
    if where[0] != "*":
        yield from _at(getattr(value, where[0]), where[1:], (*path, where[0]))
        return
    for key, element in value.items() if isinstance(value, Mapping) else enumerate(value):
        yield from _at(element, where[1:], (*path, key))
