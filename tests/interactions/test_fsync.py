"""Under `fsync: always` an answer waits for the disk, and many wait for one sync."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synthlang_router.interactions.frames import Kind
from synthlang_router.interactions.fsync import GroupCommit
from synthlang_router.interactions.journal import Journal
from synthlang_router.interactions.record import RecordPolicy
from tests.interactions.records import CALLER, Record, answered, facts, request, vault


class CountingJournal(Journal):
    """Syncs when the test lets it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, vault(), RecordPolicy(fsync="always"))
        self.syncs = 0
        self.started = threading.Event()
        self.allowed = threading.Event()

    def sync(self) -> None:
        self.started.set()
        self.allowed.wait()
        self.syncs += 1
        super().sync()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[CountingJournal]:
    journal = CountingJournal(tmp_path / "journal")
    yield journal
    journal.close()


async def test_an_answer_waits_until_its_row_is_synced(journal: CountingJournal) -> None:
    commit = GroupCommit(journal)
    journal.append(Kind.CLOSED, b"row")

    waiting = asyncio.create_task(commit.settled())
    await asyncio.to_thread(journal.started.wait)
    assert not waiting.done()
    journal.allowed.set()
    await waiting

    assert journal.synced == journal.appended > 0
    commit.close()


async def test_those_who_come_during_a_sync_share_the_next(journal: CountingJournal) -> None:
    commit = GroupCommit(journal)
    journal.append(Kind.CLOSED, b"first")
    first = asyncio.create_task(commit.settled())
    await asyncio.to_thread(journal.started.wait)
    later = []
    for _ in range(50):
        journal.append(Kind.CLOSED, b"row")
        later.append(asyncio.create_task(commit.settled()))
    await asyncio.sleep(0)

    journal.allowed.set()
    await asyncio.gather(first, *later)

    assert journal.syncs == 2
    commit.close()


async def test_what_is_synced_already_waits_for_nothing(journal: CountingJournal) -> None:
    journal.allowed.set()
    commit = GroupCommit(journal)
    journal.append(Kind.CLOSED, b"row")
    await commit.settled()

    await commit.settled()

    assert journal.syncs == 1
    commit.close()


async def test_a_disk_that_does_not_sync_holds_no_answer_back(
    journal: CountingJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError("broken")

    monkeypatch.setattr(os, "fdatasync", broken)
    journal.allowed.set()
    commit = GroupCommit(journal)
    journal.append(Kind.CLOSED, b"row")

    await commit.settled()

    assert journal.synced < journal.appended
    commit.close()


async def test_one_who_left_while_waiting_disturbs_nobody(journal: CountingJournal) -> None:
    commit = GroupCommit(journal)
    journal.append(Kind.CLOSED, b"row")
    left, stays = asyncio.create_task(commit.settled()), asyncio.create_task(commit.settled())
    await asyncio.to_thread(journal.started.wait)

    left.cancel()
    journal.allowed.set()
    await stays

    assert left.cancelled() or left.cancelling()
    commit.close()


async def test_segments_that_are_full_are_synced_before_the_next_begins(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", vault(), RecordPolicy(fsync="always", segment_bytes=500))
    for _ in range(20):
        journal.append(Kind.CLOSED, b"x" * 100)

    journal.sync()

    assert journal.synced == journal.appended
    journal.close()


async def test_the_policy_always_settles_what_was_saved(make_record: Callable[..., Record]) -> None:
    record = make_record(fsync="always")

    record.interactions.save_interaction(CALLER, request(), facts("r"), answered())
    await record.interactions.settled()
    record.flush()

    assert record.rows()["r"].outcome == "complete"
