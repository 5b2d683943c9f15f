"""The audit log is a chain that nobody can change unseen, and a file that refuses to be changed at all."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from synthlang_router.auth.audit import Deed, Entry, Verification, next_entry, verify
from synthlang_router.auth.noting import noted
from synthlang_router.backends.sqlite.audit import SqliteAuditLog
from synthlang_router.errors import BackendError, NotFound

KEY = b"k" * 32


def chain(count: int) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(count):
        last = entries[-1] if entries else None
        entries.append(next_entry(KEY, last, Deed(at=float(number), actor="k1", role="admin", action="a")))
    return entries


def broken_at(entries: list[Entry], key: bytes = KEY) -> int | None:
    verification = Verification(key)
    verification.feed(entries)
    return verification.broken_at


def test_a_chain_that_nobody_touched_is_whole() -> None:
    assert broken_at(chain(5)) is None


@pytest.mark.parametrize(
    "forged",
    [
        lambda entries: [*entries[:2], Entry(3, entries[2].deed + b" ", entries[2].chain), *entries[3:]],
        lambda entries: [*entries[:2], *entries[3:]],
        lambda entries: [*entries[:2], entries[3], entries[2], entries[4]],
        lambda entries: [*entries[:2], next_entry(b"x" * 32, entries[1], Deed(9.0, "k2", "user", "b"))],
    ],
    ids=["changed", "left out", "reordered", "forged without the key"],
)
def test_whatever_is_done_to_an_entry_breaks_the_chain_there(
    forged: Callable[[list[Entry]], list[Entry]],
) -> None:
    assert broken_at(forged(chain(5))) == 3


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteAuditLog]:
    async with SqliteAuditLog(tmp_path / "audit.db", key=KEY) as opened:
        yield opened


def deed(action: str = "keys.create") -> Deed:
    return Deed(at=1.0, actor="k1", role="admin", action=action)


async def test_two_processes_append_to_one_chain(log: SqliteAuditLog, tmp_path: Path) -> None:
    async with SqliteAuditLog(tmp_path / "audit.db", key=KEY) as other:
        await asyncio.gather(*(one.append(deed()) for one in (log, other) * 10))

    found = await verify(log, KEY)

    assert (found.entries, found.broken_at) == (20, None)


async def test_the_file_refuses_to_change_or_delete_an_entry(log: SqliteAuditLog, tmp_path: Path) -> None:
    await log.append(deed())
    connection = sqlite3.connect(tmp_path / "audit.db")

    for statement in ("DELETE FROM audit", "UPDATE audit SET deed = x'00'"):
        with pytest.raises(sqlite3.IntegrityError, match="entries stay"):
            connection.execute(statement)
    connection.close()


async def test_entries_cut_off_at_the_end_are_missed_by_an_earlier_head(
    log: SqliteAuditLog, tmp_path: Path
) -> None:
    for _ in range(3):
        await log.append(deed())
    head = (await verify(log, KEY)).head
    with sqlite3.connect(tmp_path / "audit.db") as connection:
        connection.execute("DROP TRIGGER audit_keeps")
        connection.execute("DELETE FROM audit WHERE number = 3")
    connection.close()

    assert (await verify(log, KEY)).broken_at is None
    assert (await verify(log, KEY, head)).broken_at == 3


async def test_pages_go_back_in_time(log: SqliteAuditLog) -> None:
    for _ in range(5):
        await log.append(deed())

    first = await log.newest(limit=2)
    second = await log.newest(before=first[-1].number, limit=10)

    assert [entry.number for entry in (*first, *second)] == [5, 4, 3, 2, 1]


class DownLog(SqliteAuditLog):
    async def append(self, deed: Deed) -> Entry:
        raise BackendError("down")


async def test_nothing_is_done_that_cannot_be_noted(tmp_path: Path) -> None:
    done = False
    with pytest.raises(BackendError):
        async with noted(DownLog(tmp_path / "audit.db", key=KEY), lambda: 1.0, deed()):
            done = True

    assert not done


async def test_a_refused_action_is_noted_with_its_reason(log: SqliteAuditLog) -> None:
    with pytest.raises(NotFound):
        async with noted(log, lambda: 2.0, deed("keys.revoke")):
            raise NotFound("There is no such key.")

    last = (await log.newest(limit=1))[0]

    assert b'"refused"' in last.deed
    assert b'"not_found"' in last.deed
