"""What every `KeyStore` promises."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from synthlang_router.auth import ApiKey, KeySnapshot, KeyStore
from synthlang_router.backends.sqlite.keys import MIGRATIONS, SqliteKeyStore
from synthlang_router.errors import BackendError
from synthlang_router.models import Limits

IMPLEMENTATIONS = (SqliteKeyStore,)

KEY = ApiKey(
    key_id="k1",
    digest=b"\x00\xffdigest",
    name="dév 'quoted'",
    tenant="acme",
    user="ann",
    role="operator",
    models=("gpt-*", "o3"),
    limits=Limits(requests_per_minute=math.inf, burst=2.5, concurrency=3),
    tags=(("team", "a"), ("team", "b")),
    created=1.5,
    expires=10.25,
    may_widen=True,
    source="file",
    compression="native",
    level="readable",
)


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyStore]:
    async with request.param(tmp_path / "keys.db") as opened:
        yield opened


async def all_of(store: KeyStore) -> KeySnapshot:
    snapshot = await store.snapshot()
    assert snapshot is not None
    return snapshot


async def test_a_key_comes_back_as_it_was_put(store: KeyStore) -> None:
    await store.put([KEY])

    assert (await all_of(store)).keys == (KEY,)


async def test_no_limit_is_a_limit_that_comes_back_too(store: KeyStore) -> None:
    unlimited = Limits(math.inf, math.inf, math.inf, math.inf)
    await store.put([structs.replace(KEY, limits=unlimited)])

    assert (await all_of(store)).keys[0].limits == unlimited


async def test_a_put_that_comes_too_late_changes_nothing(store: KeyStore) -> None:
    revision = (await all_of(store)).revision
    assert await store.put([KEY], since=revision)

    assert not await store.put([structs.replace(KEY, name="late")], since=revision)

    assert (await all_of(store)).keys == (KEY,)


async def test_nothing_new_is_no_snapshot_and_every_change_is_one(store: KeyStore) -> None:
    revision = (await all_of(store)).revision
    assert await store.snapshot(revision) is None

    await store.put([KEY])
    changed = await store.snapshot(revision)
    assert changed is not None

    await store.revoke("k1", 5.0)
    assert await store.snapshot(changed.revision) is not None


async def test_a_second_put_changes_the_record_and_keeps_id_creation_use_and_tombstone(
    store: KeyStore,
) -> None:
    await store.put([KEY])
    await store.touch({"k1": 7.0})
    await store.revoke("k1", 5.0)

    await store.put(
        [structs.replace(KEY, key_id="k2", name="new", created=99.0, revoked=None, limits=Limits())]
    )

    [kept] = (await all_of(store)).keys
    assert kept == structs.replace(KEY, name="new", revoked=5.0, used=7.0, limits=Limits())


async def test_a_key_is_revoked_once(store: KeyStore) -> None:
    await store.put([KEY])

    assert await store.revoke("k1", 5.0)
    assert not await store.revoke("k1", 6.0)
    assert not await store.revoke("unknown", 6.0)
    assert (await all_of(store)).keys[0].revoked == 5.0


async def test_use_is_noted_without_a_new_revision_and_never_goes_back(store: KeyStore) -> None:
    await store.put([KEY])
    revision = (await all_of(store)).revision

    await store.touch({"k1": 7.0, "unknown": 1.0})
    await store.touch({"k1": 6.0})

    assert await store.snapshot(revision) is None
    assert (await all_of(store)).keys[0].used == 7.0


async def test_keys_are_put_all_or_none(store: KeyStore) -> None:
    with pytest.raises(BackendError):
        await store.put([KEY, structs.replace(KEY, digest=b"other")])

    assert (await all_of(store)).keys == ()


async def test_two_openers_see_one_anothers_changes(tmp_path: Path) -> None:
    async with SqliteKeyStore(tmp_path / "keys.db") as one, SqliteKeyStore(tmp_path / "keys.db") as two:
        await one.put([KEY])
        assert (await all_of(two)).keys == (KEY,)
        await two.revoke("k1", 5.0)
        assert (await all_of(one)).keys[0].revoked == 5.0


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    async with SqliteKeyStore(tmp_path / "keys.db") as store:
        await store.put([KEY])
        await store.revoke("k1", 5.0)

    async with SqliteKeyStore(tmp_path / "keys.db") as again:
        assert (await all_of(again)).keys == (structs.replace(KEY, revoked=5.0),)


async def test_many_openers_of_a_new_file_do_not_disturb_one_another(tmp_path: Path) -> None:
    async def open_and_put(number: int) -> None:
        async with SqliteKeyStore(tmp_path / "keys.db") as store:
            await store.put([structs.replace(KEY, key_id=f"k{number}", digest=b"%d" % number)])

    await asyncio.gather(*(open_and_put(number) for number in range(8)))

    async with SqliteKeyStore(tmp_path / "keys.db") as store:
        assert len((await all_of(store)).keys) == 8


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    async with SqliteKeyStore(tmp_path / "keys.db") as store:
        await store.put([KEY])
        assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


async def test_readers_go_on_while_another_process_holds_the_write_lock(tmp_path: Path) -> None:
    async with SqliteKeyStore(tmp_path / "keys.db") as store:
        await store.put([KEY])
        script = (
            "import sqlite3, sys\n"
            "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "c.execute('BEGIN IMMEDIATE')\n"
            "c.execute('UPDATE key_revision SET revision = revision + 1')\n"
            "print('locked', flush=True)\n"
            "sys.stdin.read()\n"
            "c.execute('COMMIT')\n"
        )
        other = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "keys.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert other.stdout is not None
        assert await asyncio.to_thread(other.stdout.readline) == "locked\n"

        read = await all_of(store)
        writing = asyncio.create_task(store.revoke("k1", 5.0))
        await asyncio.to_thread(other.communicate, "")

        assert read.keys == (KEY,)
        assert await writing


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    async with SqliteKeyStore(tmp_path / "keys.db"):
        pass
    with sqlite3.connect(tmp_path / "keys.db") as connection:
        connection.execute("INSERT INTO keys_schema VALUES (?)", (len(MIGRATIONS) + 1,))
    connection.close()

    with pytest.raises(BackendError, match="newer"):
        async with SqliteKeyStore(tmp_path / "keys.db"):
            pass


async def test_a_file_that_is_no_database_is_a_backend_error(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_bytes(b"not a database at all, but long enough to be looked at" * 100)

    with pytest.raises(BackendError):
        async with SqliteKeyStore(tmp_path / "keys.db"):
            pass


async def test_a_closed_store_is_a_backend_error(tmp_path: Path) -> None:
    store = SqliteKeyStore(tmp_path / "keys.db")
    async with store:
        pass

    with pytest.raises(BackendError):
        await store.snapshot()
