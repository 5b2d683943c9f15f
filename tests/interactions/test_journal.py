"""The journal keeps frames in order, within its bound, whatever the disk does."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from synthlang_router.errors import ConfigurationError
from synthlang_router.interactions.folder import lock_folder, orphans
from synthlang_router.interactions.frames import Kind
from synthlang_router.interactions.journal import MAX_OWED, Journal, Record
from synthlang_router.interactions.orphan import read_segment
from synthlang_router.interactions.record import RecordPolicy
from tests.interactions.records import vault


def make(folder: Path, **policy: object) -> Journal:
    return Journal(folder, vault(), msgspec.convert(policy, RecordPolicy))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = make(tmp_path / "journal", segment_bytes=1000, max_journal_bytes=10_000)
    yield journal
    journal.close()


def drained(journal: Journal) -> list[Record]:
    found: list[Record] = []
    while True:
        records, end = journal.read()
        found += records
        if not journal.consume(end):
            return found


class FullDisk:
    """A disk that takes `room` more bytes, then nothing, as write(2) does it: short first, then ENOSPC."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: bytes) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "full")
        written = _write(descriptor, data[: self.room])
        self.room -= written
        return written


_write = os.write


def test_frames_come_back_in_the_order_of_their_making_over_many_segments(journal: Journal) -> None:
    payloads = [b"%d" % n * 50 for n in range(60)]

    assert all(journal.append(Kind.CLOSED, payload) for payload in payloads)

    assert drained(journal) == [(Kind.CLOSED, payload) for payload in payloads]


def test_segments_that_are_in_the_log_are_deleted(journal: Journal) -> None:
    for _ in range(60):
        journal.append(Kind.CLOSED, b"x" * 100)
    before = len(list(journal.root.glob("*/*.seg")))

    drained(journal)

    assert before > 5
    assert len(list(journal.root.glob("*/*.seg"))) == 1


def test_a_frame_larger_than_one_reading_comes_back(tmp_path: Path) -> None:
    journal = make(tmp_path / "journal")
    large = os.urandom(5_000_000)

    journal.append(Kind.CONTENT, b"before")
    journal.append(Kind.CONTENT, large)
    journal.append(Kind.CONTENT, b"after")

    assert [payload for _, payload in drained(journal)] == [b"before", large, b"after"]
    journal.close()


def test_rows_under_way_are_carried_into_each_new_segment(tmp_path: Path) -> None:
    journal = make(tmp_path / "journal", segment_bytes=1000)
    journal.open_row("a", b"opened a")
    journal.open_row("b", b"opened b")
    journal.close_row("b", b"closed b")
    for _ in range(20):
        journal.append(Kind.CLOSED, b"x" * 100)

    drained(journal)
    journal.close()

    (folder,) = orphans(tmp_path / "journal")
    (last,) = folder.segments()
    assert (Kind.OPENED, b"opened a") in [record for batch in read_segment(last, vault()) for record in batch]
    folder.release()


def test_the_reader_is_not_shown_what_only_an_adopter_wants(journal: Journal) -> None:
    journal.open_row("a", b"opened")
    journal.close_row("a", b"closed")

    assert drained(journal) == [(Kind.CLOSED, b"closed")]
    assert journal.backlog == 0


def test_at_its_bound_nothing_is_written_and_afterwards_it_goes_on(journal: Journal) -> None:
    while journal.append(Kind.CLOSED, b"x" * 500):
        pass

    assert journal.full
    assert 10_000 <= journal.backlog < 11_000
    drained(journal)
    assert not journal.full
    assert journal.append(Kind.CLOSED, b"x")


def test_under_refuse_what_was_let_in_is_still_closed_at_the_bound(tmp_path: Path) -> None:
    journal = make(tmp_path / "journal", max_journal_bytes=2000, on_record_failure="refuse")
    while journal.open_row("a", b"x" * 500):
        pass

    assert journal.close_row("a", b"closed")
    assert (Kind.CLOSED, b"closed") in drained(journal)
    journal.close()


def test_other_processes_journals_count_against_the_bound(tmp_path: Path) -> None:
    first = make(tmp_path / "journal", max_journal_bytes=3000)
    for _ in range(10):
        first.append(Kind.CLOSED, b"x" * 500)
    second = make(tmp_path / "journal", max_journal_bytes=3000)

    second.look_around()

    assert second.full
    second.close()
    first.close()


def test_a_short_write_is_taken_back(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append(Kind.CLOSED, b"first")
    monkeypatch.setattr(os, "write", FullDisk(30).write)

    assert not journal.append(Kind.CLOSED, b"x" * 100)
    assert journal.failing
    monkeypatch.undo()
    assert journal.append(Kind.CLOSED, b"second")

    assert not journal.failing
    assert drained(journal) == [(Kind.CLOSED, b"first"), (Kind.CLOSED, b"second")]


def test_a_torn_frame_that_cannot_be_taken_back_is_passed_over(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int, length: int) -> None:
        raise OSError(errno.EIO, "broken")

    journal.append(Kind.CLOSED, b"first")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", FullDisk(30).write)
        patched.setattr(os, "ftruncate", broken)
        journal.append(Kind.CLOSED, b"x" * 100)
    journal.append(Kind.CLOSED, b"second")

    assert drained(journal) == [(Kind.CLOSED, b"first"), (Kind.CLOSED, b"second")]
    assert journal.backlog == 0


def test_what_is_owed_is_written_when_the_disk_takes_it_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", FullDisk(0).write)
        assert not journal.close_row("a", b"with content")
        journal.owe(Kind.CLOSED, b"bare")
        journal.probe()
        assert journal.failing

    journal.probe()

    assert not journal.failing
    assert (Kind.CLOSED, b"bare") in drained(journal)


def test_what_is_owed_is_bounded_and_the_oldest_goes(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MAX_OWED + 5):
        journal.owe(Kind.CLOSED, b"%d" % number)
    journal.append(Kind.CLOSED, b"last")

    found = [payload for _, payload in drained(journal)]

    assert found[0] == b"5"
    assert len(found) == MAX_OWED + 1


def test_when_no_new_segment_is_to_be_had_the_old_one_grows(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: object, flags: int, mode: int = 0o777) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(os, "open", refused)
    payloads = [b"%d" % n * 50 for n in range(40)]

    assert all(journal.append(Kind.CLOSED, payload) for payload in payloads)

    assert [payload for _, payload in drained(journal)] == payloads


def test_what_is_in_the_log_does_not_linger_on_the_disk(journal: Journal) -> None:
    journal.append(Kind.CLOSED, b"x")
    (before,) = journal.root.glob("*/*.seg")
    journal.renew()
    assert before.exists()

    drained(journal)
    journal.renew()

    assert not before.exists()
    assert journal.append(Kind.CLOSED, b"y")


def test_a_closed_journal_that_is_in_the_log_leaves_nothing_behind(tmp_path: Path) -> None:
    journal = make(tmp_path / "journal")
    journal.append(Kind.CLOSED, b"x")
    drained(journal)

    journal.close()

    assert list((tmp_path / "journal").iterdir()) == []


def test_a_closed_journal_that_is_not_in_the_log_stays(tmp_path: Path) -> None:
    journal = make(tmp_path / "journal")
    journal.append(Kind.CLOSED, b"x")

    journal.close()

    (folder,) = orphans(tmp_path / "journal")
    assert len(folder.segments()) == 1
    folder.release()


def test_nobody_takes_the_journal_of_a_living_process(tmp_path: Path) -> None:
    journal = make(tmp_path / "journal")
    journal.append(Kind.CLOSED, b"x")
    (folder,) = journal.root.iterdir()

    assert lock_folder(folder) is None
    assert list(orphans(journal.root)) == []
    journal.close()


def test_one_process_only_adopts_a_journal(tmp_path: Path) -> None:
    make(tmp_path / "journal").close()
    journal = make(tmp_path / "journal")
    journal.append(Kind.CLOSED, b"x")
    journal.close()

    (mine,) = orphans(tmp_path / "journal")

    assert list(orphans(tmp_path / "journal")) == []
    mine.release()


def test_many_threads_may_write_while_one_reads(tmp_path: Path) -> None:
    journal = make(tmp_path / "journal", segment_bytes=5000)
    found: list[Record] = []

    def write(name: int) -> None:
        for number in range(200):
            journal.append(Kind.CLOSED, b"%d-%d" % (name, number))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found += drained(journal)
    found += drained(journal)

    assert len(found) == 800
    for name in range(4):
        mine = [payload for _, payload in found if payload.startswith(b"%d-" % name)]
        assert mine == [b"%d-%d" % (name, number) for number in range(200)]
    journal.close()


def test_files_are_the_owners_only(journal: Journal) -> None:
    (segment,) = journal.root.glob("*/*.seg")

    assert segment.stat().st_mode & 0o077 == 0
    assert segment.parent.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_told_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError):
        make(tmp_path / "file" / "journal")
