"""A start that cannot be: the reason in a line, no traceback, and nothing changed on the disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

STORES = ("synthlang.db", "tenant_keys.db", "budgets.db", "cache.db", "audit.db")


@pytest.mark.parametrize("store", STORES)
def test_a_store_that_is_no_database_is_a_line_and_stays_as_it_is(tmp_path: Path, store: str) -> None:
    damaged = tmp_path / "data" / store
    damaged.parent.mkdir()
    damaged.write_bytes(b"no database" * 1000)

    ended = subprocess.run(
        [sys.executable, "-m", "synthlang_router", "serve", "--port", "0", "--no-discover"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("synthlang-router: ")
    assert "Traceback" not in ended.stderr
    assert damaged.read_bytes() == b"no database" * 1000
