"""What differs between two settings, for a reload."""

from __future__ import annotations

from typing import Final

from synthlang_router.config.settings import Settings

NEEDS_RESTART: Final = (
    ("server", "host"),
    ("server", "port"),
    ("server", "workers"),
    ("server", "client_timeout"),
    ("state",),
    ("data_dir",),
    ("cache", "store"),
    ("cache", "share"),
    ("cache", "exact"),
    ("cache", "semantic"),
    ("cache", "tool_calls"),
    ("interactions", "enabled"),
    ("interactions", "store_content"),
    ("interactions", "max_content_bytes"),
    ("interactions", "max_bytes"),
    ("interactions", "mask"),
    ("interactions", "phone_regions"),
    ("interactions", "retention_days"),
    ("interactions", "on_record_failure"),
    ("interactions", "fsync"),
)


def changed(old: Settings, new: Settings) -> frozenset[str]:
    """The names of the sections that differ."""
    return frozenset(name for name in Settings.model_fields if getattr(old, name) != getattr(new, name))


def needs_restart(old: Settings, new: Settings) -> tuple[str, ...]:
    """The settings that differ and cannot be changed while running, by dotted name."""
    return tuple(".".join(path) for path in NEEDS_RESTART if _at(old, path) != _at(new, path))


def _at(settings: Settings, path: tuple[str, ...]) -> object:
    value: object = settings
    for name in path:
        value = getattr(value, name)
    return value
