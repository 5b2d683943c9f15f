"""kill -9 of a real process that records: what was promised is there afterwards, once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interactions.records import Record

ROOT = Path(__file__).parents[2]
MakeRecord = Callable[..., Record]


def killed(folder: Path, name: str, saves: int, **policy: object) -> tuple[set[str], set[str]]:
    """Ids that a process said were opened and saved before it was killed in the midst of its work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.interactions.recording_process", str(folder), name, json.dumps(policy)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    lines: list[bytes] = []
    with process:
        while len(lines) < 2 * saves:
            line = process.stdout.readline()
            assert line, "it ended by itself"
            lines.append(line)
        process.kill()
        lines += process.stdout.readlines()  # what was said before the kill and not read yet
    said = [line.split() for line in lines if line.endswith(b"\n")]
    return (
        {row_id.decode() for word, row_id in said if word == b"opened"},
        {row_id.decode() for word, row_id in said if word == b"saved"},
    )


def check(record: Record, opened: set[str], saved: set[str]) -> None:
    rows = record.rows()
    complete = {row_id for row_id, row in rows.items() if row.outcome == "complete"}
    lost = {row_id for row_id, row in rows.items() if row.outcome == "lost"}
    assert saved <= complete
    assert opened <= complete | lost
    assert all(rows[row_id].cost == 0.5 for row_id in lost)
    for row_id in complete:
        _, answer = record.texts(row_id)
        assert answer is not None
        assert f"answer to {row_id}".encode() in answer


@pytest.mark.parametrize("saves", [1, 37, 600])
def test_a_killed_process_loses_no_row_that_it_promised(
    make_record: MakeRecord, tmp_path: Path, saves: int
) -> None:
    opened, saved = killed(tmp_path, "a", saves, segment_bytes=50_000)

    record = make_record()
    record.flush()

    assert len(saved) >= saves
    check(record, opened, saved)
    assert list((tmp_path / "journal").iterdir()) == []


def test_a_process_killed_again_and_again_loses_nothing_and_doubles_nothing(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    opened: set[str] = set()
    saved: set[str] = set()
    for name in ("a", "b", "c", "d"):
        more = killed(tmp_path, name, 150, segment_bytes=20_000)
        opened |= more[0]
        saved |= more[1]

    record = make_record()
    record.flush()

    check(record, opened, saved)
    with sqlite3.connect(tmp_path / "interactions.db") as connection:
        rows, distinct = connection.execute(
            "SELECT count(*), count(DISTINCT id) FROM interactions"
        ).fetchone()
    connection.close()
    assert rows == distinct


def test_a_process_killed_while_the_database_was_locked_loses_nothing(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    record = make_record()
    record.log.open()
    record.close()
    locker = sqlite3.connect(tmp_path / "interactions.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    opened, saved = killed(tmp_path, "a", 300)
    locker.execute("ROLLBACK")
    rows_before = locker.execute("SELECT count(*) FROM interactions").fetchone()[0]
    locker.close()

    record = make_record()
    record.flush()

    assert rows_before == 0
    check(record, opened, saved)


@pytest.mark.soak
def test_a_hundred_kills_lose_nothing_and_double_nothing(make_record: MakeRecord, tmp_path: Path) -> None:
    opened: set[str] = set()
    saved: set[str] = set()
    for kill in range(100):
        more = killed(tmp_path, f"k{kill}", 1 + kill * 7 % 400, segment_bytes=20_000)
        opened |= more[0]
        saved |= more[1]

    record = make_record()
    record.flush()

    check(record, opened, saved)
