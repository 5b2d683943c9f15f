"""Answers on disk: sealed, there after a restart and after kill -9, bounded in memory, and gone when purged."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from synthlang_router.backends.sqlite import cache_file
from synthlang_router.backends.sqlite.cache import SqliteCacheStore
from synthlang_router.backends.sqlite.tenant_keys import SqliteTenantKeys
from synthlang_router.cache import Selection
from synthlang_router.cache.consensus import answer_identity
from synthlang_router.errors import BackendError
from synthlang_router.telemetry import counters
from tests.contract.test_cache_store import entry
from tests.interactions.records import MemoryTenantKeys, vault

SECRET = b"the answer nobody may read"


class Disk:
    """A file that is opened again and again with the same keys."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "cache.db"
        self.keys = MemoryTenantKeys()
        self.found: list[tuple[bytes, bytes, bytes, bytes]] = []

    async def open(
        self, *, now: float = 1.0, max_entries: int = 1_000, hot_bytes: int = 1
    ) -> SqliteCacheStore:
        store = SqliteCacheStore(
            self.path,
            vault=vault(self.keys),
            max_entries=max_entries,
            max_bytes=10_000_000,
            hot_bytes=hot_bytes,
        )
        await store.load(now, lambda *found: self.found.append(found))
        return store


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


async def test_a_restart_keeps_answers_and_how_they_are_found(disk: Disk) -> None:
    store, kept = await disk.open(), entry("a", question="Why?", vector=b"\x00\x01", tags=(("team", "x"),))
    store.put(kept, 1.0)
    await store.close()

    again = await disk.open()

    assert await again.get(b"a", 1.0) == kept
    assert disk.found == [(b"s", b"a", b"\x00\x01", answer_identity("x"))]
    await again.close()


async def test_what_expired_meanwhile_is_not_loaded_and_leaves_the_file(disk: Disk) -> None:
    store = await disk.open()
    store.put(entry("a", expires=50.0), 1.0)
    store.put(entry("b", expires=500.0), 1.0)
    await store.close()

    again = await disk.open(now=100.0)

    assert (await again.stats()).entries == 1
    await again.close()
    with sqlite3.connect(disk.path) as connection:
        assert connection.execute("SELECT count(*) FROM cache_entries").fetchone() == (1,)
    connection.close()


async def test_a_smaller_bound_after_a_restart_holds(disk: Disk) -> None:
    store = await disk.open()
    for number in range(30):
        store.put(entry(f"{number}"), 1.0)
    await store.close()

    again = await disk.open(max_entries=10)

    assert (await again.stats()).entries == 10
    await again.close()


async def test_nothing_that_was_said_stands_in_the_file(disk: Disk) -> None:
    store = await disk.open()
    store.put(
        entry("digest", raw=SECRET, question="may we fire ann", vector=b"vectorbytes", scope=b"scopedigest"),
        1.0,
    )
    await store.close()

    written = b"".join(path.read_bytes() for path in disk.path.parent.iterdir())
    assert len(written) > 1_000
    for said in (SECRET, b"may we fire ann", b"vectorbytes", b"scopedigest", b"digest"):
        assert said not in written.replace(b"head BLOB", b"")


async def test_an_erased_tenants_answers_are_gone(disk: Disk) -> None:
    store = await disk.open()
    store.put(entry("a"), 1.0)
    store.put(entry("b", tenant="other"), 1.0)
    await store.close()
    vault(disk.keys).erase("acme")

    again = await disk.open()

    assert await again.get(b"a", 1.0) is None
    assert await again.get(b"b", 1.0) is not None
    await again.close()


async def test_a_purge_is_on_disk_when_it_returns(disk: Disk) -> None:
    store = await disk.open()
    for name in "abc":
        store.put(entry(name), 1.0)

    deleted = await store.delete(Selection(digest=b"b"))

    other = await Disk.open(disk)
    assert deleted == 1
    assert await other.get(b"a", 1.0) is not None
    assert await other.get(b"b", 1.0) is None
    await other.close()
    await store.close()


async def test_answers_used_lately_are_held_in_memory_and_no_more_of_them_than_allowed(disk: Disk) -> None:
    store = await disk.open(hot_bytes=20_000)
    for number in range(100):
        store.put(entry(f"{number}", raw=b"x" * 1_000), 1.0)
    for number in range(100):
        assert await store.get(b"%d" % number, 1.0) is not None

    assert store.hot_bytes <= 20_000
    await store.close()


async def test_more_than_the_disk_can_take_is_not_kept_and_counted(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_file, "MAX_PENDING", 3)
    store = await disk.open()
    before = counters["cache_writes_dropped", ""]
    for number in range(50):
        store.put(entry(f"{number}"), 1.0)

    assert counters["cache_writes_dropped", ""] > before
    await store.close()
    again = await disk.open()
    assert 0 < (await again.stats()).entries < 50
    await again.close()


async def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"this is no database" * 100)

    with pytest.raises(BackendError):
        await Disk(tmp_path).open()


async def test_an_entry_that_left_the_file_by_itself_is_a_miss(disk: Disk) -> None:
    store = await disk.open()
    store.put(entry("a"), 1.0)
    store.put(entry("b"), 1.0)
    await store.close()
    again = await disk.open()
    with sqlite3.connect(disk.path) as connection:
        connection.execute("DELETE FROM cache_entries")
    connection.close()

    assert await again.get(b"a", 1.0) is None
    assert (await again.stats()).entries == 1
    await again.close()


WRITES = """
import asyncio, sys
from pathlib import Path
from synthlang_router.backends.sqlite.cache import SqliteCacheStore
from synthlang_router.backends.sqlite.tenant_keys import SqliteTenantKeys
from tests.contract.test_cache_store import entry
from tests.interactions.records import vault

async def main():
    folder = Path(sys.argv[1])
    keys = SqliteTenantKeys(folder / "keys.db")
    store = SqliteCacheStore(folder / "cache.db", vault=vault(keys), max_entries=1000, max_bytes=10**8)
    await store.load(1.0, lambda *found: None)
    for number in range(500):
        store.put(entry(f"{number}"), 1.0)
        await asyncio.sleep(0.001)
        if number == 250:
            print("half", flush=True)

asyncio.run(main())
"""


async def test_what_was_put_a_moment_before_kill_9_is_there_afterwards(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    await asyncio.to_thread(process.stdout.readline)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()

    keys = SqliteTenantKeys(tmp_path / "keys.db")
    store = SqliteCacheStore(tmp_path / "cache.db", vault=vault(keys), max_entries=1_000, max_bytes=10**8)
    entries = await store.load(1.0, lambda *found: None)

    assert entries > 100
    assert await store.get(b"50", 1.0) is not None
    await store.close()
    keys.close()
