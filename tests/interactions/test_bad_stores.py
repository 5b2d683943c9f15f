"""A database that is locked, read-only, broken or gone, and a disk that is full: requests go on, rows wait."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from synthlang_router.backends.sqlite.interactions import SqliteInteractionLog
from synthlang_router.errors import BackendError
from synthlang_router.interactions import Batch, Query
from tests.interactions.records import CALLER, Record, answered, facts, request, row

ROOT = Path(__file__).parents[2]
MakeRecord = Callable[..., Record]


def save(record: Record, *row_ids: str) -> None:
    for row_id in row_ids:
        record.interactions.save_interaction(CALLER, request(), facts(row_id), answered())


def come_round(record: Record) -> bool:
    assert record.interactions.drain is not None
    return record.interactions.drain.round()


def test_while_the_database_is_locked_rows_wait_and_then_arrive(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    record = make_record()
    save(record, "before")
    assert come_round(record)
    locker = sqlite3.connect(tmp_path / "interactions.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")

    save(record, "during")
    assert not come_round(record)
    assert list(record.rows()) == ["before"]
    locker.execute("ROLLBACK")
    locker.close()

    assert come_round(record)
    assert sorted(record.rows()) == ["before", "during"]


def test_a_database_that_was_deleted_is_made_anew(make_record: MakeRecord, tmp_path: Path) -> None:
    record = make_record()
    save(record, "before")
    assert come_round(record)

    for path in tmp_path.glob("interactions.db*"):
        path.unlink()
    save(record, "after")

    assert come_round(record)
    assert list(record.rows()) == ["after"]


def test_a_database_that_is_none_is_the_stores_fault_and_may_be_put_right(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    (tmp_path / "interactions.db").write_bytes(b"no database" * 1000)
    record = make_record()
    save(record, "r")

    assert not come_round(record)
    (tmp_path / "interactions.db").unlink()

    assert come_round(record)
    assert list(record.rows()) == ["r"]


def test_a_database_that_turns_corrupt_holds_rows_back_and_loses_none(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    record = make_record()
    save(record, "before")
    assert come_round(record)
    record.log.close()
    good = tmp_path / "good.db"
    shutil.copy(tmp_path / "interactions.db", good)
    data = bytearray((tmp_path / "interactions.db").read_bytes())
    data[100:2000] = b"\xff" * 1900
    (tmp_path / "interactions.db").write_bytes(data)

    save(record, "during")
    assert not come_round(record)
    good.replace(tmp_path / "interactions.db")

    assert come_round(record)
    assert sorted(record.rows()) == ["before", "during"]


def test_a_database_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    log = SqliteInteractionLog(tmp_path / "interactions.db")
    log.write(Batch([row()]))
    log.close()
    with sqlite3.connect(tmp_path / "interactions.db") as connection:
        connection.execute("INSERT INTO interactions_schema VALUES (999)")
    connection.close()

    newer = SqliteInteractionLog(tmp_path / "interactions.db")

    with pytest.raises(BackendError):
        newer.open()
    with pytest.raises(BackendError):
        newer.page(Query())


def test_a_folder_that_is_missing_is_made_and_one_that_cannot_be_is_the_stores_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = SqliteInteractionLog(tmp_path / "new" / "interactions.db")

    assert log.write(Batch([row()])) == 1
    log.close()
    with pytest.raises(BackendError):
        SqliteInteractionLog(tmp_path / "file" / "interactions.db").write(Batch([row()]))


def test_a_database_file_is_its_owners_only(tmp_path: Path) -> None:
    log = SqliteInteractionLog(tmp_path / "interactions.db")
    log.write(Batch([row()]))

    assert [path.stat().st_mode & 0o077 for path in tmp_path.iterdir()] == [0, 0, 0]
    log.close()


FULL = """
import json, resource, sys
from pathlib import Path
from synthlang_router.errors import Overloaded
from synthlang_router.telemetry import counters
from tests.interactions.records import CALLER, Record, answered, facts, request

record = Record(Path(sys.argv[1]), on_record_failure=sys.argv[2])
record.keys.open()
record.log.open()
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
served, refused = [], 0
for number in range(3000):
    known = facts(f"r{number}")
    try:
        record.interactions.admit()
        record.interactions.open(CALLER, request(), known)
    except Overloaded:
        refused += 1
        continue
    record.interactions.save_interaction(CALLER, request(), known, answered())
    served.append(known.row_id)
failed = counters["journal", "write_failed"]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
record.flush()
rows = record.rows()
record.close()
status = open("/proc/self/status").read()  # ru_maxrss would hold the peak of whoever started us
memory = int(status.split("VmHWM:")[1].split()[0])
print(json.dumps([served, refused, failed, sorted(rows), memory]))
"""


def with_a_full_disk(folder: Path, policy: str) -> tuple[list[str], int, int, list[str], int]:
    """3,000 requests in a process whose files may not grow over 150 kB: the kernel refuses as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder), policy], cwd=ROOT, capture_output=True, check=True
    )
    served, refused, failed, rows, memory = json.loads(done.stdout)
    return served, refused, failed, rows, memory


def test_on_a_full_disk_serve_answers_all_and_keeps_in_memory_what_is_bounded(tmp_path: Path) -> None:
    served, refused, failed, rows, memory = with_a_full_disk(tmp_path, "serve")

    assert len(served) == 3000
    assert refused == 0
    assert failed > 1000
    assert 1000 < len(rows) < 3000
    assert set(rows) <= set(served)
    assert memory < 120_000


def test_on_a_full_disk_refuse_lets_nobody_in_and_keeps_a_row_of_each_it_served(tmp_path: Path) -> None:
    served, refused, _, rows, _ = with_a_full_disk(tmp_path, "refuse")

    assert refused > 1000
    assert set(served) == set(rows)
