"""What a reload finds changed."""

from __future__ import annotations

from pathlib import Path

from synthlang_router.config import changed, needs_restart
from tests.config.files import settings


def test_the_sections_that_differ_are_named(tmp_path: Path) -> None:
    old = settings(tmp_path, "server: {port: 1}\ndata_dir: a\n")
    new = settings(tmp_path, "server: {port: 2, commit_after: 3}\nkeys: [{name: a, key: x}]\ndata_dir: a\n")

    assert changed(old, new) == {"server", "keys"}
    assert needs_restart(old, new) == ("server.port",)
    assert changed(old, old) == frozenset()


def test_a_changed_secret_is_a_change(tmp_path: Path) -> None:
    old = settings(tmp_path, "interactions: {encryption_key: a}\n")
    new = settings(tmp_path, "interactions: {encryption_key: b}\n")

    assert changed(old, new) == {"interactions"}
    assert needs_restart(old, new) == ()


def test_what_the_running_record_keeps_to_waits_for_a_restart(tmp_path: Path) -> None:
    old = settings(tmp_path, "interactions: {retention_days: 30}\n")
    new = settings(tmp_path, "interactions: {retention_days: 7}\n")

    assert needs_restart(old, new) == ("interactions.retention_days",)
